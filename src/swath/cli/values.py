"""Option values made of numbers. What the numbers may be is for the rooms that use them to say."""

from __future__ import annotations

from typing import NamedTuple

import typer


class Place(NamedTuple):
    """A place in degrees (WGS 84)."""

    lon: float
    lat: float


class Box(NamedTuple):
    """A box in degrees; west > east crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


class Weight(NamedTuple):
    """How much a part of a query counts."""

    part: str
    number: float


def read_place(text: str) -> Place:
    """``lon,lat`` (bad usage, exit 2, where the text has another form)."""
    return Place(*_numbers(text, 2, "lon,lat in degrees, for example -118.2,34.0"))


def read_box(text: str) -> Box:
    """``west,south,east,north``, likewise."""
    return Box(*_numbers(text, 4, "west,south,east,north in degrees, for example -119,33,-117,35"))


def read_weight(text: str) -> Weight:
    """``part=number``, likewise."""
    part, _, number = text.partition("=")
    return Weight(part.strip(), *_numbers(number, 1, "PART=NUMBER, for example text=2", shown=text))


def _numbers(text: str, count: int, form: str, shown: str | None = None) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != count:
        raise typer.BadParameter(f"{shown or text!r} is not {form}")
    return values
