"""Images with several labels: average precision of each label over the images, and its mean (mAP).

Average precision is the sum over thresholds of precision times the gain in recall, without interpolation; images of
equal score come in together (scikit-learn's definition, which trec_eval shares where scores differ).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError
from swath.evaluation.resampling import interval, resamples


@dataclass(frozen=True, slots=True, eq=False)
class MultiLabel:
    """Scores of labels on images, judged label by label.

    Attributes:
        classes: L labels that at least one image has.
        scores: (I, L).
        truth: (I, L) bool.
        left_out: labels that no image has, which nothing can be said about.
    """

    classes: tuple[str, ...]
    scores: NDArray[np.float64]
    truth: NDArray[np.bool_]
    left_out: tuple[str, ...] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """``mAP``, and ``chance_mAP``: what random scores reach, the mean share of images with a label; in per cent."""
        precisions = [row["average_precision"] for row in self.per_class()]
        return {"mAP": float(np.mean(precisions)), "chance_mAP": float(100 * self.truth.mean(axis=0).mean())}

    def per_class(self) -> list[dict[str, float]]:
        """One entry a label: ``class`` (its index), ``images``, ``share`` of the images, ``average_precision``."""
        weights = np.ones((1, len(self.truth)))
        return [
            {
                "class": index,
                "images": int(self.truth[:, index].sum()),
                "share": float(100 * self.truth[:, index].mean()),
                "average_precision": float(
                    100 * average_precision(self.scores[:, index], self.truth[:, index], weights)[0]
                ),
            }
            for index in range(len(self.classes))
        ]

    def intervals(self, rounds: int = 2000, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % interval of ``mAP``, images drawn with replacement.

        Raises:
            EvaluationError: `rounds` is below 1.
        """
        means = []
        for times in resamples(len(self.truth), rounds, seed):
            own = [
                average_precision(self.scores[:, index], self.truth[:, index], times.astype(np.float64))
                for index in range(len(self.classes))
            ]
            means.append(100 * np.nanmean(np.stack(own), axis=0))
        return {"mAP": interval(np.concatenate(means))}


def judge(scores: NDArray[np.floating], truth: NDArray[np.bool_], classes: Sequence[str]) -> MultiLabel:
    """Judge scores of labels; labels that no image has are set aside.

    Args:
        scores: (I, L), higher is likelier.
        truth: (I, L), True where an image has a label.
        classes: L names.

    Raises:
        EvaluationError: shapes do not fit, a score is not finite, or no image has a label.
    """
    scores, truth = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=bool)
    if scores.ndim != 2 or scores.shape != truth.shape or scores.shape[1] != len(classes):
        raise EvaluationError(f"scores {scores.shape}, truth {truth.shape} and {len(classes)} labels do not fit")
    if not np.isfinite(scores).all():
        raise EvaluationError("a score is NaN or infinite: the model gives no usable vectors")
    kept = np.flatnonzero(truth.any(axis=0)).tolist()
    if not kept:
        raise EvaluationError("no image has any of the labels")
    left_out = tuple(name for index, name in enumerate(classes) if index not in kept)
    chosen = np.asarray(scores[:, kept], dtype=np.float64)
    return MultiLabel(tuple(classes[index] for index in kept), chosen, truth[:, kept], left_out)


def average_precision(
    scores: NDArray[np.floating], truth: NDArray[np.bool_], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Average precision of one label under several weightings of the images.

    Args:
        scores: (I,).
        truth: (I,).
        weights: (R, I) how often each image counts.

    Returns:
        (R,); NaN where no image with the label counts.
    """
    order = np.argsort(-scores, kind="stable")
    # Precision and recall change where a score is left behind, not within equal scores.
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    ordered = weights[:, order]
    right = np.cumsum(ordered * truth[order], axis=1)[:, ends]
    seen = np.cumsum(ordered, axis=1)[:, ends]
    precision = np.divide(right, seen, where=seen > 0, out=np.zeros_like(right))
    gains = np.diff(right, axis=1, prepend=0.0)
    total = right[:, -1]
    found: NDArray[np.float64] = np.where(
        total > 0, (precision * gains).sum(axis=1) / np.where(total > 0, total, 1.0), np.nan
    )
    return found
