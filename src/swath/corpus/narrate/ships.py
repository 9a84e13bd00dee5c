"""Ship records (AIS fields as OpenSARShip has them) read into `Ship`: what cannot be trusted is left out and noted."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources

from swath.corpus.narrate.tables import Row, first_of
from swath.errors import DataError

FILE = ("file", "image", "filename", "filepath", "path")
_TYPES = ("elaborated_type", "Elaborated_type", "type", "ship_type", "ship_class", "Ship_Type", "class")
_UNKNOWN = frozenset(
    {"", "na", "n/a", "none", "null", "nan", "unspecified", "reserved", "other", "other type", "unknown"}
)
_UTC = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})[. T](\d{1,2}):(\d{1,2})(?::(\d{1,2}))?$")

LONGEST, WIDEST = 500.0, 80.0
"""No ship is longer or wider, in metres; such a record is wrong."""


@dataclass(frozen=True, slots=True)
class Ship:
    """One record.

    Attributes:
        kind: the ship in words ("bulk carrier"); "ship" where its type is unknown.
        general: what it is a kind of ("cargo ship"); empty where nothing stands between it and a ship.
        length, width: in metres; None where unknown.
        place: (lon, lat) in degrees.
        moment: time of the image in UTC.
        polarisation: ``VV``, ``VH``, ``HH``, ``HV``; empty where unknown.
        incidence: incidence angle in degrees.
        unit: the same for records of one ship in one scene.
        notes: fields that were there and could not be used.
    """

    kind: str
    general: str
    length: float | None
    width: float | None
    place: tuple[float, float] | None
    moment: datetime | None
    polarisation: str
    incidence: float | None
    unit: str
    notes: tuple[str, ...]


def read_ship(row: Row, where: str) -> Ship:
    """Read one record.

    Args:
        row: field -> value. Zero lengths and widths are AIS for unknown.
        where: file and record, for notes.

    Raises:
        DataError: latitude and longitude are no place on Earth.
    """
    notes: list[str] = []
    kind, general = _kind(row, notes)
    length = _metres(row, ("length_m", "length", "Length"), LONGEST, notes)
    width = _metres(row, ("width_m", "width", "Width"), WIDEST, notes)
    if length is not None and width is not None and width > length:
        notes.append(f"width {width:g} exceeds length {length:g}")
        length = width = None
    place = _place(row, where)
    moment = _moment(first_of(row, ("utc", "time", "datetime", "UTC")), notes)
    polarisation = str(first_of(row, ("pol", "polarisation", "polarization")) or "").upper()
    if polarisation not in ("VV", "VH", "HH", "HV", ""):
        notes.append(f"polarisation {polarisation!r:.20} is unknown")
        polarisation = ""
    incidence = _number(first_of(row, ("incidence", "incidence_angle")), 0.0, 90.0, "incidence", notes)
    scene = str(first_of(row, ("scene", "product")) or "")
    stamp = f"{scene} {place} {moment} {kind} {length} {width}"
    unit = stamp if place is not None or scene else str(first_of(row, FILE) or where)
    return Ship(kind, general, length, width, place, moment, polarisation, incidence, unit, tuple(notes))


def _kind(row: Row, notes: list[str]) -> tuple[str, str]:
    """The ship's kind in words, and what it is a kind of: of the most special field that says something."""
    for name in _TYPES:
        text = str(row.get(name) or "").strip()
        if text.lower() in _UNKNOWN:
            continue
        found = _types().get(text.lower())
        if found is not None:
            return found
        notes.append(f"{name} {text!r:.40} is no known type of ship")
    return "ship", ""


@cache
def _types() -> dict[str, tuple[str, str]]:
    text = resources.files(__package__).joinpath("ship_types.csv").read_text(encoding="utf-8")
    return {row["type"].lower(): (row["phrase"], row["kind"]) for row in csv.DictReader(io.StringIO(text))}


def _metres(row: Row, names: tuple[str, ...], most: float, notes: list[str]) -> float | None:
    value = first_of(row, names)
    if value is None or str(value).strip() in ("0", "0.0"):
        return None
    return _number(value, 1.0, most, names[0], notes)


def _number(value: object, least: float, most: float, name: str, notes: list[str]) -> float | None:
    if value is None or str(value).strip().lower() in _UNKNOWN:
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        notes.append(f"{name} {value!r:.20} is not between {least:g} and {most:g}")
        return None
    return number


def _place(row: Row, where: str) -> tuple[float, float] | None:
    lon, lat = first_of(row, ("lon", "longitude", "Longitude")), first_of(row, ("lat", "latitude", "Latitude"))
    if lon is None or lat is None:
        return None
    try:
        place = float(str(lon)), float(str(lat))
    except ValueError:
        place = math.nan, math.nan
    if not (-180 <= place[0] <= 180 and -90 <= place[1] <= 90):
        raise DataError(f"{where}: lon {lon!r:.20}, lat {lat!r:.20} is no place in degrees; correct or remove them")
    return place


def _moment(value: object, notes: list[str]) -> datetime | None:
    """A time in UTC: ISO 8601, or OpenSARShip's ``2015/8/23.22:12:45``."""
    if value is None:
        return None
    text = str(value).strip()
    match = _UTC.match(text)
    try:
        if match is not None:
            year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        notes.append(f"time {text!r:.30} is neither ISO 8601 nor year/month/day.hour:minute:second")
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
