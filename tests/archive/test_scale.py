from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from archive.fakes import DIM, FakeEncoder, filled, make_chip, on_one_scale, unit, units
from swath.archive import Archive, Limits
from swath.archive.background import captions
from swath.archive.contact_sheet import TILE, draw
from swath.archive.merging import merged
from swath.archive.scale import Scale, query_moments, text_moments
from swath.errors import QueryError
from swath.features import Features

EACH = 60
SENSORS = ["rgb", "s1-grd"]
NAMES = [SENSORS[at % 2] for at in range(2 * EACH)]
MODES = {
    "cached": Limits(),
    "streamed": Limits(cache_bytes=0),
    "indexed": Limits(cache_bytes=0, exact_matches=0, probes=64),
}


def flat(vectors: Any) -> Any:
    """Unit vectors without the last coordinate, where only one sensor's images lie."""
    vectors = np.array(vectors, dtype=np.float32)
    vectors[..., -1] = 0
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


class Texts(FakeEncoder):
    """Texts have no part of the gap between the sensors."""

    def encode_texts(self, texts: Sequence[str]) -> Features:
        pooled = torch.from_numpy(flat(super().encode_texts(texts).pooled.numpy()))
        return Features(pooled, pooled[:, None], torch.ones(len(texts), 1, dtype=torch.bool))


