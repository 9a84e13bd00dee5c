from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from generate.rasters import noise, write_tiff
from swath.chips import Window
from swath.errors import GeoreferenceError
from swath.raster import describe, footprint, footprints_of, tile
from swath.raster.footprints import _careful_outline, _projection, outline, outlines
from swath.raster.windows import to_crs


def inner_points(crs: str, transform: Affine, window: Window, count: int = 12) -> list[Point]:
    """Points well inside a window, as pyproj places them in longitude and latitude."""
    steps = np.linspace(0.03, 0.97, count)
    col, row = np.meshgrid(window.col + steps * window.width, window.row + steps * window.height)
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(*to_crs(transform, col.ravel(), row.ravel()))
    return [Point((x + 180.0) % 360.0 - 180.0, y) for x, y in zip(lon, lat, strict=True)]


def outer_points(crs: str, transform: Affine, window: Window, count: int = 8) -> list[Point]:
    """Points well outside a window, on all sides."""
    steps = np.linspace(-0.4, 1.4, count)
    col, row = np.meshgrid(window.col + steps * window.width, window.row + steps * window.height)
    beside = (
        (col < window.col - 0.03 * window.width)
        | (col > window.col + 1.03 * window.width)
        | (row < window.row - 0.03 * window.height)
        | (row > window.row + 1.03 * window.height)
    )
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(*to_crs(transform, col[beside], row[beside]))
    return [Point((x + 180.0) % 360.0 - 180.0, y) for x, y in zip(lon, lat, strict=True)]


def check(crs: str, transform: Affine, window: Window) -> shapely.Geometry:
    geometry = outline(crs, transform, window)
    assert geometry.is_valid
    assert geometry.geom_type in ("Polygon", "MultiPolygon")
    west, south, east, north = geometry.bounds
    assert -180.0 <= west < east <= 180.0
    assert -90.0 <= south < north <= 90.0
    assert all(geometry.covers(point) for point in inner_points(crs, transform, window))
    assert not any(geometry.covers(point) for point in outer_points(crs, transform, window))
    return geometry


@settings(max_examples=60, deadline=None)
@given(
    zone=st.integers(1, 60),
    south=st.booleans(),
    east=st.floats(200_000, 700_000),
    north=st.floats(500_000, 9_000_000),
    side=st.integers(64, 10_980),
)
def test_any_utm_window_holds_its_own_pixels_and_no_others(zone, south, east, north, side):
    crs = f"EPSG:{32700 + zone if south else 32600 + zone}"
    check(crs, Affine(10.0, 0.0, east, 0.0, -10.0, north), Window(0, 0, side, side))


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-3e6, 3e6),
    y=st.floats(-3e6, 3e6),
    side=st.floats(1e4, 2e6),
    crs=st.sampled_from(["EPSG:3413", "EPSG:3031", "EPSG:3995"]),
)
def test_any_polar_window_is_right_with_or_without_the_pole(x, y, side, crs):
    metres = side / 100
    check(crs, Affine(metres, 0.0, x, 0.0, -metres, y), Window(0, 0, 100, 100))


@settings(max_examples=30, deadline=None)
@given(
    crs=st.sampled_from(["EPSG:32601", "EPSG:32733", "EPSG:3395", "EPSG:3413", "EPSG:3031", "EPSG:4326", "EPSG:3857"]),
    x=st.floats(-1.0, 1.0),
    y=st.floats(-1.0, 1.0),
    angle=st.sampled_from([0.0, 30.0]),
    size=st.sampled_from([40, 100, 250]),
)
def test_many_windows_at_once_are_exactly_those_one_by_one(crs, x, y, angle, size):
    """Beside the antimeridian and the poles too, where some windows of a scene are plain and others are not."""
    metres, reach = (0.1, (170.0, 60.0)) if crs == "EPSG:4326" else (5000.0, (8e5, 7e5))
    transform = Affine.translation(x * reach[0], y * reach[1]) * Affine.rotation(angle) * Affine.scale(metres, -metres)
    windows = list(tile(250, 200, size))
    found = outlines(crs, transform, windows)
    projection = _projection(crs)
    for window, geometry in zip(windows, found, strict=True):
        alone = _careful_outline(projection, transform, tuple(map(float, window.to_list())))
        assert geometry.equals_exact(alone, 0.0)
        assert geometry.equals_exact(outline(crs, transform, window), 0.0)


def test_the_windows_of_a_scene_are_projected_together(tmp_path, monkeypatch):
    info = describe(str(write_tiff(tmp_path / "a.tif", noise(1, 200, 200))))
    windows = list(tile(200, 200, 10))
    asked = []
    transform = pyproj.Transformer.transform
    monkeypatch.setattr(
        pyproj.Transformer, "transform", lambda self, xx, *rest: asked.append(len(xx)) or transform(self, xx, *rest)
    )
    found = footprints_of(info, windows)
    assert len([count for count in asked if count > 2]) == 1
    assert found == [footprint(info, window) for window in windows]


