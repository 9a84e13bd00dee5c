from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.corpus.landmark import by_blocks, by_scenes, stratified
from swath.corpus.landmark.splitting import held_out
from swath.errors import InputError

PARTS = {"train": 0.2, "corpus": 0.8}


@given(st.lists(st.sets(st.sampled_from("abcde"), min_size=1), max_size=60), st.integers(0, 5))
def test_every_image_gets_one_split_and_the_same_again(labels, seed):
    chosen = stratified(labels, PARTS, seed)
    assert len(chosen) == len(labels)
    assert set(chosen) <= set(PARTS)
    assert chosen == stratified(labels, PARTS, seed)


def test_a_rare_label_is_divided_in_proportion():
    labels = [{"common"}] * 900 + [{"common", "rare"}] * 50 + [{"rare"}] * 50
    chosen = stratified(labels, PARTS)
    rare = Counter(split for split, found in zip(chosen, labels, strict=True) if "rare" in found)
    assert rare == {"train": 20, "corpus": 80}
    assert Counter(chosen)["train"] == pytest.approx(200, abs=2)


def test_scenes_stay_whole():
    scenes = [f"scene{number // 10}" for number in range(100)]
    labels = [{"a"} if number % 20 < 10 else {"a", "b"} for number in range(100)]
    chosen = by_scenes(scenes, labels, {"train": 0.3, "test": 0.7})
    assert Counter(chosen) == {"train": 30, "test": 70}
    assert len(set(zip(scenes, chosen, strict=True))) == 10


def test_scenes_are_held_out_by_name():
    scenes = ["Mekong_1", "Mekong_1", "Spain_2"]
    assert held_out(scenes, {"test": ["Mek*"]}) == ["test", "test", ""]
    with pytest.raises(InputError, match="no scene is called 'USA"):
        held_out(scenes, {"test": ["USA*"]})
    with pytest.raises(InputError, match="held out for 'test' and for 'val'"):
        held_out(scenes, {"test": ["Mek*"], "val": ["*_1"]})


def test_seeds_differ():
    labels = [{"a"}] * 100
    assert stratified(labels, PARTS, 0) != stratified(labels, PARTS, 1)


@pytest.mark.parametrize("fractions", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}])
def test_bad_fractions(fractions):
    with pytest.raises(InputError, match="sum to 1"):
        stratified([{"a"}], fractions)


def grid(lon=10.0, lat=45.0, side=0.05, count=40):
    """Images that cover a square without gaps."""
    return [
        (lon + side * x, lat + side * y, lon + side * (x + 1), lat + side * (y + 1))
        for y in range(count)
        for x in range(count)
    ]


@pytest.mark.parametrize(("lon", "lat"), [(10.0, 45.0), (-1.0, -1.0)])
def test_no_ground_is_in_two_splits(lon, lat):
    boxes = grid(lon, lat)
    labels = [{"a"} if number % 3 else {"a", "b"} for number in range(len(boxes))]
    chosen = by_blocks(boxes, labels, {"train": 0.3, "corpus": 0.7}, seed=1, block_km=25.0)
    counts = Counter(chosen)
    assert set(counts) == {"train", "corpus", ""}
    assert 0.2 < counts["train"] / (counts["train"] + counts["corpus"]) < 0.4
    train, corpus = ([box for box, split in zip(boxes, chosen, strict=True) if split == name] for name in PARTS)
    for west, south, east, north in train:
        assert not any(
            west < other[2] - 1e-9 and other[0] < east - 1e-9 and south < other[3] - 1e-9 and other[1] < north - 1e-9
            for other in corpus
        )


def test_blocks_go_across_the_antimeridian():
    box = (179.99, 0.1, -179.99, 0.12)
    assert by_blocks([box], [{"a"}], {"only": 1.0}, block_km=50.0) in (["only"], [""])


def test_an_image_larger_than_a_block_is_refused():
    with pytest.raises(InputError, match="does not fit into blocks of 5 km"):
        by_blocks([(10.0, 45.0, 10.5, 45.5)], [{"a"}], PARTS, block_km=5)
    with pytest.raises(InputError, match="positive side"):
        by_blocks([], [], PARTS, block_km=0)
