from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.archive.interval import parse_instant, parse_interval, rfc3339
from swath.errors import QueryError


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


LAST = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2020-06-01", at(2020, 6, 1), at(2020, 6, 2) - LAST),
        ("2020-02", at(2020, 2, 1), at(2020, 3, 1) - LAST),
        ("2020-12", at(2020, 12, 1), at(2021, 1, 1) - LAST),
        ("2019", at(2019, 1, 1), at(2020, 1, 1) - LAST),
        ("2020-06-01T10:30:00Z", at(2020, 6, 1, 10, 30), at(2020, 6, 1, 10, 30)),
        ("2020-06-01T10:30:00+02:00", at(2020, 6, 1, 8, 30), at(2020, 6, 1, 8, 30)),
        ("2020-06-01/2020-06-03", at(2020, 6, 1), at(2020, 6, 4) - LAST),
        ("2020-06/..", at(2020, 6, 1), None),
        ("../2020", None, at(2021, 1, 1) - LAST),
        ("/2020", None, at(2021, 1, 1) - LAST),
        ("2020/2021-01", at(2020, 1, 1), at(2021, 2, 1) - LAST),
    ],
)
def test_intervals(text: str, start: datetime | None, end: datetime | None) -> None:
    assert parse_interval(text) == (start, end)


def test_python_dates_and_pairs() -> None:
    assert parse_interval(date(2020, 6, 1)) == parse_interval("2020-06-01")
    moment = datetime(2020, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert parse_interval(moment) == (at(2020, 6, 1, 10), at(2020, 6, 1, 10))
    assert parse_interval((date(2020, 6, 1), None)) == (at(2020, 6, 1), None)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2020-13", "2020-02-30", "20-06-01", "2020-06-01/2020-05-01", "a/b/c", "../..",
     "2020-1-1", "2020W", "9999-12-31T99:00:00Z"],
)  # fmt: skip
def test_garbage_is_refused_with_the_value(text: str) -> None:
    with pytest.raises(QueryError, match="date"):
        parse_interval(text)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_written_moments_read_back(moment: datetime) -> None:
    assert parse_instant(rfc3339(moment)) == moment
    day = parse_interval(moment.date().isoformat())
    assert day[0] is not None
    assert day[1] is not None
    assert day[0] <= moment <= day[1]
