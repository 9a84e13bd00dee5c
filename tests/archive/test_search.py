from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import torch
from numpy.typing import NDArray
from PIL import Image

from archive.fakes import DIM, FakeEncoder, caption_bank, filled, grid, make_chip, on_one_scale, unit, units
from swath.archive import Archive, Limits, Query
from swath.archive.places import great_circle_km
from swath.chips import Chip
from swath.errors import ModelMismatchError, QueryError

COUNT = 300
CHIPS = grid(COUNT)
VECTORS = units(COUNT)

# Everything in memory, everything streamed from disk, everything through the vector index.
MODES = {
    "cached": Limits(),
    "streamed": Limits(cache_bytes=0),
    "indexed": Limits(cache_bytes=0, exact_matches=0, probes=64),
}


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("search") / "archive"
    filled(path, CHIPS, VECTORS).optimize(vector_index=True)
    return path


@pytest.fixture(params=MODES, scope="module")
def archive(request: pytest.FixtureRequest, uri: Path) -> Archive:
    return Archive.open(uri, FakeEncoder(), MODES[request.param])


def best(scores: NDArray[np.floating], chips: Sequence[Chip], keep: NDArray[np.bool_], k: int) -> list[str]:
    order = [place for place in np.argsort(-scores) if keep[place]]
    return [chips[place].id for place in order[:k]]


TRIANGLE = shapely.Polygon([(-170, -80), (170, -80), (170, 80)])


def in_march(chip: Chip) -> bool:
    date = chip.scene.datetime
    return date is not None and (date.year, date.month) == (2020, 3)


FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "none": ({}, lambda c: True),
    "half": ({"bbox": (-180, -90, 0, 90)}, lambda c: c.footprint and c.footprint.geometry.bounds[0] <= 0),
    "few": ({"sensor": "s1", "datetime": "2020-03"}, lambda c: c.scene.sensor == "s1-grd" and in_march(c)),
    "one": ({"where": "properties.name = 'n17'"}, lambda c: c.scene.properties["name"] == "n17"),
    "nothing": ({"where": "properties.name = 'x'"}, lambda c: False),
    "triangle": ({"geometry": TRIANGLE}, lambda c: c.footprint and c.footprint.geometry.intersects(TRIANGLE)),
}


SENSORS = [chip.scene.sensor for chip in CHIPS]


def calibrated(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    return on_one_scale(scores, SENSORS, VECTORS, caption_bank())


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("k", [1, 10, 10_000])
@pytest.mark.parametrize("way", ["raw", "calibrated"])
def test_hits_are_the_best_that_pass_and_never_too_few(archive: Archive, name: str, k: int, way: Any) -> None:
    parts, passes = FILTERS[name]
    keep = np.array([bool(passes(chip)) for chip in CHIPS])
    scores = VECTORS @ unit("port")
    scores = scores if way == "raw" else calibrated(scores)
    hits = archive.search("port", k=k, scores=way, **parts)
    assert [hit.id for hit in hits] == best(scores, CHIPS, keep, k)
    by_id = {chip.id: score for chip, score in zip(CHIPS, scores, strict=True)}
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    np.testing.assert_allclose([hit.score for hit in hits], [by_id[hit.id] for hit in hits], atol=1e-5)


def z(scores: NDArray[np.floating]) -> NDArray[np.floating]:
    return (scores - scores.mean()) / scores.std()


def test_parts_combine_in_standard_units(archive: Archive) -> None:
    hits = archive.search(
        "port", positives=["ships", CHIPS[3].id], negatives=["forest"], weights={"text": 2, "positives": 1}, k=20
    )
    total = (
        2 * z(VECTORS @ unit("port"))
        + 0.5 * z(VECTORS @ unit("ships"))
        + 0.5 * z(VECTORS @ VECTORS[3])
        - 0.5 * z(VECTORS @ unit("forest"))
    ) / 3.5
    assert [hit.id for hit in hits] == best(total, CHIPS, np.full(COUNT, True), 20)
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(total)[::-1][:20], atol=1e-4)


def test_examples_pull_and_push(archive: Archive) -> None:
    def rank(of: int, **parts: Any) -> int:
        return [hit.id for hit in archive.search("port", k=COUNT, **parts)].index(CHIPS[of].id)

    plain = rank(50)
    assert rank(50, positives=[CHIPS[50].id]) < plain
    assert rank(50, negatives=[CHIPS[50].id]) > plain


