"""Thumbnails, heat maps and tiles of items."""

from __future__ import annotations

import io

import numpy as np
import pytest
import rasterio
from PIL import Image
from starlette.testclient import TestClient

from swath.archive import Archive
from swath.raster import read_chip
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


@pytest.mark.parametrize("tile", ["25/0/0", "2/4/0", "2/0/4", "-1/0/0", "1/0/a"])
def test_tiles_that_do_not_exist(client: TestClient, item: str, tile: str) -> None:
    assert client.get(f"{item}/tiles/{tile}.png").status_code == 400


def test_a_scene_whose_file_is_gone(client: TestClient) -> None:
    found = client.get("/collections/world-s1-grd/items", params={"limit": 10}).json()["features"]
    name = next(each["id"] for each in found if each["geometry"])
    for what in ("thumbnail", "heatmap?text=a", "tilejson.json", "tiles/0/0/0.png"):
        answer = client.get(f"/collections/world-s1-grd/items/{name}/{what}")
        assert answer.status_code == 409
        assert "/data" not in answer.text
