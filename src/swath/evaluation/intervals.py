"""How sure a retrieval number is: bootstrap intervals, and a paired test between two runs.

The unit is the image with all its captions: captions of one image are not independent, so they are drawn, or swapped
between runs, together. The gallery stays whole: the intervals tell how the numbers vary with the queries asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError
from swath.evaluation.resampling import LEVEL, interval, resamples
from swath.evaluation.retrieval import DIRECTIONS, PROTOCOLS, RetrievalResult

_ROUND_BLOCK = 256  # permutation rounds held at a time


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of run B less that of run A, with its 95 % interval and the paired permutation test's p-value.

    Attributes:
        metric: its name.
        a: value in run A.
        b: value in run B.
        low: lower end of the 95 % bootstrap interval of b - a.
        high: upper end.
        p_value: two-sided; chance of a difference at least as large if the runs were exchangeable.
    """

    metric: str
    a: float
    b: float
    low: float
    high: float
    p_value: float

    @property
    def difference(self) -> float:
        """B less A."""
        return self.b - self.a


def bootstrap(
    result: RetrievalResult, rounds: int = 2000, seed: int = 0, level: float = LEVEL
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals of every recall and mean recall, in per cent, images drawn with replacement.

    Args:
        result: one run.
        rounds: resamples.
        seed: of the draw; equal seeds give equal intervals.
        level: coverage, between 0 and 1.

    Raises:
        EvaluationError: `rounds` or `level` cannot be used.
    """
    _check(rounds, level)
    return _interval(_hits_of_images(result), _queries_of_images(result), result.ks, rounds, seed, level)


def compare_runs(
    a: RetrievalResult, b: RetrievalResult, rounds: int = 5000, seed: int = 0, level: float = LEVEL
) -> list[Difference]:
    """Paired permutation test and bootstrap interval for every recall and mean recall.

    Under the null hypothesis the two runs' outcomes of an image (with its captions) could be swapped; p is the share of
    random swaps, the observed one counted, whose absolute difference reaches the observed one.

    Raises:
        EvaluationError: the runs are of different test sets or cut-offs, or `rounds` is below 1.
    """
    if a.ks != b.ks or not np.array_equal(a.relation.caption_image, b.relation.caption_image):
        raise EvaluationError(
            "the two runs are not of the same test set and cut-offs: they cannot be compared in pairs"
        )
    if not np.array_equal(a.relation.text, b.relation.text):
        raise EvaluationError("the two runs hold other captions for the same images: they cannot be compared in pairs")
    _check(rounds, level)
    queries = _queries_of_images(a)
    change = _hits_of_images(b) - _hits_of_images(a)
    shares = change / queries.sum(axis=0)
    observed = np.abs(_with_means(shares.sum(axis=0)))
    rng = np.random.default_rng(seed)
    reached = np.ones(observed.shape)
    for start in range(0, rounds, _ROUND_BLOCK):
        signs = rng.integers(0, 2, size=(min(_ROUND_BLOCK, rounds - start), len(shares))) * 2.0 - 1.0
        reached += (np.abs(_with_means(signs @ shares)) >= observed - 1e-9).sum(axis=0)
    intervals = _interval(change, queries, a.ks, rounds, seed, level)
    first, second = a.metrics, b.metrics
    return [
        Difference(name, first[name], second[name], *intervals[name], p_value=float(count / (rounds + 1)))
        for name, count in zip(_names(a.ks), reached, strict=True)
    ]


def _check(rounds: int, level: float) -> None:
    if rounds < 1 or not 0.0 < level < 1.0:
        raise EvaluationError(f"resampling needs rounds >= 1 and 0 < level < 1, got {rounds} and {level}")


def _names(ks: tuple[int, ...]) -> list[str]:
    """Recalls of each protocol, direction and cut-off, then the mean recall of each protocol."""
    recalls = [f"{protocol}{direction}_r{k}" for protocol in PROTOCOLS for direction in DIRECTIONS for k in ks]
    return recalls + [f"{protocol}mR" for protocol in PROTOCOLS]


def _hits_of_images(result: RetrievalResult) -> NDArray[np.float64]:
    """(I, R) hits, in per cent, summed over the queries of each image; columns as in `_names`, without the means."""
    images, owner = result.relation.images, result.relation.caption_image
    columns: list[NDArray[np.float64]] = []
    for protocol in PROTOCOLS:
        columns.extend(100.0 * result.hits(f"{protocol}i2t").T)
        columns.extend(
            np.bincount(owner, 100.0 * own, images).astype(np.float64) for own in result.hits(f"{protocol}t2i").T
        )
    return np.stack(columns, axis=1)


def _queries_of_images(result: RetrievalResult) -> NDArray[np.int64]:
    """(I, R) how many queries of each image a recall counts: itself, or its captions."""
    captions = np.bincount(result.relation.caption_image, minlength=result.relation.images)
    columns = [np.ones_like(captions)] * len(result.ks) + [captions] * len(result.ks)
    return np.stack(columns * len(PROTOCOLS), axis=1)


def _with_means(recalls: NDArray[np.float64]) -> NDArray[np.float64]:
    """Append each protocol's mean to the last axis."""
    halves = recalls.reshape(*recalls.shape[:-1], len(PROTOCOLS), -1)
    return np.concatenate([recalls, halves.mean(axis=-1)], axis=-1)


def _interval(
    hits: NDArray[np.float64], queries: NDArray[np.int64], ks: tuple[int, ...], rounds: int, seed: int, level: float
) -> dict[str, tuple[float, float]]:
    blocks = [_with_means((times @ hits) / (times @ queries)) for times in resamples(len(hits), rounds, seed)]
    drawn = np.concatenate(blocks)
    return {name: interval(drawn[:, column], level) for column, name in enumerate(_names(ks))}
