"""Thumbnails, heat maps and tiles of items."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from starlette.testclient import TestClient

from swath.archive import Archive
from swath.chips import Chip, Window
from swath.raster import read_chip, scene_from_file
from swath.raster.tiles import web_tile, zoom_levels


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_thumbnails_are_kept_by_clients(client: TestClient, item: str) -> None:
    found = client.get(f"{item}/thumbnail")
    assert found.headers["content-type"] == "image/jpeg"
    assert picture(found.content).shape == (64, 64, 3)
    again = client.get(f"{item}/thumbnail", headers={"If-None-Match": found.headers["etag"]})
    assert again.status_code == 304


def test_heat_maps(client: TestClient, item: str) -> None:
    found = client.get(f"{item}/heatmap", params={"text": "runway", "side": 128})
    assert found.headers["content-type"] == "image/png"
    assert picture(found.content).ndim == 3
    peaks = client.get(f"{item}/heatmap", params={"text": "runway", "f": "geojson", "scope": "scene"}).json()
    assert peaks["type"] == "FeatureCollection"


def test_tiles_show_the_scene_where_it_lies(client: TestClient, world: Archive, item: str) -> None:
    about = client.get(f"{item}/tilejson.json").json()
    chip = world.get([item.rpartition("/")[2]])[0].to_chip()
    low, high = zoom_levels(chip.scene)
    assert (about["minzoom"], about["maxzoom"]) == (low, high)
    with rasterio.open(chip.scene.href) as file:
        assert about["bounds"] == pytest.approx(list(file.bounds), abs=1e-6), "of the scene, not of the chip"
    assert about["center"][2] == low
    lon, lat = chip.footprint.centre
    n = 2**high
    x = int((lon + 180) / 360 * n)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * n)
    shown = picture(client.get(f"{item}/tiles/{high}/{x}/{y}.png").content)
    assert shown.shape == (256, 256, 4)
    west, east = (column / n * 360 - 180 for column in (x, x + 1))
    north, south = (np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * row / n)))) for row in (y, y + 1))
    column, row = int((lon - west) / (east - west) * 256), int((north - lat) / (north - south) * 256)
    with rasterio.open(chip.scene.href) as file:
        wanted = next(file.sample([(lon, lat)]))
    nearby = shown[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4, :3].reshape(-1, 3).astype(int)
    assert np.abs(nearby - wanted).sum(axis=1).min() < 30
    assert shown[row, column, 3] == 255
    far = picture(client.get(f"{item}/tiles/{high}/0/0.png").content)
    assert not far.any()
    assert read_chip(chip).valid_share == 1.0
    assert web_tile(chip.scene, 0, 0, high) is None


def test_a_small_scene_costs_little_in_tiles_of_half_the_world(tmp_path: Path) -> None:
    """Warping all of a tile at the scene's own resolution would take minutes from zoom 8 on, and hours at zoom 0."""
    profile = {"driver": "GTiff", "width": 256, "height": 256, "count": 3, "dtype": "uint8", "crs": "EPSG:32648"}
    transform = from_origin(500_000, 1_064_000, 10, 10)
    colours = np.full((3, 256, 256), [[[200]], [[100]], [[50]]], np.uint8)
    with rasterio.open(tmp_path / "utm.tif", "w", **profile, transform=transform) as file:
        file.write(colours)
    scene = scene_from_file(str(tmp_path / "utm.tif"))
    assert scene.footprint is not None
    lon, lat = scene.footprint.centre
    seen = []
    for z in range(16):
        x = int((lon + 180) / 360 * 2**z)
        y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2**z)
        pixels = web_tile(scene, x, y, z)
        seen.append(0 if pixels is None else int(pixels.valid.sum()))
        if pixels is not None and pixels.valid.any():
            assert np.abs(pixels.data[:, pixels.valid].astype(int) - [[200], [100], [50]]).max() <= 1
            west, _, east, _ = scene.footprint.bbox
            columns = np.flatnonzero(pixels.valid.any(axis=0))
            edges = (x + np.array([columns[0], columns[-1] + 1]) / 256) / 2**z * 360 - 180
            pixel = 360 / 2**z / 256
            assert edges[0] >= west - pixel
            assert edges[1] <= east + pixel
    assert seen[0] == 0
    assert seen[8] > 0
    # Each level shows it four times as large, until it fills the tile.
    assert 12 < seen[12] / seen[10] < 20


@pytest.mark.parametrize(
    ("tile", "status"), [("25/0/0", 400), ("2/4/0", 404), ("2/0/4", 404), ("-1/0/0", 400), ("1/0/a", 400)]
)
def test_tiles_that_do_not_exist(client: TestClient, item: str, tile: str, status: int) -> None:
    assert client.get(f"{item}/tiles/{tile}.png").status_code == status


def test_a_scene_whose_file_is_gone(client: TestClient) -> None:
    found = client.get("/collections/world-s1-grd/items", params={"limit": 10}).json()["features"]
    name = next(each["id"] for each in found if each["geometry"])
    for what in ("thumbnail", "heatmap?text=a", "tilejson.json", "tiles/0/0/0.png"):
        answer = client.get(f"/collections/world-s1-grd/items/{name}/{what}")
        assert answer.status_code == 409
        assert "/data" not in answer.text


def test_tiles_of_stretched_and_scaled_scenes_show_what_chips_show(tmp_path: Path) -> None:
    """Landsat's scaling, a scene's own stretch and products' undeclared no-data hold in tiles too."""
    data = np.stack([np.full((64, 64), value, np.uint16) for value in (9000, 10_000, 12_000)])
    data[:, :32] = 0
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "dtype": "uint16", "crs": "EPSG:3857"}
    with rasterio.open(tmp_path / "a.tif", "w", **profile, transform=from_origin(1e6, 5e6, 10, 10)) as file:
        file.write(data)
    for sensor in ("landsat-rgb", "rgb-stretched", "cir-stretched"):
        names = ("nir", "red", "green") if sensor.startswith("cir") else ("red", "green", "blue")
        scene = scene_from_file(str(tmp_path / "a.tif"), sensor=sensor, bands=names)
        pixels = read_chip(Chip(scene, Window(0, 0, 64, 64)))
        z = zoom_levels(scene)[1]
        n, half = 2**z, 20037508.342789244
        x, y = int((1e6 + 320 + half) / (2 * half) * n), int((half - 5e6 + 480) / (2 * half) * n)
        found = web_tile(scene, x, y, z)
        assert found is not None
        assert pixels.valid[32:].all()
        assert not pixels.valid[:32].any()
        shown = found.to_rgb()[:, found.valid]
        assert shown.size
        np.testing.assert_array_equal(np.median(shown, axis=1), pixels.to_rgb()[:, 60, 5])
        assert set(np.unique(found.to_rgb()[:, ~found.valid])) <= {0}