@pytest.mark.parametrize(("crs", "sign"), [("EPSG:3413", 1), ("EPSG:3031", -1)])
@pytest.mark.parametrize("corner", [(0, 0), (-1e6, 0), (0, 1e6), (-1e6, 1e6), (-5e5, 0), (-5e5, 5e5), (-3e5, 8e5)])
def test_poles_inside_on_the_edge_and_on_the_corner(crs, sign, corner):
    transform, window = Affine(1e4, 0, corner[0], 0, -1e4, corner[1]), Window(0, 0, 100, 100)
    geometry = outline(crs, transform, window)
    assert geometry.is_valid
    assert max(abs(geometry.bounds[1]), abs(geometry.bounds[3])) == 90.0
    assert np.sign(geometry.centroid.y) == sign
    assert all(geometry.covers(point) for point in inner_points(crs, transform, window))


def test_window_around_the_pole_spans_all_longitudes():
    geometry = outline("EPSG:3413", Affine(1e4, 0, -5e5, 0, -1e4, 5e5), Window(0, 0, 100, 100))
    assert geometry.bounds[0] == -180.0
    assert geometry.bounds[2] == 180.0
    assert geometry.covers(Point(12.0, 89.9))
    assert not geometry.covers(Point(12.0, 80.0))


def test_antimeridian_splits_into_two_parts(tmp_path):
    # UTM zone 1 starts at the antimeridian: this scene lies across it.
    path = write_tiff(
        tmp_path / "fiji.tif", noise(1, 100, 100), crs="EPSG:32701", metres=500, origin=(180_000, 8_100_000)
    )
    found = footprint(describe(str(path)))
    assert found.geometry.geom_type == "MultiPolygon"
    assert len(found.geometry.geoms) == 2
    assert found.crosses_antimeridian
    west, _, east, _ = found.bbox
    assert west > 175.0
    assert east < -175.0
    check("EPSG:32701", Affine(500, 0, 180_000, 0, -500, 8_100_000), Window(0, 0, 100, 100))


@pytest.mark.parametrize("start", [170.0, -190.0])
def test_degrees_beyond_180_are_brought_back(start):
    geometry = outline("EPSG:4326", Affine(0.2, 0, start, 0, -0.2, 10), Window(0, 0, 100, 100))
    assert geometry.geom_type == "MultiPolygon"
    assert geometry.covers(Point(175, 0))
    assert geometry.covers(Point(-175, 0))
    assert not geometry.covers(Point(0, 0))
    assert geometry.area == pytest.approx(400)


@pytest.mark.parametrize("start", [-180.0, 0.0])
def test_global_grids_are_the_whole_earth(start):
    geometry = outline("EPSG:4326", Affine(1, 0, start, 0, -1, 90), Window(0, 0, 360, 180))
    assert geometry.equals(box(-180, -90, 180, 90))


def test_global_web_mercator_is_one_band():
    half = 20037508.342789244
    geometry = outline("EPSG:3857", Affine(2 * half / 256, 0, -half, 0, -2 * half / 256, half), Window(0, 0, 256, 256))
    assert geometry.bounds == pytest.approx((-180, -85.05113, 180, 85.05113), abs=1e-4)
    assert geometry.area == pytest.approx(360 * 2 * 85.05113, rel=1e-6)


def test_rotated_grid_follows_its_rotation():
    transform = Affine.translation(500_000, 4_000_000) * Affine.rotation(30) * Affine.scale(10, -10)
    geometry = check("EPSG:32633", transform, Window(0, 0, 200, 100))
    area, _ = pyproj.Geod(ellps="WGS84").geometry_area_perimeter(geometry)
    # Scale at the central meridian of a UTM zone is 0.9996 in each direction.
    assert abs(area) == pytest.approx(2000 * 1000 / 0.9996**2, rel=1e-4)


def test_window_of_a_scene_lies_in_its_footprint(tmp_path):
    info = describe(str(write_tiff(tmp_path / "a.tif", noise(1, 100, 100))))
    whole, part = footprint(info), footprint(info, Window(10, 20, 30, 40))
    assert whole.crs == "EPSG:32611"
    assert whole.geometry.buffer(1e-9).covers(part.geometry)
    assert part.geometry.area / whole.geometry.area == pytest.approx(0.12, rel=1e-3)


def test_image_without_georeference_has_no_footprint(tmp_path):
    info = describe(str(write_tiff(tmp_path / "a.tif", noise(3, 32, 32), crs=None)))
    assert footprint(info) is None
    assert footprints_of(info, list(tile(32, 32, 16))) == [None] * 4


def test_coordinates_that_do_not_fit_the_crs_are_an_error(tmp_path):
    path = write_tiff(tmp_path / "wrong.tif", noise(1, 32, 32), crs="EPSG:4326", metres=10, origin=(400_000, 3_800_000))
    with pytest.raises(GeoreferenceError, match=r"wrong\.tif.*do not fit the CRS"):
        footprint(describe(str(path)))


def test_place_off_the_earth_is_an_error():
    # The geostationary view ends at the horizon.
    crs = "+proj=geos +h=35785831 +lon_0=0 +ellps=WGS84"
    with pytest.raises(GeoreferenceError, match="nowhere on Earth"):
        outline(crs, Affine(1000, 0, 7_000_000, 0, -1000, 7_000_000), Window(0, 0, 10, 10))
