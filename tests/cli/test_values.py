from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from swath.cli.values import bbox, geometry, place

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_every_place_on_earth_can_be_written(lon: float, lat: float) -> None:
    assert place(f"{lon!r},{lat!r}") == (lon, lat)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "nan,0", "inf,0", "181,0", "0,-91"])
def test_what_is_no_place_is_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        place(text)


def test_swapped_coordinates_get_a_hint() -> None:
    with pytest.raises(typer.BadParameter, match="lon comes first"):
        place("34.0,-118.2")


def test_a_box_may_cross_the_antimeridian() -> None:
    assert bbox("170,-20,-170,-10") == (170.0, -20.0, -170.0, -10.0)


@pytest.mark.parametrize("text", ["1,2,3", "0,10,1,5", "-190,0,0,1", "0,0,1,91"])
def test_what_is_no_box_is_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        bbox(text)


@pytest.mark.parametrize(
    "document",
    [
        SQUARE,
        {"type": "Feature", "geometry": SQUARE, "properties": {}},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": SQUARE}]},
    ],
)
def test_a_geometry_is_found_where_geojson_keeps_it(tmp_path: Path, document: dict[str, object]) -> None:
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(document))
    assert geometry(path) == SQUARE


def test_several_features_are_taken_together(tmp_path: Path) -> None:
    path = tmp_path / "areas.geojson"
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": SQUARE}] * 2})
    )
    assert geometry(path) == {"type": "GeometryCollection", "geometries": [SQUARE, SQUARE]}


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"type": "Feature", "geometry": null}'])
def test_a_file_without_geometry_is_bad_usage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "area.geojson"
    path.write_bytes(content)
    with pytest.raises(typer.BadParameter, match=r"area\.geojson"):
        geometry(path)
