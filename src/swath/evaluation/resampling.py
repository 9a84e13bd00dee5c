"""The percentile bootstrap that the intervals of every task share (Efron & Tibshirani 1993, chapter 13)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError

LEVEL = 0.95
"""Coverage of the intervals that reports give."""

_ROUND_BLOCK = 256  # rounds held at a time


def resamples(count: int, rounds: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw units with replacement, as many as there are.

    Args:
        count: number of units (images, queries, places).
        rounds: resamples.
        seed: equal seeds give equal draws.

    Yields:
        (R, count) how often each unit occurs in each of the next R resamples; the R add up to `rounds`.

    Raises:
        EvaluationError: `rounds` is below 1.
    """
    if rounds < 1:
        raise EvaluationError(f"resampling needs rounds >= 1, got {rounds}")
    random, chances = np.random.default_rng(seed), np.full(count, 1 / count)
    for start in range(0, rounds, _ROUND_BLOCK):
        yield random.multinomial(count, chances, size=min(_ROUND_BLOCK, rounds - start))


def interval(values: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float]:
    """Ends of the percentile interval of one number.

    Args:
        values: (R,) its value in every resample; NaN where a resample has none.
        level: coverage, between 0 and 1.
    """
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
