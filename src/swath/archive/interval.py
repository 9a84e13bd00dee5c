"""Dates as STAC writes them: ``2020-06-01``, ``2020-06-01T10:00:00Z``, ``2020-06-01/2020-07-01``, ``2020/..``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from swath.errors import QueryError

Instant = str | date | datetime
Interval = tuple[datetime | None, datetime | None]

_STEP = timedelta(microseconds=1)
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
_HELP = "write 2020-06-01, 2020-06-01T10:00:00Z, 2020-06, 2020, or an interval such as 2020-06-01/2020-07-01 or 2020/.."


def parse_interval(value: Instant | tuple[Instant | None, Instant | None]) -> Interval:
    """Read an interval; both ends belong to it, None is an open end.

    A date without time is the whole day, a month the whole month, a year the whole year; without a zone it is UTC.

    Raises:
        QueryError: not a date, or the end lies before the start.
    """
    if isinstance(value, tuple):
        if len(value) != 2:
            raise QueryError(f"a datetime interval has two ends, got {len(value)}; {_HELP}")
        ends = value
    elif isinstance(value, str) and "/" in value:
        parts = value.split("/")
        if len(parts) != 2:
            raise QueryError(f"a datetime interval has two ends, got {value!r}; {_HELP}")
        ends = (parts[0], parts[1])
    else:
        return _span(value)
    first, last = (None if end is None or end in ("", "..") else _span(end) for end in ends)
    if first is None and last is None:
        raise QueryError(f"the datetime interval {value!r} is open on both ends; leave the filter out instead")
    start, end = (first[0] if first else None), (last[1] if last else None)
    if start and end and end < start:
        raise QueryError(f"the datetime interval {value!r} ends before it starts")
    return start, end


def parse_instant(text: str) -> datetime:
    """Read one moment; a date, month or year is its first moment.

    Raises:
        QueryError: not a date.
    """
    return _span(text)[0]


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as STAC writes it, ``2020-06-01T10:00:00Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _span(value: Instant) -> tuple[datetime, datetime]:
    """The first and last moment of what is written."""
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment, moment
    if isinstance(value, date):
        value = value.isoformat()
    text = value.strip().upper()  # RFC 3339 allows small letters
    match = _PARTIAL.fullmatch(text)
    try:
        if match is None:
            if len(text) < 11 or text[10] not in "Tt ":
                raise ValueError(text)
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            return moment, moment
        year, month, day = match.groups()
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
        if day:
            return start, start + timedelta(days=1) - _STEP
        if month:
            # The 1st plus 31 days lies in the next month, whatever the month.
            return start, (start + timedelta(days=31)).replace(day=1) - _STEP
        return start, datetime(start.year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise QueryError(f"{value!r} is not a date; {_HELP}") from error
