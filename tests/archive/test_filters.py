from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.fakes import START, filled, grid, make_chip
from swath.archive import Archive, Query
from swath.archive.filters import Circle, Filters
from swath.archive.places import box_geometry, footprint_distance_km
from swath.chips import Chip
from swath.errors import QueryError

ACROSS = shapely.MultiPolygon([shapely.box(179, -1, 180, 1), shapely.box(-180, -1, -178, 1)])
CHIPS = [*grid(80), make_chip(100, geometry=ACROSS), make_chip(101, 179.95, 10), make_chip(102, -179.95, 10)]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = filled(tmp_path_factory.mktemp("filters") / "archive", CHIPS)
    archive.optimize()
    return archive


def ids(chips: list[Chip]) -> set[str]:
    return {chip.id for chip in chips}


def located() -> list[Chip]:
    return [chip for chip in CHIPS if chip.footprint is not None]


boxes = st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90)).map(
    lambda b: (b[0], min(b[1], b[3]), b[2], max(b[1], b[3]))
)


@settings(max_examples=20, deadline=None)
@given(boxes)
def test_boxes_keep_what_touches_them(archive: Archive, box: tuple[float, float, float, float]) -> None:
    area = box_geometry(box)
    wanted = ids([chip for chip in located() if area.intersects(chip.footprint.geometry)])
    assert {hit.id for hit in archive.browse(bbox=box, limit=1000)} == wanted
    assert archive.count(bbox=box) == len(wanted)


@settings(max_examples=15, deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(1, 15000))
def test_circles_keep_what_comes_near(archive: Archive, lon: float, lat: float, radius: float) -> None:
    shapes = [chip.footprint.geometry for chip in located()]
    near = footprint_distance_km(lon, lat, shapes) <= radius
    query = Query(near=(lon, lat), radius_km=radius)
    found = {hit.id for hit in archive.search(query, k=1000)}
    assert found == ids([chip for chip, yes in zip(located(), near, strict=True) if yes])


def test_a_footprint_across_the_antimeridian_is_found_on_both_sides(archive: Archive) -> None:
    across = CHIPS[80].id
    for box in [(178.5, -1, 179.5, 1), (-179.5, -1, -179, 1), (179.5, 0, -179.5, 1), (-180, 0, -179.9, 0.1)]:
        assert across in {hit.id for hit in archive.browse(bbox=box)}
    assert across not in {hit.id for hit in archive.browse(bbox=(-170, -1, 170, 1), limit=1000)}
    assert [hit.bbox for hit in archive.get([across])] == [(179, -1, -178, 1)]


def test_a_box_across_the_antimeridian_finds_both_sides(archive: Archive) -> None:
    found = {hit.id for hit in archive.browse(bbox=(179.9, 9, -179.9, 11))}
    assert {CHIPS[81].id, CHIPS[82].id} <= found


def test_polygons_are_tested_exactly_not_by_their_bounds(archive: Archive) -> None:
    triangle = shapely.Polygon([(-170, -80), (170, -80), (170, 80)])
    wanted = ids([chip for chip in located() if triangle.intersects(chip.footprint.geometry)])
    in_bounds = ids([chip for chip in located() if shapely.box(*triangle.bounds).intersects(chip.footprint.geometry)])
    assert 0 < len(wanted) < len(in_bounds)
    assert {hit.id for hit in archive.browse(geometry=triangle, limit=1000)} == wanted


def test_time_and_sensors(archive: Archive) -> None:
    dated = [chip for chip in CHIPS if chip.scene.datetime is not None]
    june = [chip for chip in dated if (chip.scene.datetime.year, chip.scene.datetime.month) == (2020, 6)]
    assert june
    assert {hit.id for hit in archive.browse(datetime="2020-06", limit=1000)} == ids(june)
    later = [chip for chip in dated if chip.scene.datetime >= START + timedelta(days=366)]
    assert {hit.id for hit in archive.browse(datetime="2021-01-01/..", limit=1000)} == ids(later)
    s2 = [chip for chip in CHIPS if chip.scene.sensor == "s2-l2a"]
    assert {hit.id for hit in archive.browse(sensor="s2", limit=1000)} == ids(s2)
    both = [chip for chip in CHIPS if chip.scene.sensor != "rgb"]
    assert {hit.id for hit in archive.browse(sensor=["s2-l2a", "s1"], limit=1000)} == ids(both)


def test_all_filters_hold_together(archive: Archive) -> None:
    found = archive.browse(
        bbox=(-180, -90, 0, 90), datetime="2020", sensor="rgb", where="properties.cloud < 50", limit=1000
    )
    west = box_geometry((-180, -90, 0, 90))
    wanted = [
        chip
        for chip in located()
        if west.intersects(chip.footprint.geometry)
        and chip.scene.sensor == "rgb"
        and chip.scene.datetime.year == 2020
        and chip.scene.properties.get("cloud", 100) < 50
    ]
    assert wanted
    assert {hit.id for hit in found} == ids(wanted)


def test_rows_without_georeference_never_pass_a_spatial_filter() -> None:
    nowhere = np.array([None, shapely.Point(0, 0)], dtype=object)
    assert Filters.read(bbox=(-180, -90, 180, 90)).keeps(nowhere).tolist() == [False, True]
    assert Filters(circle=Circle(0, 0, 20_000)).keeps(nowhere).tolist() == [False, True]
    assert Filters().keeps(nowhere).tolist() == [True, True]


def test_no_filter_has_no_sql() -> None:
    assert Filters.read().sql() is None


def test_unknown_sensors_are_a_query_error() -> None:
    with pytest.raises(QueryError, match="worldview"):
        Filters.read(sensor="worldview")
