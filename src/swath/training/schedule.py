"""The learning rate over a run."""

from __future__ import annotations

import math


def warmup_cosine(step: int, total: int, warmup: float, final: float) -> float:
    """Share of the highest learning rate at a step: linear rise, then half a cosine (Loshchilov & Hutter 2017).

    Args:
        step: 0 to total - 1.
        total: steps of the run.
        warmup: share of the steps that the rise takes.
        final: share that is left at the end.

    Returns:
        0 to 1; never 0 at the first step, so that no step is wasted.
    """
    rise = round(warmup * total)
    if step < rise:
        return (step + 1) / rise
    progress = (step - rise) / max(1, total - rise)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))