def apart() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Vectors of two sensors: those of radar lie in a narrow cone far from every text."""
    vectors = flat(units(2 * EACH, DIM))
    radar = np.array(NAMES) == "s1-grd"
    vectors[radar] *= 0.1
    vectors[radar, -1] = 1.0
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


PORT = flat(unit("port"))
BANK = flat([unit(caption) for caption in captions()]).astype(np.float16).astype(np.float32)
VECTORS = apart()
CHIPS = [make_chip(at, at * 0.5 - 30, sensor=name) for at, name in enumerate(NAMES)]


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scale") / "archive"
    archive = filled(path, CHIPS, VECTORS, Texts())
    archive.optimize(vector_index=True)
    archive.ensure_background()
    return path


@pytest.fixture(params=["cached", "streamed"], scope="module")
def archive(request: pytest.FixtureRequest, uri: Path) -> Archive:
    return Archive.open(uri, Texts(), MODES[request.param])


_MOMENTS = st.tuples(st.floats(-1, 1), st.floats(0, 1))


@given(
    st.dictionaries(st.sampled_from(["rgb", "s1-grd", "s2-l2a", "sar"]), _MOMENTS, min_size=1),
    st.lists(st.floats(-1, 1), min_size=2, max_size=5),
)
def test_order_within_a_sensor_never_changes(moments: dict[str, tuple[float, float]], scores: list[float]) -> None:
    scale = Scale.of(moments)
    for name in moments:
        assert scale.sensors[name].gain > 0
        found = [scale.calibrated(score, name) for score in scores]
        assert [found[at] for at in np.argsort(scores, kind="stable")] == sorted(found)
        np.testing.assert_allclose([scale.raw(score, name) for score in found], scores, atol=1e-6)


@given(st.dictionaries(st.sampled_from(["rgb", "s1-grd", "s2-l2a"]), _MOMENTS, min_size=2))
def test_sensors_get_one_centre_and_one_spread(moments: dict[str, tuple[float, float]]) -> None:
    moments = {name: (centre, spread + 0.01) for name, (centre, spread) in moments.items()}
    scale = Scale.of(moments)
    ends = {
        tuple(round(scale.calibrated(centre + part * spread, name), 6) for part in (0, 1))
        for name, (centre, spread) in moments.items()
    }
    assert len(ends) == 1


def test_one_sensor_or_equal_ones_keep_their_cosines() -> None:
    assert Scale.of({"rgb": (0.3, 0.2)}).calibrated(0.4, "rgb") == 0.4
    assert Scale.of({"rgb": (0.3, 0.2), "sar": (0.3, 0.2)}).calibrated(0.4, "sar") == pytest.approx(0.4)
    assert Scale.of({"rgb": (0.3, 0.0), "sar": (0.1, 0.0)}).calibrated(0.4, "sar") == pytest.approx(0.5)


@given(st.lists(st.lists(st.integers(0, 20), max_size=12), min_size=1, max_size=4), st.integers(1, 5))
def test_rankings_are_merged_in_order_and_lose_nothing(streams: list[list[int]], step: int) -> None:
    row, asked, every = 0, [], []
    for stream in streams:
        scores = np.array(sorted(stream, reverse=True), dtype=np.float32)
        rows = np.arange(row, row + len(scores), dtype=np.uint64)
        row += len(scores)
        every += list(zip((-scores).tolist(), rows.tolist(), strict=True))
        asked.append(iter([(rows[at : at + step], scores[at : at + step]) for at in range(0, len(rows), step)]))
    parts = list(merged(asked))
    found = [(-score, one) for rows, scores in parts for one, score in zip(rows.tolist(), scores.tolist(), strict=True)]
    assert sorted(found) == sorted(every)
    assert [score for score, _ in found] == sorted(score for score, _ in every)


def test_moments_by_hand() -> None:
    samples = {"rgb": VECTORS[::2], "s1-grd": VECTORS[1::2]}
    middle, spread = text_moments(BANK, samples)["s1-grd"]
    cosines = VECTORS[1::2] @ BANK.T
    assert middle == pytest.approx(np.median(cosines), abs=1e-6)
    assert middle + spread == pytest.approx(np.quantile(cosines, 0.99), abs=1e-6)
    mean, deviation = query_moments(PORT, samples)["rgb"]
    assert (mean, deviation) == pytest.approx((np.mean(VECTORS[::2] @ PORT), np.std(VECTORS[::2] @ PORT)))


@pytest.mark.parametrize("mode", MODES)
def test_a_sensor_far_from_all_texts_gets_its_hits(uri: Path, mode: str) -> None:
    archive = Archive.open(uri, Texts(), MODES[mode])
    raw = archive.search("port", k=15, scores="raw")
    fair = archive.search("port", k=15)
    shares = [sum(hit.sensor == "s1-grd" for hit in hits) for hits in (raw, fair)]
    assert shares[0] < 3  # the cosines put one sensor before the other
    assert 3 < shares[1] < 12
    expected = on_one_scale(VECTORS @ PORT, NAMES, VECTORS, BANK)
    assert [hit.id for hit in fair] == [CHIPS[at].id for at in np.argsort(-expected)[:15]]
    assert [hit.score for hit in fair] == [hit.calibrated_score for hit in fair]
    assert [hit.score for hit in raw] == [hit.raw_score for hit in raw]
    told = {hit.id: (hit.raw_score, hit.calibrated_score) for hit in raw}
    for hit in fair:
        if hit.id in told:
            assert (hit.raw_score, hit.calibrated_score) == pytest.approx(told[hit.id], abs=1e-5)
    assert (raw.query["scores"], fair.query["scores"]) == ("raw", "calibrated")


@pytest.mark.parametrize("sensor", SENSORS)
def test_within_a_sensor_both_rank_alike_and_filters_lose_nothing(archive: Archive, sensor: str) -> None:
    for parts in ({}, {"bbox": (-10, -5, 10, 5)}):
        raw, fair = (archive.search("port", k=200, scores=way, **parts) for way in ("raw", "calibrated"))
        assert {hit.id for hit in raw} == {hit.id for hit in fair}
        assert len(fair) == archive.count(**parts)
        alone = archive.search("port", k=200, sensor=sensor, **parts)
        own = [[hit.id for hit in hits if hit.sensor == sensor] for hits in (raw, fair, alone)]
        assert own[0] == own[1] == own[2]
        scores = {hit.id: hit.score for hit in fair}
        assert [hit.score for hit in alone] == pytest.approx([scores[hit.id] for hit in alone], abs=1e-5)


def test_a_query_of_an_image_is_calibrated_when_asked(archive: Archive) -> None:
    plain = archive.search(like=CHIPS[1].id, k=20)
    assert (plain.query["scores"], plain[0].calibrated_score) == ("raw", None)
    assert {hit.sensor for hit in plain} == {"s1-grd"}
    fair = archive.search(like=CHIPS[1].id, k=20, scores="calibrated")
    assert {hit.sensor for hit in fair} == set(SENSORS)
    mixed = archive.search("port", like=CHIPS[1].id, k=20, scores="calibrated")
    assert {hit.sensor for hit in mixed} == set(SENSORS)
    soft = archive.search("port", near=(0, 0), weights={"near": 0.1}, k=20, scores="calibrated")
    assert {hit.sensor for hit in soft} == set(SENSORS)


def test_the_best_of_each_sensor(archive: Archive) -> None:
    hits = archive.search("port", k=4, per_sensor=True)
    assert [hit.rank for hit in hits] == [1, 2, 3, 4] * 2
    assert list(hits.by_sensor()) == list(dict.fromkeys(hit.sensor for hit in hits))
    assert hits[0].score >= hits[4].score
    for name, own in hits.by_sensor().items():
        assert [hit.id for hit in own] == [hit.id for hit in archive.search("port", k=4, sensor=name)]
    assert hits.query["per_sensor"] is True
    assert hits.confidence is not None
    sheet = draw(hits)
    assert sheet.width >= 4 * TILE
    assert sheet.height >= 2 * TILE
    assert len(archive.search("port", k=4, per_sensor=True, sensor="rgb")) == 4
    assert len(archive.search("port", k=4, per_sensor=True, where="id = 'none'")) == 0
    assert draw(archive.search("port", per_sensor=True, where="id = 'none'")).height > 0


def test_the_scale_is_kept_and_follows_the_rows(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", CHIPS[:60:2], VECTORS[:60:2], Texts())
    assert archive.search("port")[0].calibrated_score is None  # one sensor: nothing to calibrate
    archive.add(CHIPS[1::2], VECTORS[1::2])
    archive.optimize()
    kept = archive._store.get("background_scale")
    assert kept is not None
    assert kept[0]["version"] == archive._current().version
    again = Archive.open(tmp_path / "archive", Texts())
    assert again.search("port", k=9).to_json() == archive.search("port", k=9).to_json()


def test_what_cannot_be_calibrated(archive: Archive) -> None:
    with pytest.raises(QueryError, match="scores is 'cooked'"):
        archive.search("port", scores="cooked")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="calibrated scores are of global similarity"):
        archive.search("port", scores="calibrated", rerank="bank")
