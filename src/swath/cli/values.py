"""Option values made of numbers. What the numbers may be is for the rooms that use them to say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from swath.errors import InputError

if TYPE_CHECKING:
    from swath.data import Dataset
    from swath.similarity import Fusion


class TruncationName(StrEnum):
    """What to do with a text over the model's context length; see `swath.models.towers.Truncation`."""

    warn = "warn"
    error = "error"
    window = "window"


def chosen_split(asked: str | None, dataset: Dataset, usual: str = "test") -> str | None:
    """The split that a command takes: the one asked for, all for ``all``; by default the usual one, if there is any.

    Args:
        asked: what the user said.
        dataset: the data set; one without splits, such as a table of test pairs, is taken whole.
        usual: the split where nothing was said.
    """
    if asked is None:
        return usual if dataset.splits else None
    return None if asked == "all" else asked


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


def read_assignment(text: str, option: str) -> tuple[str, str]:
    """``NAME=VALUE`` of an option.

    Raises:
        InputError: another form.
    """
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InputError(f"{option} {text!r} must have the form NAME=VALUE")
    return name, value


def read_shares(texts: Iterable[str], option: str) -> dict[str, float]:
    """``NAME=NUMBER`` of an option that may be repeated.

    Raises:
        InputError: another form.
    """
    found = {}
    for text in texts:
        name, value = read_assignment(text, option)
        try:
            found[name] = float(value)
        except ValueError:
            raise InputError(f"{option} {text!r}: {value!r} is not a number") from None
    return found


def read_fusion(text: str | None) -> Fusion | None:
    """``ALPHA,BETA``, or a JSON file that holds a fusion: what ``evaluate calibrate`` or ``evaluate retrieval`` wrote.

    Two numbers weigh, unscaled, the cosine of pooled vectors and the root mean square of the patch x word cosines.

    Raises:
        InputError: a file that holds no fusion.
    """
    if text is None:
        return None
    from swath.similarity import Fusion

    if not text.endswith(".json"):
        form = "ALPHA,BETA or a .json file, for example 0.6,0.4"
        alpha, beta = _numbers(text, 2, form)
        return Fusion(alpha, beta, normalise=True, ends=False)
    try:
        found: Any = json.loads(Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{text} cannot be read as JSON: {error}") from error
    for outer in ("settings", "fusion"):
        found = found.get(outer, found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or "alpha" not in found:
        raise InputError(f"{text} holds no fusion; write one with: swath evaluate calibrate MODEL DATASET --json")
    return Fusion.from_dict(found)


def _numbers(text: str, count: int, form: str, shown: str | None = None) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != count:
        raise typer.BadParameter(f"{shown or text!r} is not {form}")
    return values
