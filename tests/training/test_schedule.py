from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.training.schedule import warmup_cosine


@given(st.integers(2, 500), st.floats(0, 0.9), st.floats(0, 1))
def test_rises_then_falls_within_bounds(total: int, warmup: float, final: float) -> None:
    rates = [warmup_cosine(step, total, warmup, final) for step in range(total)]
    assert all(0 < rate <= 1 for rate in rates[: max(1, total - 1)])
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_known_values() -> None:
    assert warmup_cosine(0, 100, 0.1, 0.0) == pytest.approx(0.1)
    assert warmup_cosine(9, 100, 0.1, 0.0) == pytest.approx(1.0)
    assert warmup_cosine(55, 100, 0.1, 0.2) == pytest.approx(0.6)
    assert warmup_cosine(0, 100, 0.0, 0.0) == 1.0