def test_a_place_alone_ranks_by_distance(archive: Archive) -> None:
    located = [chip for chip in CHIPS if chip.footprint is not None]
    centres = np.array([shapely.box(*chip.footprint.geometry.bounds).centroid.coords[0] for chip in located])
    distance = great_circle_km(10.0, 20.0, centres[:, 0], centres[:, 1])
    hits = archive.search(near=(10, 20), k=1000)
    assert [hit.id for hit in hits] == [located[place].id for place in np.argsort(distance)]
    np.testing.assert_allclose(hits[0].score, np.exp(-distance.min() / 50), rtol=1e-6)
    near = archive.search(near=(10, 20), radius_km=3000, k=1000)
    assert 0 < len(near) < len(hits)
    assert [hit.id for hit in near] == [hit.id for hit in hits[: len(near)]]


def test_a_place_beside_a_text_filters(archive: Archive) -> None:
    inside = {hit.id for hit in archive.search(near=(10, 20), radius_km=4000, k=1000)}
    hits = archive.search("port", near=(10, 20), radius_km=4000, k=1000)
    assert {hit.id for hit in hits} == inside
    scores = calibrated(VECTORS @ unit("port"))
    assert [hit.id for hit in hits] == best(scores, CHIPS, np.array([chip.id in inside for chip in CHIPS]), 1000)


def test_a_place_with_a_weight_is_a_preference(archive: Archive) -> None:
    hits = archive.search("port", near=(10, 20), weights={"near": 3}, k=COUNT)
    assert len(hits) == COUNT  # also what has no georeference
    located = np.array([chip.footprint is not None for chip in CHIPS])
    centres = np.array(
        [chip.footprint.geometry.centroid.coords[0] if chip.footprint else (np.nan, np.nan) for chip in CHIPS]
    )
    closeness = np.where(located, np.exp(-great_circle_km(10, 20, centres[:, 0], centres[:, 1]) / 50), 0)
    total = (z(VECTORS @ unit("port")) + 3 * np.nan_to_num(closeness)) / 4
    assert [hit.id for hit in hits[:50]] == best(total, CHIPS, np.full(COUNT, True), 50)


