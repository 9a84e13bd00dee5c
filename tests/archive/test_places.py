from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Geod

from swath.archive.places import (
    EARTH_RADIUS_KM,
    box_around,
    box_geometry,
    covering_longitudes,
    footprint_distance_km,
    great_circle_km,
    read_box,
    read_geometry,
    read_point,
)
from swath.errors import QueryError

LON, LAT = st.floats(-180, 180), st.floats(-90, 90)


@given(LON, LAT, LON, LAT)
def test_great_circle_agrees_with_the_ellipsoid(lon: float, lat: float, to_lon: float, to_lat: float) -> None:
    ours = great_circle_km(lon, lat, np.array([to_lon]), np.array([to_lat]))[0]
    theirs = Geod(ellps="WGS84").inv(lon, lat, to_lon, to_lat)[2] / 1000
    assert ours == pytest.approx(theirs, rel=0.006, abs=0.01)


@given(LON, st.floats(-89, 89), LON, st.floats(-89, 89))
def test_a_point_footprint_is_as_far_as_its_great_circle(lon: float, lat: float, to_lon: float, to_lat: float) -> None:
    distance = footprint_distance_km(lon, lat, [shapely.Point(to_lon, to_lat)])[0]
    exact = great_circle_km(lon, lat, np.array([to_lon]), np.array([to_lat]))[0]
    assume(exact < 0.99 * math.pi * EARTH_RADIUS_KM)  # opposite a point, every direction leads there
    assert distance == pytest.approx(exact, rel=1e-6, abs=1e-6)


def test_footprints_are_measured_to_their_border_and_across_the_antimeridian() -> None:
    box = shapely.box(1, -1, 2, 1)
    across = shapely.MultiPolygon([shapely.box(179.5, -1, 180, 1), shapely.box(-180, -1, -179.5, 1)])
    assert footprint_distance_km(1.5, 0.0, [box])[0] == 0
    assert footprint_distance_km(0.0, 0.0, [box])[0] == pytest.approx(111.19, abs=0.1)
    assert footprint_distance_km(-179.0, 0.0, [across])[0] == pytest.approx(55.6, abs=0.1)
    assert footprint_distance_km(179.0, 0.0, [across])[0] == pytest.approx(55.6, abs=0.1)


def test_a_footprint_on_the_other_side_of_the_earth_is_far() -> None:
    opposite = shapely.MultiPolygon([shapely.box(179, -1, 180, 1), shapely.box(-180, -1, -178, 1)])
    assert footprint_distance_km(0.0, 0.0, [opposite])[0] > 19_700


@given(LON, LAT, st.floats(0.01, 3000), st.floats(0, 2 * math.pi), st.floats(0, 1))
def test_the_box_around_a_circle_holds_the_circle(
    lon: float, lat: float, radius: float, direction: float, part: float
) -> None:
    to_lon, to_lat, _ = Geod(a=EARTH_RADIUS_KM * 1000, b=EARTH_RADIUS_KM * 1000).fwd(
        lon, lat, math.degrees(direction), radius * part * 1000
    )
    # A degree of longitude is nothing at a pole: leave room for rounding.
    box = box_geometry(box_around(lon, lat, radius * (1 + 1e-9))).buffer(1e-6)
    assert box.covers(shapely.Point(to_lon, to_lat)) or abs(to_lat) > 90 - 1e-6


@given(
    st.lists(st.tuples(st.floats(-180, 180), st.floats(0, 40)), min_size=1, max_size=6),
    st.integers(0, 5),
    st.floats(0, 1),
)  # fmt: skip
def test_covering_longitudes_cover_everything(stretches: list[tuple[float, float]], which: int, part: float) -> None:
    west = np.array([start for start, _ in stretches])
    east = west + np.array([length for _, length in stretches])
    low, high = covering_longitudes(west, east)
    start, length = stretches[which % len(stretches)]
    inside = (start + part * length - low) % 360.0
    reach = (high - low) % 360.0 if (low, high) != (-180.0, 180.0) else 360.0
    assert inside <= reach + 1e-6 or inside >= 360 - 1e-6


def test_covering_longitudes_takes_the_short_way_round() -> None:
    assert covering_longitudes(np.array([178.0, -179.0]), np.array([179.0, -178.0])) == (178.0, -178.0)
    assert covering_longitudes(np.array([10.0, 20.0]), np.array([12.0, 21.0])) == (10.0, 21.0)
    assert covering_longitudes(np.array([-180.0]), np.array([180.0])) == (-180.0, 180.0)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ((1, 2, 3), "four numbers"), ("1,2,3,4", "four numbers"), ((1, 2, 3, "x"), "four numbers"), (None, "four"),
        ((-190, 0, 10, 10), "longitudes"), ((0, -91, 1, 1), "latitudes"), ((0, 5, 1, 4), "south"),
        ((0, 0, math.nan, 1), "longitudes"),
    ],
)  # fmt: skip
def test_wrong_boxes(value: object, why: str) -> None:
    with pytest.raises(QueryError, match=why):
        read_box(value)


def test_a_box_across_the_antimeridian_is_allowed() -> None:
    assert box_geometry(read_box([170, -10, -170, 10])).bounds == (-180, -10, 180, 10)


@pytest.mark.parametrize(
    ("value", "why"),
    [((34, -118), "lon,lat: did you mean -118,34"), ((200, 10), "no such place"), ((1,), "two numbers"), ("ab", "two"),
     ((math.inf, 0), "no such place")],
)  # fmt: skip
def test_wrong_places(value: object, why: str) -> None:
    with pytest.raises(QueryError, match=why):
        read_point(value)


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


@pytest.mark.parametrize(
    "document",
    [
        SQUARE,
        {"type": "Feature", "geometry": SQUARE, "properties": {}},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": SQUARE, "properties": {}}]},
    ],
)
def test_geometry_as_geojson_mapping_file_and_shapely(tmp_path: Path, document: dict[str, object]) -> None:
    path = tmp_path / "area of interest ä.geojson"
    path.write_text(json.dumps(document))
    wanted = shapely.box(0, 0, 1, 1)
    assert read_geometry(document).equals(wanted)
    assert read_geometry(path).equals(wanted)
    assert read_geometry(str(path)).equals(wanted)
    assert read_geometry(wanted).equals(wanted)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "not GeoJSON"), ("{", "not GeoJSON"), ("[1, 2]", "must be"), ("{}", "GeoJSON"),
        ("[" * 100_000, "not GeoJSON"),
        ('{"type": "Polygon", "coordinates": []}', "empty"),
        ('{"type": "FeatureCollection", "features": []}', "empty"),
        ('{"type": "FeatureCollection", "features": [3]}', "GeoJSON"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [1]]]}', "GeoJSON"),
        ('{"type": "Nonsense", "coordinates": []}', "GeoJSON"),
        (json.dumps(BOW_TIE), "Self-intersection"),
        ('{"type": "Point", "coordinates": [34.0, 118.0]}', "lon,lat"),
        ('{"type": "Point", "coordinates": [500000, 4000000]}', "EPSG:4326"),
    ],
)  # fmt: skip
def test_wrong_geometry_files_name_the_file(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "area.geojson"
    path.write_text(content)
    with pytest.raises(QueryError, match=why) as caught:
        read_geometry(path)
    assert "area.geojson" in str(caught.value) or "must be" in str(caught.value)


def test_a_geometry_file_that_is_not_there() -> None:
    with pytest.raises(QueryError, match=r"nowhere\.geojson cannot be read"):
        read_geometry("/nowhere.geojson")
