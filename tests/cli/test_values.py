from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from swath.cli.values import Box, Place, Weight, read_box, read_place, read_weight


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_every_place_on_earth_can_be_written(lon: float, lat: float) -> None:
    assert read_place(f"{lon!r},{lat!r}") == Place(lon, lat)


def test_spaces_after_commas_are_fine() -> None:
    assert read_box("-119, 33, -117, 35") == Box(west=-119.0, south=33.0, east=-117.0, north=35.0)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "1;2", "1,"])
def test_what_is_no_place_is_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="lon,lat"):
        read_place(text)


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,4,5", "w,s,e,n"])
def test_what_is_no_box_is_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="west,south,east,north"):
        read_box(text)


def test_a_weight_names_its_part() -> None:
    assert read_weight("text=0.5") == Weight("text", 0.5)


@pytest.mark.parametrize("text", ["text", "text=", "text=a", "text=1,2"])
def test_what_is_no_weight_is_bad_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"'{text}' is not PART=NUMBER"):
        read_weight(text)