def test_like_an_image_file_and_like_a_chip(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "an image.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(path)
    from swath.raster import read_image

    encoder = FakeEncoder()
    vector = encoder.encode_images(encoder.prepare(read_image(path))[None], "rgb").pooled[0].numpy()
    everything = np.full(COUNT, True)
    for like in (path, str(path), read_image(path)):
        assert [hit.id for hit in archive.search(like=like, k=9)] == best(VECTORS @ vector, CHIPS, everything, 9)
    own = archive.search(like=CHIPS[7].id, k=3)
    assert own[0].id == CHIPS[7].id
    assert own[0].score == pytest.approx(1, abs=1e-5)
    assert [hit.id for hit in archive.search(like=own[0], k=3)] == [hit.id for hit in own]


def test_nothing_to_search_by_and_unknown_examples(archive: Archive) -> None:
    for parts in ({}, {"bbox": (0, 0, 1, 1)}, {"sensor": "rgb"}):
        with pytest.raises(QueryError, match="nothing to search by"):
            archive.search(**parts)
    with pytest.raises(QueryError, match="k must be"):
        archive.search("port", k=0)
    with pytest.raises(QueryError, match="no image file"):
        archive.search(like="nowhere.png")
    with pytest.raises(QueryError, match=r"no chip 0{32} in the archive"):
        archive.search(like="0" * 32)
    with pytest.raises(QueryError, match="no part 'colour'"):
        archive.search("port", colour="red")
    with pytest.raises(QueryError, match="twice"):
        archive.search("port", text="ship")
    with pytest.raises(QueryError, match="not both"):
        archive.search(Query(text="port"), sensor="rgb")


def test_equal_scores_come_in_the_order_of_ids(tmp_path: Path) -> None:
    chips = [make_chip(number) for number in range(6)]
    archive = filled(tmp_path / "archive", chips, np.repeat(units(1), 6, axis=0))
    assert [hit.id for hit in archive.search("port", k=6)] == sorted(chip.id for chip in chips)


def test_searches_see_what_another_handle_wrote(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", CHIPS[:5], VECTORS[:5])
    assert len(archive.search("port", k=100)) == 5
    other = Archive.open(tmp_path / "archive")
    other.add(CHIPS[5:9], VECTORS[5:9])
    assert len(archive.search("port", k=100)) == 9
    assert other.delete([CHIPS[0].id, CHIPS[8].id, "absent"]) == 2
    assert {hit.id for hit in archive.search("port", k=100)} == {chip.id for chip in CHIPS[1:8]}


def test_an_empty_archive_and_one_row(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", [])
    assert len(archive.search("port")) == 0
    assert len(archive.search(near=(0, 0))) == 0
    assert len(archive.browse()) == 0
    archive.add(CHIPS[:1], VECTORS[:1])
    assert len(archive.search("port", positives=["ship"])) == 1


def test_one_archive_serves_many_threads(uri: Path) -> None:
    archive = Archive.open(uri, FakeEncoder())
    wanted = [hit.id for hit in archive.search("port", sensor="rgb")]
    wrong: list[object] = []

    def ask() -> None:
        try:
            for _ in range(5):
                found = [hit.id for hit in archive.search("port", sensor="rgb")]
                wrong.extend([] if found == wanted else [found])
        except BaseException as error:  # reported by the assertion below
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_encoder_is_loaded_by_the_name_the_archive_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swath import models

    loaded: list[str] = []

    def from_pretrained(name: str) -> FakeEncoder:
        loaded.append(name)
        return FakeEncoder(model_id="fake@1" if name == "fake" else "other@2")

    monkeypatch.setattr(models.DualEncoder, "from_pretrained", from_pretrained)
    Archive.create(tmp_path / "a", "fake@1", DIM, model="fake").add(CHIPS[:3], VECTORS[:3])
    archive = Archive.open(tmp_path / "a")
    assert len(archive.search(near=(0, 0))) == 3
    assert loaded == []  # a place needs no model
    archive.search("port")
    archive.search("ship")
    assert loaded == ["fake"]
    Archive.create(tmp_path / "b", "fake@1", DIM, model="moved").add(CHIPS[:3], VECTORS[:3])
    with pytest.raises(ModelMismatchError, match=r"fake@1.*other@2"):
        Archive.open(tmp_path / "b").search("port")


def test_browse_lists_newest_first_in_pages(uri: Path) -> None:
    archive = Archive.open(uri)
    everything = archive.browse(limit=1000)
    dates = [hit.datetime for hit in everything]
    known = [date for date in dates if date is not None]
    assert dates == sorted(known, reverse=True) + [None] * (COUNT - len(known))
    assert all(hit.score is None for hit in everything)
    paged = [hit.id for offset in range(0, COUNT, 70) for hit in archive.browse(limit=70, offset=offset)]
    assert paged == [hit.id for hit in everything]
    west = archive.browse(bbox=(-180, -90, 0, 90), limit=1000)
    second = archive.browse(bbox=(-180, -90, 0, 90), limit=10, offset=10)
    assert [hit.id for hit in second] == [hit.id for hit in west[10:20]]
    assert second[0].rank == 11
    with pytest.raises(QueryError, match="negative"):
        archive.browse(limit=-1)


def test_get_keeps_the_order_asked_for(uri: Path) -> None:
    wanted = [CHIPS[5].id, CHIPS[1].id]
    assert [hit.id for hit in Archive.open(uri).get([*wanted, "it's absent"])] == wanted
    assert len(Archive.open(uri).get([])) == 0


class Placed(FakeEncoder):
    """Gives each place the vector of a chip: chip 7's at its longitude, else one of its own."""

    location = object()

    def encode_locations(self, lonlat: Any) -> Any:
        return torch.from_numpy(np.stack([VECTORS[7] if lon == 7 else unit(f"{lon},{lat}") for lon, lat in lonlat]))


def test_a_place_can_be_a_meaning(uri: Path) -> None:
    archive = Archive.open(uri, Placed())
    alone = archive.search(like_place=(7, 45), k=5)
    assert alone[0].id == CHIPS[7].id
    assert [hit.id for hit in alone] == best(VECTORS @ VECTORS[7], CHIPS, np.full(COUNT, True), 5)
    assert alone.query["like_place"] == [7.0, 45.0]
    beside = archive.search("port", like_place=(7, 45), weights={"like_place": 2}, k=5)
    total = (z(VECTORS @ unit("port")) + 2 * z(VECTORS @ VECTORS[7])) / 3
    assert [hit.id for hit in beside] == best(total, CHIPS, np.full(COUNT, True), 5)
    near = archive.search("port", like_place=(7, 45), near=(10, 20), radius_km=4000, k=1000)
    assert {hit.id for hit in near} == {hit.id for hit in archive.search(near=(10, 20), radius_km=4000, k=1000)}


def test_a_model_without_location_tower_knows_no_places(uri: Path) -> None:
    with pytest.raises(QueryError, match=r"fake@1 of this archive has no location tower.*search by distance"):
        Archive.open(uri, FakeEncoder()).search(like_place=(7, 45))
    with pytest.raises(QueryError, match=r"lat"):
        Archive.open(uri, Placed()).search(like_place=(34.0, -118.2))
    with pytest.raises(QueryError, match="fused similarity is for a query that is one text"):
        Archive.open(uri, Placed()).search("port", like_place=(7, 45), similarity="fused")
