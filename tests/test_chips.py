from __future__ import annotations

import pickle
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from swath.chips import Chip, Footprint, Layer, Pixels, SceneRef, Window
from swath.errors import SensorError
from swath.sensors import sensor

windows = st.builds(Window, st.integers(0, 10**5), st.integers(0, 10**5), st.integers(1, 5000), st.integers(1, 5000))


def scene(href: str = "/data/a.tif", name: str = "rgb") -> SceneRef:
    layers = tuple(Layer(band, href, n) for n, band in enumerate(sensor(name).band_names, start=1))
    return SceneRef("a", href, name, layers)


@settings(deadline=None)
@given(windows)
def test_window_round_trips(window):
    assert Window(*window.to_list()) == window


@pytest.mark.parametrize("values", [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0)])
def test_impossible_windows_are_refused(values):
    with pytest.raises(ValueError, match="not a window"):
        Window(*values)


@settings(deadline=None)
@given(st.lists(windows, min_size=2, max_size=20, unique=True))
def test_ids_differ_between_windows(chosen):
    assert len({Chip(scene(), window).id for window in chosen}) == len(chosen)


def test_ids_are_stable_over_versions():
    # Stored in archives: a change of this number is a change of every row's key.
    assert Chip(scene(), Window(0, 256, 256, 256)).id == "bae3b2c67858deb56a296ebca60921a1"


def test_id_follows_source_sensor_and_window_and_nothing_else():
    window = Window(0, 0, 8, 8)
    one = Chip(scene(), window)
    moved = Chip(scene("/data/b.tif"), window)
    other = Chip(scene(name="s2-tci"), window)
    told = Chip(
        SceneRef("renamed", "/data/a.tif", "rgb", scene().layers, datetime=datetime(2020, 1, 1, tzinfo=UTC)),
        window,
        Footprint(box(0, 0, 1, 1), "EPSG:4326"),
    )
    assert len({one.id, moved.id, other.id}) == 3
    assert told.id == one.id
    assert len(one.id) == 32


def test_chips_travel_to_other_processes():
    chip = Chip(scene(), Window(1, 2, 3, 4), Footprint(box(0, 0, 1, 1), "EPSG:4326"))
    copy = pickle.loads(pickle.dumps(chip))
    assert copy == chip
    assert copy.id == chip.id
    assert copy.sensor is sensor("rgb")


def test_unknown_sensor_of_a_chip_is_an_error():
    with pytest.raises(SensorError, match="unknown sensor"):
        _ = Chip(SceneRef("a", "/a.tif", "nope", ()), Window(0, 0, 1, 1)).sensor


def test_bbox_of_a_plain_footprint():
    footprint = Footprint(box(10, -5, 12, 5), "EPSG:4326")
    assert footprint.bbox == (10, -5, 12, 5)
    assert not footprint.crosses_antimeridian
    assert footprint.centre == pytest.approx((11, 0))


def test_bbox_across_the_antimeridian_has_west_greater_than_east():
    footprint = Footprint(MultiPolygon([box(179, -1, 180, 1), box(-180, -1, -178, 1)]), "EPSG:32701")
    assert footprint.crosses_antimeridian
    assert footprint.bbox == (179, -1, -178, 1)
    lon, lat = footprint.centre
    assert footprint.geometry.covers(box(lon, lat, lon, lat).centroid)


def test_band_around_a_pole_does_not_cross():
    ring = Polygon([(-180, 80), (180, 80), (180, 90), (-180, 90)])
    assert Footprint(ring, "EPSG:3413").bbox == (-180, 80, 180, 90)


def test_two_separate_parts_do_not_cross():
    footprint = Footprint(MultiPolygon([box(0, 0, 1, 1), box(5, 0, 6, 1)]), "EPSG:4326")
    assert not footprint.crosses_antimeridian
    assert footprint.bbox == (0, 0, 6, 1)


def test_pixels_check_their_shapes():
    data = np.zeros((3, 4, 5), dtype=np.uint8)
    pixels = Pixels(data, np.eye(4, 5, dtype=bool), sensor("rgb"))
    assert pixels.valid_share == pytest.approx(0.2)
    assert pixels.to_rgb().shape == (3, 4, 5)
    with pytest.raises(ValueError, match="valid has shape"):
        Pixels(data, np.ones((5, 4), dtype=bool), sensor("rgb"))
    with pytest.raises(SensorError):
        Pixels(data[:2], np.ones((4, 5), dtype=bool), sensor("rgb"))


def test_layers_default_to_the_numbers_as_stored():
    layer = Layer("B04", "/a.tif", 4)
    assert (layer.scale, layer.offset, layer.nodata) == (1.0, 0.0, None)


def test_the_picture_is_rendered_once_and_cannot_be_spoilt():
    for name, count in (("rgb", 3), ("s1-vh-8bit", 1), ("s2-l2a", 12)):
        data = np.arange(count * 20, dtype=np.uint8).reshape(count, 4, 5)
        pixels = Pixels(data, np.ones((4, 5), dtype=np.bool_), sensor(name))
        picture = pixels.to_rgb()
        assert pixels.to_rgb() is picture
        np.testing.assert_array_equal(picture, sensor(name).to_rgb(data, pixels.valid))
        with pytest.raises(ValueError, match="read-only"):
            picture[0, 0, 0] = 1
        data[0, 0, 0] = 1  # what was read stays the caller's own
