from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from swath.chips import Footprint, SceneRef, Window
from swath.corpus.paired import co_located, matching_window
from swath.errors import GeoreferenceError, InputError
from swath.raster import RasterInfo

DAY = datetime(2020, 11, 4, tzinfo=UTC)


def scene(name, sensor, west, days=0.0, width=1.0):
    place = Footprint(box(west, 0.0, west + width, 1.0), "EPSG:32611")
    return SceneRef(name, f"{name}.tif", sensor, (), place, DAY + timedelta(days=days))


def names(groups):
    return [[one.id for one in group.scenes] for group in groups]


def test_nearest_in_time_then_most_overlap_each_once():
    scenes = [
        scene("late", "s1-grd", 0.0, 5),
        scene("soon", "s1-grd", 0.1, 1),
        scene("a", "s2-tci", 0.0),
        scene("b", "s2-tci", 0.0, 4),
        scene("alone", "s2-tci", 9.0),
    ]
    assert names(co_located(scenes)) == [["a", "soon"], ["b", "late"]]


def test_three_sensors_make_one_group_and_the_largest_sensor_leads():
    scenes = [scene("s", "s1-grd", 0.0), scene("r", "rgb", 0.0), scene("m", "s2-l2a", 0.0), scene("n", "s2-l2a", 5.0)]
    assert names(co_located(scenes)) == [["m", "r", "s"]]
    assert co_located(scenes)[0].name == "m"


def test_limits_of_time_and_overlap():
    apart = [scene("a", "s2-tci", 0.0), scene("b", "s1-grd", 0.6)]
    assert co_located(apart) == []
    assert len(co_located(apart, min_overlap=0.4)) == 1
    later = [scene("a", "s2-tci", 0.0), scene("b", "s1-grd", 0.0, 11)]
    assert co_located(later) == []
    assert len(co_located(later, max_days=11)) == 1
    undated = [later[0], replace(later[1], datetime=None)]
    assert len(co_located(undated, max_days=0)) == 1
    with pytest.raises(InputError, match="max_days"):
        co_located(later, max_days=-1)


def info(transform, width=64, height=48, crs="EPSG:32611"):
    return RasterInfo("x.tif", width, height, 1, "uint8", None, crs, transform, ("",), "GTiff", (1,))


@given(
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(1, 10),
    st.integers(1, 10),
    st.integers(-5, 5),
    st.integers(1, 4),
)
def test_the_same_ground_in_finer_pixels(col, row, width, height, shift, times):
    reference = info(Affine(40, 0, 1000, 0, -40, 9000))
    side = 40 / times
    finer = info(Affine(side, 0, 1000 + 40 * shift, 0, -side, 9000), width=64 * times, height=48 * times)
    found = matching_window(reference, Window(col, row, width, height), finer)
    if col < shift:
        assert found is None
    else:
        assert found == Window((col - shift) * times, row * times, width * times, height * times)


def test_grids_that_do_not_fit():
    here = info(Affine(10, 0, 0, 0, -10, 0))
    window = Window(0, 0, 8, 8)
    with pytest.raises(GeoreferenceError, match=r"EPSG:32612.*one CRS"):
        matching_window(here, window, info(Affine(10, 0, 0, 0, -10, 0), crs="EPSG:32612"))
    with pytest.raises(GeoreferenceError, match="turned"):
        matching_window(here, window, info(Affine.rotation(30) * Affine(10, 0, 0, 0, -10, 0)))
    assert matching_window(here, Window(60, 0, 4, 8), info(Affine(10, 0, 10, 0, -10, 0), width=60)) is None
