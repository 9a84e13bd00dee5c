from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from swath.cli.values import bbox, place


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_every_place_on_earth_can_be_written(lon: float, lat: float) -> None:
    assert place(f"{lon!r},{lat!r}") == (lon, lat)


def test_spaces_after_commas_are_fine() -> None:
    assert bbox("-119, 33, -117, 35") == (-119.0, 33.0, -117.0, 35.0)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "1;2", "1,"])
def test_what_is_no_place_is_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="lon,lat"):
        place(text)


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,4,5", "w,s,e,n"])
def test_what_is_no_box_is_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="west,south,east,north"):
        bbox(text)
