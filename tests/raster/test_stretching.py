from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from generate.rasters import noise, write_tiff
from swath.chips import Chip, Layer, Window
from swath.errors import EmptyChipError
from swath.raster import quicklook, read_chip, scene_from_file
from swath.raster.stretching import stretched
from swath.sensors import sensor

NAMES = ("red", "green", "blue")


def scene_of(path, data, **options):
    return scene_from_file(str(write_tiff(path, data, descriptions=NAMES, **options)))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_a_scene_of_any_numbers_fills_the_range_and_keeps_its_colours(tmp_path, dtype):
    data = noise(3, 96, 96, "uint16").astype(dtype)
    scene = scene_of(tmp_path / "a.tif", data)
    assert scene.sensor == "rgb-stretched"
    assert len({(layer.scale, layer.offset) for layer in scene.layers}) == 1
    low, high = np.percentile(data, (2, 98))
    wanted = np.clip((data.astype(float) - low) / (high - low) * 255, 0, 255)
    assert np.abs(quicklook(scene).to_rgb() - wanted).mean() < 4


def test_chips_of_a_scene_share_its_stretch_and_archives_keep_it(tmp_path):
    data = np.zeros((3, 64, 64), np.uint16) + np.linspace(1000, 5000, 64).astype(np.uint16)
    scene = scene_of(tmp_path / "a.tif", data)
    halves = [read_chip(Chip(scene, Window(left, 0, 32, 64))).to_rgb() for left in (0, 32)]
    np.testing.assert_array_equal(np.concatenate(halves, axis=2), quicklook(scene).to_rgb())
    assert halves[0].max() < halves[1].min() + 10
    assert scene_of(tmp_path / "a.tif", data).layers == scene.layers


def test_alpha_nodata_and_zeros_do_not_count(tmp_path):
    data = np.stack([np.full((32, 32), value, np.uint16) for value in (1000, 2000, 3000)])
    alpha = np.full((1, 32, 32), 65535, np.uint16)
    coloured = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    cases = []
    for fill, options in ((0, {}), (65535, {"nodata": 65535}), (9, {"colours": coloured})):
        some, opaque = data.copy(), alpha.copy()
        some[:, :20], opaque[:, :20] = fill, 0
        stacked = np.concatenate([some, opaque]) if "colours" in options else some
        path = write_tiff(tmp_path / f"{fill}.tif", stacked, descriptions=NAMES, **options)
        cases.append(scene_from_file(str(path)))
    for scene in cases:
        pixels = quicklook(scene)
        assert not pixels.valid[:20].any()
        assert pixels.valid[20:].all()
        assert pixels.to_rgb()[:, 30, 5].tolist() == [0, 128, 255]


def test_a_scene_without_valid_pixels_has_no_stretch_and_empty_chips(tmp_path):
    scene = scene_of(tmp_path / "a.tif", np.zeros((3, 16, 16), np.uint16))
    assert {(layer.scale, layer.offset) for layer in scene.layers} == {(1.0, 0.0)}
    with pytest.raises(EmptyChipError):
        read_chip(Chip(scene, Window(0, 0, 16, 16)))


def test_valid_pixels_between_the_parts_are_found(tmp_path):
    data = np.zeros((3, 2400, 60), np.uint16)
    data[:, 700:710] = np.linspace(100, 900, 60).astype(np.uint16)
    layers = scene_of(tmp_path / "a.tif", data).layers
    assert layers[0].scale == pytest.approx(255 / 800, rel=0.2)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([1, 255, 256, 40_000, 65_535]), st.integers(0, 2))
def test_flat_scenes_are_grey(tmp_path_factory, value, spread):
    data = np.full((3, 8, 8), value, np.uint16)
    data[:, 0, 0] = max(1, value - spread)
    pixels = quicklook(scene_of(tmp_path_factory.mktemp("flat") / "a.tif", data))
    assert 100 <= pixels.to_rgb()[:, 4:, 4:].mean() <= 255


def test_other_sensors_keep_their_scaling():
    layers = tuple(Layer(name, "nowhere.tif", place, 2.0, 3.0) for place, name in enumerate(NAMES, start=1))
    assert stretched(layers, sensor("planetscope-rgb")) is layers
