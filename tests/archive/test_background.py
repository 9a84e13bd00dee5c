from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.fakes import DIM, FakeEncoder, caption_bank, filled, grid, make_chip, on_one_scale, unit, units
from swath.archive import Archive, Limits, background
from swath.archive.background import BEST, captions, confidence
from swath.archive.filters import Filters
from swath.chips import Chip


def test_captions_are_many_distinct_and_plain() -> None:
    found = captions()
    assert len(found) >= 300
    assert len(set(found)) == len(found)
    assert all(caption == caption.strip() and caption.isascii() and 2 < len(caption.split()) < 16 for caption in found)


def test_confidence_is_the_share_of_worse_captions() -> None:
    bank = np.eye(4, dtype=np.float32)
    vectors = np.array([[0.8, 0.6, 0, 0], [0, 0, 0, 1]], dtype=np.float32)
    text = np.array([0.7, 0.1, 0.1, 0], dtype=np.float32)
    # 0.62 beats the cosines 0.6, 0, 0 but not 0.8; 0 beats nothing.
    assert confidence(bank, text, vectors).tolist() == [0.75, 0.0]


def test_the_bank_is_encoded_once_an_archive(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    archive = filled(tmp_path / "archive", [make_chip(1)], encoder=encoder)
    archive.search("port")
    assert encoder.encoded_texts == len(captions()) + 1
    archive.search("port")
    assert encoder.encoded_texts == len(captions()) + 2
    another = FakeEncoder()
    Archive.open(tmp_path / "archive", another).search("port")
    assert another.encoded_texts == 1


def test_a_good_match_is_confident_and_a_bad_one_is_not(tmp_path: Path) -> None:
    vector = unit("a chip")
    encoder = FakeEncoder(texts={"this chip": vector, "anything else": -vector})
    archive = filled(tmp_path / "archive", [make_chip(1)], vector[None], encoder)
    good, bad = archive.search("this chip"), archive.search("anything else")
    assert good[0].confidence == 1.0
    assert good.matches_well
    assert bad[0].confidence == 0.0
    assert not bad.matches_well


def test_confidence_belongs_to_the_text_also_beside_other_parts(tmp_path: Path) -> None:
    chips, vectors = [make_chip(n) for n in range(5)], units(5)
    archive = filled(tmp_path / "archive", chips, vectors, FakeEncoder(DIM))
    alone = {hit.id: hit.confidence for hit in archive.search("port")}
    mixed = {hit.id: hit.confidence for hit in archive.search("port", like=chips[0].id, negatives=["ship"])}
    assert mixed == alone


COUNT = 200
CHIPS, VECTORS = grid(COUNT), units(COUNT)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("background") / "archive"
    filled(path, CHIPS, VECTORS).optimize(vector_index=True)
    return path


def by_hand(text: str, keep: Sequence[bool], best: int = BEST) -> float:
    """The share of captions whose best chips match less well, one product after the other."""
    sensors, bank, kept = [chip.scene.sensor for chip in CHIPS], caption_bank(), np.asarray(keep)
    scores = [on_one_scale(VECTORS @ vector, sensors, VECTORS, bank)[kept] for vector in (*bank, unit(text))]
    means = [np.sort(own)[::-1][:best].mean() for own in scores]
    return float(np.mean(np.array(means[:-1]) < means[-1]))


@pytest.mark.parametrize("limits", [Limits(), Limits(cache_bytes=0)], ids=["cached", "streamed"])
@pytest.mark.parametrize("k", [1, 20])
def test_a_query_is_as_sure_as_the_captions_it_beats(uri: Path, limits: Limits, k: int) -> None:
    archive = Archive.open(uri, FakeEncoder(), limits)
    for text in ("port", "a wide river", "snow"):
        assert archive.search(text, k=k).confidence == by_hand(text, [True] * COUNT)
        few = archive.search(text, k=k, sensor="s1-grd")
        assert few.confidence == by_hand(text, [chip.scene.sensor == "s1-grd" for chip in CHIPS])
        assert few.to_dict()["query"]["confidence"] == few.confidence


def test_the_vector_index_judges_nearly_the_same(uri: Path) -> None:
    archive = Archive.open(uri, FakeEncoder(), Limits(cache_bytes=0, exact_matches=0, probes=64))
    found = archive.search("port").confidence
    assert found is not None
    assert abs(found - by_hand("port", [True] * COUNT)) < 0.05


def test_the_confidence_of_a_query_is_that_of_its_text(uri: Path) -> None:
    archive = Archive.open(uri, FakeEncoder())
    alone = archive.search("port")
    assert alone.confidence is not None
    assert archive.search("port", like=alone[3].id, k=3).confidence == alone.confidence
    assert archive.search("port", near=(0, 0), weights={"near": 0.5}).confidence == alone.confidence
    assert archive.search(like=alone[3].id).confidence is None


def test_many_texts_are_judged_at_once_as_their_searches_are(uri: Path) -> None:
    archive = Archive.open(uri, FakeEncoder())
    texts = ["port", "a wide river", "snow"]
    for filters in ({}, {"sensor": "s2"}):
        assert archive.confidence(texts, **filters) == [archive.search(text, **filters).confidence for text in texts]
    assert archive.confidence(texts, where="id = 'no such chip'") == [None] * 3
    assert archive.confidence([]) == []


def test_with_few_chips_as_few_are_compared(uri: Path) -> None:
    archive = Archive.open(uri, FakeEncoder())
    keep = [chip.id in (CHIPS[3].id, CHIPS[8].id) for chip in CHIPS]
    found = archive.search("port", where=f"id IN ('{CHIPS[3].id}', '{CHIPS[8].id}')")
    assert found.confidence == by_hand("port", keep, 2)
    nothing = archive.search("port", where="id = 'no such chip'")
    assert nothing.confidence is None
    assert not nothing.matches_well


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, COUNT), best=st.integers(1, 12))
def test_best_means_equal_a_full_sort(uri: Path, count: int, best: int) -> None:
    snapshot = Archive.open(uri, FakeEncoder(), Limits(cache_bytes=0 if count % 2 else 2**30))._current()
    names = ", ".join(f"'{chip.id}'" for chip in CHIPS[:count])
    asked = units(3, seed=best)
    found = snapshot.best_means(asked, Filters(where=f"id IN ({names})"), best)
    expected = np.sort(VECTORS[:count] @ asked.T, axis=0)[::-1][:best].mean(axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_means_are_kept_for_the_next_process_and_renewed_with_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_WORTH_KEEPING", 1)
    chips: list[Chip] = [make_chip(n) for n in range(40)]
    archive = filled(tmp_path / "archive", chips[:20], units(40)[:20])
    archive.ensure_background()
    key = archive._store.get("background_means")
    assert key is not None
    assert key[0]["version"] == archive._current().version
    archive.add(chips[20:], units(40)[20:])
    fresh = Archive.open(tmp_path / "archive", FakeEncoder())
    assert fresh.search("port").confidence == archive.search("port").confidence
    fresh.optimize()
    kept = archive._store.get("background_means")
    assert kept is not None
    assert kept[0]["version"] == fresh._current().version
    assert Archive.open(tmp_path / "archive", FakeEncoder()).search("port").confidence == (
        archive.search("port").confidence
    )
