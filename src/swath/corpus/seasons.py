"""Dates and places in words: months, seasons of a hemisphere, degrees."""

from __future__ import annotations

from datetime import datetime

from swath.errors import DataError

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip

_SEASONS = ("winter", "spring", "summer", "autumn")
_TROPIC = 23.44


def parse_date(text: str, where: str) -> datetime:
    """An ISO 8601 date or time.

    Raises:
        DataError: not a date; the message names `where`.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError(f"{where}: {text!r:.40} is not an ISO 8601 date (2020-10-05)") from error


def season(date: datetime, latitude: float) -> str | None:
    """The meteorological season at a latitude (degrees); None between the tropics, which have no such seasons."""
    if abs(latitude) < _TROPIC:
        return None
    index = date.month % 12 // 3
    return _SEASONS[index if latitude > 0 else (index + 2) % 4]


def degrees(lon: float, lat: float) -> str:
    """``34.05 degrees north, 118.24 degrees west``."""
    north = "north" if lat >= 0 else "south"
    east = "east" if lon >= 0 else "west"
    return f"{abs(lat):.2f} degrees {north}, {abs(lon):.2f} degrees {east}"
