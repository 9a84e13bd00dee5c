from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from PIL import Image

from localize.scenes import ColourEncoder, patched
from swath.errors import InputError, RasterError
from swath.localize import HeatMap, localize
from swath.localize.picture import overlay
from swath.raster.info import describe


@pytest.fixture
def heat(tmp_path: Path) -> HeatMap:
    return localize(patched(tmp_path / "scene.tif"), ["red", "green"], ColourEncoder(), scales=(32, 64), pixel=4)


def test_the_geotiff_holds_the_maps_where_they_belong(heat: HeatMap, tmp_path: Path) -> None:
    path = heat.save(tmp_path / "heat.tif")
    scene = describe(heat.scene.href)
    with rasterio.open(path) as file:
        assert (file.count, file.dtypes[0], file.crs.to_string()) == (2, "float32", scene.crs)
        assert file.descriptions == ("red", "green")
        assert np.isnan(file.nodata)
        assert file.transform.a == scene.transform.a * 4
        assert (file.transform.c, file.transform.f) == (scene.transform.c, scene.transform.f)
        np.testing.assert_array_equal(file.read(1), heat.array(0))
        np.testing.assert_array_equal(file.read(2), heat.array(1))
        tags = file.tags()
        assert (tags["MODEL"], tags["SCALES"], tags["PIXEL"]) == ("colours@1", "32 64", "4")
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_a_map_that_ends_inside_its_last_pixel_reaches_over_the_border(tmp_path: Path) -> None:
    heat = localize(patched(tmp_path / "s.tif", 65, 33, (0, 0, 9, 9)), "red", ColourEncoder(), scales=(16,), pixel=4)
    assert heat.shape == heat.array().shape == (17, 9)
    assert np.isfinite(heat.array()).all()


def test_a_place_that_cannot_be_written_says_so(heat: HeatMap, tmp_path: Path) -> None:
    with pytest.raises(RasterError, match="check the folder"):
        heat.save(tmp_path / "no" / "heat.tif")


def test_the_picture_has_a_panel_for_each_text(heat: HeatMap) -> None:
    one = Image.open(io.BytesIO(heat.picture(256)))
    assert one.format == "PNG"
    assert one.width > 2 * 256
    assert one.height > 192


def test_the_overlay_leaves_unknown_ground_as_it_is() -> None:
    picture = np.full((4, 4, 3), 100.0, dtype=np.float32)
    values = np.full((4, 4), np.nan, dtype=np.float32)
    np.testing.assert_array_equal(overlay(picture, values), 100)
    values[0, 0], values[0, 1] = 0.0, 1.0
    drawn = overlay(picture, values)
    assert (drawn[1:] == 100).all()
    assert drawn[0, 1].sum() > drawn[0, 0].sum()


def test_there_is_no_third_of_two_texts(heat: HeatMap) -> None:
    for ask in (heat.array, heat.peaks):
        with pytest.raises(InputError, match="no text 2; there are 2"):
            ask(2)


def test_peaks_of_every_text_are_listed_in_order(heat: HeatMap) -> None:
    features = heat.to_geojson(limit=2)["features"]
    texts = [feature["properties"]["text"] for feature in features]
    assert texts == sorted(texts, key=["red", "green"].index)
    assert {"red", "green"} == set(texts)
    assert features[0]["properties"]["rank"] == 1


LOOK = r"""
import json, re, sys
from localize.scenes import ColourEncoder
from swath.localize import localize
from swath.raster import scene_from_file

scene = scene_from_file(sys.argv[1])
heat = localize(scene, ["red", "green"], ColourEncoder(), scales=(512, 768), pixel=int(sys.argv[2]))
heat.save(sys.argv[3])
heat.picture(512)
peak = 1024 * int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
print(json.dumps({"peak": peak, "windows": heat.windows, "shape": heat.shape, "peaks": len(heat.to_geojson())}))
"""


@pytest.mark.slow
def test_a_whole_sentinel_2_tile_stays_under_two_gibibytes(tmp_path: Path) -> None:
    from raster.test_memory import SIDE, write_tile

    path = write_tile(tmp_path / "tile.tif", interleave="band", nodata=0)
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(path), "1", str(tmp_path / "heat.tif")],
        capture_output=True, text=True, check=False, timeout=1000, cwd=tests,
        env=os.environ | {"PYTHONPATH": str(tests), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["shape"] == [SIDE, SIDE]
    # All 12 bands of the tile are 2.9 GB, and both maps at full size 1 GB.
    assert found["peak"] < 2 * 2**30
    assert re.search("COG", str(rasterio.open(tmp_path / "heat.tif").tags(ns="IMAGE_STRUCTURE")))
    print(f"peak {found['peak'] / 2**20:.0f} MiB, {found['windows']} windows")


def test_a_map_alone_glows_where_its_text_fits(heat: HeatMap) -> None:
    best = heat.peaks(0)[0]
    for side in (64, 1024):
        picture = Image.open(io.BytesIO(heat.glow(side)))
        assert picture.mode == "RGBA"
        assert max(picture.size) == min(side, max(heat.window.width, heat.window.height))
        alpha = np.asarray(picture)[..., 3]
        row = int(best.y * alpha.shape[0] / heat.window.height)
        column = int(best.x * alpha.shape[1] / heat.window.width)
        assert alpha[row, column] > 0.9 * alpha.max() > 1.5 * np.median(alpha)
    assert heat.glow(64, 0) != heat.glow(64, 1)


def test_corners_are_those_of_the_window_on_earth(heat: HeatMap) -> None:
    scene = describe(heat.scene.href)
    with rasterio.open(heat.scene.href) as file:
        bounds = rasterio.warp.transform_bounds(scene.crs, "EPSG:4326", *file.bounds)
    assert heat.corners is not None
    (west, north), (east, _), (_, south), _ = heat.corners
    np.testing.assert_allclose([west, south, east, north], bounds, atol=2e-3)
