from __future__ import annotations

import numpy as np
import pytest
import torch

from swath.errors import EvaluationError
from swath.evaluation.cross_sensor import recalls
from swath.evaluation.resampling import interval, resamples


@pytest.mark.parametrize("rounds", [1, 256, 600])
def test_blocks_are_one_draw(rounds: int) -> None:
    """However many rounds are held at a time, the numbers drawn are those of a single call."""
    drawn = np.concatenate(list(resamples(7, rounds, seed=3)))
    assert np.array_equal(drawn, np.random.default_rng(3).multinomial(7, np.full(7, 1 / 7), size=rounds))
    assert (drawn.sum(axis=1) == 7).all()


def test_an_interval_leaves_out_as_much_on_either_side() -> None:
    assert interval(np.arange(101.0), level=0.9) == pytest.approx((5.0, 95.0))
    assert interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    assert interval(np.array([np.nan, 1.0, 3.0]), level=0.5) == pytest.approx((1.5, 2.5))


def test_no_rounds_are_refused() -> None:
    with pytest.raises(EvaluationError, match="rounds >= 1, got 0"):
        list(resamples(3, 0, seed=0))
    with pytest.raises(EvaluationError, match="rounds >= 1, got 0"):
        recalls(torch.eye(3), ("s1", "s2"), rounds=0)
