from __future__ import annotations

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform_bounds

from generate.rasters import ORIGIN, UTM, s1_scene, write_tiff
from swath.chips import Chip, Window
from swath.errors import GeoreferenceError, RasterError
from swath.raster import read_labels, scene_from_file

SIDE = 64


def chip_of(path, window=None):
    return Chip(scene_from_file(str(path), sensor="s1-grd"), window or Window(0, 0, SIDE, SIDE))


@pytest.fixture
def chip(tmp_path):
    return chip_of(s1_scene(tmp_path / "s1.tif", SIDE))


def halves(side=SIDE):
    """1 on the left, 2 on the right."""
    codes = np.ones((1, side, side), dtype=np.uint8)
    codes[:, :, side // 2 :] = 2
    return codes


def test_same_grid(tmp_path, chip):
    file = write_tiff(tmp_path / "labels.tif", halves())
    codes, known = read_labels(str(file), chip)
    assert known.all()
    np.testing.assert_array_equal(codes, halves()[0])


def test_window_and_coarser_resolution(tmp_path):
    file = write_tiff(tmp_path / "labels.tif", halves(16), metres=40.0)
    chip = chip_of(s1_scene(tmp_path / "s1.tif", SIDE), Window(24, 8, 16, 16))
    codes, known = read_labels(str(file), chip)
    assert known.all()
    np.testing.assert_array_equal(codes, halves()[0, 8:24, 24:40])


def test_another_crs(tmp_path, chip):
    """The same halves drawn in degrees, at another resolution."""
    side = SIDE * 10
    west, south, east, north = transform_bounds(
        UTM, "EPSG:4326", ORIGIN[0], ORIGIN[1] - side, ORIGIN[0] + side, ORIGIN[1]
    )
    step = (east - west) / 200
    rows = int((north - south) / step) + 1
    codes = np.ones((1, rows, 200), dtype=np.int16)
    codes[:, :, 100:] = 2
    file = write_tiff(tmp_path / "labels.tif", codes, crs="EPSG:4326", metres=step, origin=(west, north))
    found, known = read_labels(str(file), chip)
    assert known.mean() > 0.97
    wrong = (found != halves()[0]) & known
    assert wrong.mean() < 0.03
    assert set(np.unique(found[known])) == {1, 2}


def test_nodata_and_outside_are_not_known(tmp_path, chip):
    codes = halves()[:, : SIDE // 2]
    file = write_tiff(tmp_path / "labels.tif", codes, nodata=2)
    found, known = read_labels(str(file), chip)
    assert known[: SIDE // 2, : SIDE // 2].all()
    assert not known[:, SIDE // 2 :].any()
    assert not known[SIDE // 2 :].any()
    assert (found[known] == 1).all()


def test_far_away_is_nothing(tmp_path, chip):
    file = write_tiff(tmp_path / "labels.tif", halves(), origin=(0.0, 0.0))
    assert not read_labels(str(file), chip)[1].any()


def test_without_georeference_only_the_same_size(tmp_path, chip):
    file = write_tiff(tmp_path / "labels.tif", halves(), crs=None)
    np.testing.assert_array_equal(read_labels(str(file), chip)[0], halves()[0])
    small = write_tiff(tmp_path / "small.tif", halves(32), crs=None)
    with pytest.raises(GeoreferenceError, match="32 x 32 px cannot be laid on"):
        read_labels(str(small), chip)


def test_what_is_no_label_raster(tmp_path, chip):
    with pytest.raises(RasterError, match="has 2 bands, but a label raster has one"):
        read_labels(str(s1_scene(tmp_path / "two.tif", SIDE)), chip)
    file = write_tiff(tmp_path / "half.tif", np.full((1, SIDE, SIDE), 0.5, dtype=np.float32))
    with pytest.raises(RasterError, match=r"holds 0\.5, which is no class"):
        read_labels(str(file), chip)


def test_palette_entries_are_codes(tmp_path, chip):
    """Maps such as WorldCover come with colours."""
    file = tmp_path / "labels.tif"
    write_tiff(file, halves() * 10, nodata=10)
    with rasterio.open(file, "r+") as dataset:
        dataset.write_colormap(1, {10: (0, 100, 0, 255), 20: (255, 187, 34, 255)})
    codes, known = read_labels(str(file), chip)
    assert not known[:, : SIDE // 2].any()
    assert (codes[known] == 20).all()
    assert known[:, SIDE // 2 :].all()
