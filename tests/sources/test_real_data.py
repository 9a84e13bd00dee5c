"""Public data as it comes, read without any preparation."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import numpy as np
import pytest

from swath.raster import describe, quicklook, read_chip, read_image, thumbnail
from swath.sources import cut, open_source

pytestmark = pytest.mark.data


def test_southern_california_scenes_agree_with_their_items(shared_data):
    path = shared_data / "socal_scenes" / "items.json"
    items = {item["id"]: item for item in json.loads(path.read_text())["features"]}
    source = open_source(path)
    scenes = {scene.id: scene for scene in source.scenes()}
    assert source.failures == []
    assert scenes.keys() == items.keys()
    assert Counter(scene.sensor for scene in scenes.values()) == {"s2-tci": 69, "s1-vh-8bit": 69}
    for name, scene in scenes.items():
        item = items[name]
        assert scene.footprint.bbox == pytest.approx(item["bbox"], abs=1e-9)
        assert scene.datetime == datetime.fromisoformat(item["properties"]["datetime"])
        assert scene.footprint.crs == describe(scene.href).crs == "EPSG:3395"


def test_southern_california_chips_cover_their_scenes(shared_data):
    source = open_source(shared_data / "socal_scenes")
    chips = list(cut(source, 256))
    assert len(chips) == 2208
    assert len({chip.id for chip in chips}) == 2208
    for chip in chips:
        # The files' own corners and the items' boxes agree to a pixel (10 m).
        whole = chip.scene.footprint.geometry.buffer(1e-4)
        assert whole.covers(chip.footprint.geometry)
    boxes = Counter(chip.scene.id for chip in chips)
    assert set(boxes.values()) == {16}
    for chip in chips[::200]:
        pixels = read_chip(chip)
        assert pixels.valid.all()
        assert pixels.data.shape[1:] == (256, 256)
        assert 200 < len(thumbnail(pixels)) < 20_000


def test_optical_and_radar_of_one_place_share_their_footprint(shared_data):
    chips = {(c.scene.id, c.window.col, c.window.row): c for c in cut(open_source(shared_data / "socal_scenes"), 512)}
    for (name, col, row), chip in chips.items():
        if name.startswith("s2-"):
            other = chips["s1-" + name[3:], col, row]
            assert other.footprint.bbox == pytest.approx(chip.footprint.bbox, abs=1e-9)


def test_rsicd_images(shared_data):
    scenes = list(islice(open_source(shared_data / "rsicd" / "images").scenes(), 100))
    assert {scene.sensor for scene in scenes} == {"rgb"}
    assert {scene.footprint for scene in scenes} == {None}
    assert quicklook(scenes[0], 64).data.shape == (3, 64, 64)


def test_patches_of_all_continents_lie_where_the_index_says(shared_data):
    index = {entry["file"]: entry for entry in json.loads((shared_data / "world_s2_12band/index.json").read_text())}
    source = open_source(shared_data / "world_s2_12band")
    chips = {chip.scene.id: chip for chip in cut(source)}
    assert source.failures == []
    assert Counter(chip.scene.sensor for chip in chips.values()) == {"s2-l2a": 14, "s2-l1c": 3}
    for name, entry in index.items():
        footprint = chips[name].footprint
        assert footprint.crs == f"EPSG:{entry['epsg']}"
        west, south, east, north = footprint.bbox
        assert west < entry["lon"] < east
        assert south < entry["lat"] < north
        assert footprint.geometry.centroid.y == pytest.approx(entry["lat"], abs=1e-3)


def test_eurosat_cirrus_band_is_found(shared_data):
    for name in ("AnnualCrop_1", "Pasture_300", "SeaLake_3000"):
        pixels = read_image(shared_data / "world_s2_12band" / f"{name}.tif")
        means = dict(zip(pixels.sensor.band_names, pixels.data.mean(axis=(1, 2)), strict=True))
        assert min(means, key=means.get) == "B10"
        assert means["B10"] < 20


def test_flood_scenes_without_their_masks(shared_data):
    source = open_source(shared_data / "floods_s1")
    chips = list(cut(source, 256))
    assert source.failures == []
    assert source.skipped == {"excluded by *_label.*": 7}
    assert Counter(chip.scene.sensor for chip in chips) == {"s1-grd": 28, "s2-l1c": 4}
    nigeria = [read_chip(chip) for chip in chips if chip.scene.id.startswith("Nigeria")]
    assert sum(int((~pixels.valid).sum()) for pixels in nigeria) > 0
    for pixels in nigeria:
        np.testing.assert_array_equal(pixels.valid, np.isfinite(pixels.data).all(axis=0))
        assert np.isfinite(pixels.sensor.normalize(pixels.data, pixels.valid)).all()


def test_bigearthnet_patches_are_joined(shared_data):
    source = open_source(shared_data / "bigearthnet_sample")
    scenes = {scene.sensor: scene for scene in source.scenes()}
    assert source.failures == []
    assert scenes.keys() == {"s1-grd", "s2-l2a"}
    assert scenes["s2-l2a"].datetime == datetime(2017, 6, 13, 10, 10, 31, tzinfo=UTC)
    for chip in cut(source):
        assert read_chip(chip).data.shape[1:] == (120, 120)


def test_eurosat_classes_are_properties(shared_data):
    scenes = list(islice(open_source(shared_data / "eurosat_rgb", include=["*/*_10*.jpg"]).scenes(), 2000))
    assert len({scene.properties["class"] for scene in scenes}) == 10
    assert {scene.sensor for scene in scenes} == {"rgb"}
