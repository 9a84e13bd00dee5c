"""Reading option values that are lists of numbers. What the numbers may be is for the rooms that use them to say."""

from __future__ import annotations

import typer


def place(text: str) -> tuple[float, ...]:
    """``lon,lat`` in degrees (WGS 84)."""
    return _numbers(text, 2, "lon,lat in degrees, for example -118.2,34.0")


def bbox(text: str) -> tuple[float, ...]:
    """``west,south,east,north`` in degrees; west > east crosses the antimeridian."""
    return _numbers(text, 4, "west,south,east,north in degrees, for example -119,33,-117,35")


def _numbers(text: str, count: int, form: str) -> tuple[float, ...]:
    """Split at commas (bad usage, exit 2, where the text has another form)."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != count:
        raise typer.BadParameter(f"{text!r} is not {form}")
    return values
