from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.errors import InputError
from swath.lonlat import as_lonlat, from_latlon


@given(st.floats(-180, 360), st.floats(-90, 90))
def test_places_come_out_as_the_same_places_with_one_longitude_each(lon, lat):
    ((east, north),) = as_lonlat([[lon, lat]])
    assert -180 <= east < 180
    assert north == lat
    assert (east - lon) % 360 == pytest.approx(0, abs=1e-9) or (east - lon) % 360 == pytest.approx(360, abs=1e-9)


@given(st.floats(-180, 179.99), st.floats(-90, 90))
def test_usual_places_are_not_touched(lon, lat):
    assert as_lonlat([[lon, lat]]).tolist() == [[lon, lat]]


def test_the_input_is_copied_and_180_is_minus_180():
    points = np.array([[180.0, 5.0], [359.0, 6.0]])
    assert as_lonlat(points).tolist() == [[-180.0, 5.0], [-1.0, 6.0]]
    assert points[0, 0] == 180.0


def test_latlon_is_turned_round():
    assert from_latlon([[48.2, 16.4]]).tolist() == [[16.4, 48.2]]


@pytest.mark.parametrize("points", [[[48.2, 16.4], [1.0]], [48.2, 16.4]])
def test_latlon_must_be_a_table_too(points):
    with pytest.raises(InputError, match="latitude and longitude in degrees"):
        from_latlon(points)


def test_an_empty_table_of_places_stays_one():
    assert as_lonlat(np.empty((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[16.4, 48.2], [35.7, 139.7]], r"row 1 of places, lon 35.7, lat 139.7, .*swapped: the order is \(lon, lat\)"),
        ([[16.4, np.nan]], "row 0 of places.* is not finite"),
        ([[np.inf, 1.0]], "is not finite"),
        ([[400.0, 1.0], [500.0, 1.0]], r"row 0 of places \(and 1 more\), lon 400"),
        ([[1.0, 2.0, 3.0]], r"\(N, 2\).*\(1, 3\)"),
        ([1.0, 2.0], r"got shape \(2,\)"),
        ([["east", "north"]], "must be numbers"),
        ([[1.0, 2.0], [3.0]], "must be numbers"),
    ],
)
def test_what_is_no_place_is_refused_with_its_row(points, message):
    with pytest.raises(InputError, match=message):
        as_lonlat(points, "places")


def test_swapping_is_not_blamed_where_it_would_not_help():
    with pytest.raises(InputError) as caught:
        as_lonlat([[139.7, 120.0]])
    assert "latitude outside -90 to 90" in str(caught.value)
    assert "swapped" not in str(caught.value)
