"""2,208 chips of 138 real scenes: what is found agrees with the source's own catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from archive.fakes import FakeEncoder
from swath.archive import Archive, ingest
from swath.archive.places import great_circle_km
from swath.sources import cut, open_source

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.fixture(scope="module")
def catalogue(shared_data: Path) -> dict[str, dict[str, Any]]:
    folder = shared_data / "socal_scenes"
    items = json.loads((folder / "items.json").read_text())["features"]
    return {str((folder / asset["href"]).resolve()): item for item in items for asset in item["assets"].values()}


@pytest.fixture(scope="module")
def archive(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    encoder = FakeEncoder()
    uri = tmp_path_factory.mktemp("socal") / "archive"
    archive = Archive.create(uri, encoder.model_id, encoder.dim, encoder=encoder)
    source = open_source(str(shared_data / "socal_scenes" / "items.json"))
    report = ingest(archive, cut(source, 256), encoder)
    assert (report.added, report.failures) == (2208, [])
    archive.optimize()
    return archive


def item_of(catalogue: dict[str, dict[str, Any]], href: str) -> dict[str, Any]:
    return catalogue[str(Path(href).resolve())]


def test_everything_is_there(archive: Archive, catalogue: dict[str, dict[str, Any]]) -> None:
    found = archive.info()
    assert found.rows == 2208
    assert found.scenes == 138
    assert set(found.sensors.values()) == {1104}
    dates = sorted(item["properties"]["datetime"] for item in catalogue.values())
    assert found.datetime == (dates[0], dates[-1])
    west, south, east, north = shapely.union_all([shape(item["geometry"]) for item in catalogue.values()]).bounds
    np.testing.assert_allclose(found.bbox, (west, south, east, north), atol=2e-3)
    assert archive.verify().ok


def test_footprints_and_dates_agree_with_the_catalogue(archive: Archive, catalogue: dict[str, dict[str, Any]]) -> None:
    for hit in archive.search("a city", k=500):
        item = item_of(catalogue, hit.href)
        scene = shape(item["geometry"]).buffer(2e-3)
        assert scene.covers(hit.geometry)
        assert hit.to_dict()["datetime"] == item["properties"]["datetime"]
        assert hit.properties["platform"] == item["properties"]["platform"]


def test_a_place_finds_the_scenes_that_hold_it(archive: Archive, catalogue: dict[str, dict[str, Any]]) -> None:
    for href in list(catalogue)[::13]:
        centre = shape(catalogue[href]["geometry"]).centroid
        hits = archive.search(near=(centre.x, centre.y), k=8)
        assert all(shape(item_of(catalogue, hit.href)["geometry"]).buffer(2e-3).intersects(centre) for hit in hits)
        distances = [
            great_circle_km(centre.x, centre.y, *(np.array([value]) for value in hit.geometry.centroid.coords[0]))[0]
            for hit in hits
        ]
        assert distances == sorted(distances) or np.allclose(distances, sorted(distances), atol=0.01)
        within = archive.search("a city", near=(centre.x, centre.y), radius_km=0.1, k=100)
        assert len(within) == archive.count(near=(centre.x, centre.y), radius_km=0.1)
        assert len(within) >= 2


def test_sensors_and_boxes_filter_inside(archive: Archive, catalogue: dict[str, dict[str, Any]]) -> None:
    box = (-118.5, 33.9, -118.2, 34.2)
    hits = archive.search("a city", bbox=box, sensor="s2", k=2208)
    assert {hit.sensor for hit in hits} == {"s2-tci"}
    scenes = {
        item["id"]
        for item in catalogue.values()
        if shape(item["geometry"]).intersects(shapely.box(*box)) and "sentinel-2" in item["properties"]["constellation"]
    }
    assert {item_of(catalogue, hit.href)["id"] for hit in hits} <= scenes
    assert len(archive.search("a city", bbox=box, sensor="s2", k=5)) == 5
