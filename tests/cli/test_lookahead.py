from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.cli.lookahead import LookAhead


@given(st.lists(st.integers()), st.integers(1, 5))
def test_it_gives_what_it_was_given_and_counts_it(items: list[int], most: int) -> None:
    ahead = LookAhead(items, most)
    assert list(ahead) == items
    assert ahead.total == len(items)


def test_the_total_is_known_before_the_end_is_reached() -> None:
    ahead = LookAhead(range(10))
    ahead._thread.join()
    assert ahead.total == 10
    assert next(iter(ahead)) == 0


def test_a_long_stream_is_not_held_whole() -> None:
    drawn = []

    def stream() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    ahead = iter(LookAhead(stream(), most=3))
    assert next(ahead) == 0
    assert len(drawn) <= 6
    assert list(ahead) == list(range(1, 100))


def test_what_the_stream_raises_is_raised_after_what_it_gave() -> None:
    def stream() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    ahead = LookAhead(stream())
    given: list[int] = []
    with pytest.raises(OSError, match="gone"):
        given.extend(iter(ahead))
    assert ahead.total is None
    items = LookAhead(stream())
    assert next(iter(items)) == 1
