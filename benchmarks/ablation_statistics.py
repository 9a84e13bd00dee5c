"""How sure an ablation is: over seeds, paired, and over the queries of the test set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from swath.evaluation.retrieval import DIRECTIONS, RetrievalResult

T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""Student's two-sided 95 % quantiles for 1, 2, ... degrees of freedom."""
NORMAL_95 = 1.96


def over_seeds(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of the mean of one value a seed, by Student's t; None for a single seed."""
    freedom = len(values) - 1
    if freedom < 1:
        return None
    quantile = T_95[freedom - 1] if freedom <= len(T_95) else NORMAL_95
    mean, half = float(np.mean(values)), quantile * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return mean - half, mean + half


def over_queries(
    runs: Sequence[RetrievalResult], others: Sequence[RetrievalResult], rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval of the mean mR of `others` less that of `runs`; images are drawn with their captions.

    Args:
        runs: one result a seed, all of one test set.
        others: likewise, of the same test set.
        rounds: resamples.
        seed: of the draw.
    """
    gain = np.mean([_hits(result) for result in others], axis=0) - np.mean([_hits(result) for result in runs], axis=0)
    queries = _queries(runs[0])
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(gain), np.full(len(gain), 1 / len(gain)), size=rounds)
    low, high = np.quantile(((times @ gain) / (times @ queries)).mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _hits(result: RetrievalResult) -> NDArray[np.float64]:
    """(I, R) hits in per cent, summed over the queries of each image: itself, and its captions."""
    relation = result.relation
    of_captions = [np.bincount(relation.caption_image, own, relation.images) for own in result.hits(DIRECTIONS[1]).T]
    return 100.0 * np.concatenate([result.hits(DIRECTIONS[0]), np.stack(of_captions, axis=1)], axis=1)


def _queries(result: RetrievalResult) -> NDArray[np.float64]:
    """(I, R) how many queries each of these counts."""
    captions = np.bincount(result.relation.caption_image, minlength=result.relation.images)
    columns = [np.ones(len(captions))] * len(result.ks) + [captions.astype(float)] * len(result.ks)
    return np.stack(columns, axis=1)
