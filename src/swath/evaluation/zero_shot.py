"""Zero-shot classification: metrics of scores between images and classes, one label an image.

Intervals are percentile bootstrap over images, as in `swath.evaluation.intervals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError
from swath.evaluation.resampling import interval, resamples


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """The outcome image by image.

    Attributes:
        classes: K class names.
        labels: (I,) the right class of each image.
        predicted: (I,) the class of highest score; of equal ones the first.
        rank: (I,) how many classes score higher than the right one, and half of those that score the same.
    """

    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    rank: NDArray[np.float64]

    @property
    def metrics(self) -> dict[str, float]:
        """``top1``, ``top5`` (where there are more than five classes) and ``mean_per_class``, in per cent."""
        found = {name: float(hits.mean()) for name, hits in self._hits().items()}
        shares = [row["top1"] for row in self.per_class()]
        return found | {"mean_per_class": float(np.mean(shares))}

    def per_class(self) -> list[dict[str, float]]:
        """One entry a class that has images, in the order of `classes`; shares in per cent.

        ``class`` is its index, ``top1`` its recall, ``predicted`` how often it was answered.
        """
        matrix = self.confusion()
        rows = []
        for index in np.flatnonzero(matrix.sum(axis=1)):
            right, images, answered = matrix[index, index], matrix[index].sum(), matrix[:, index].sum()
            rows.append(
                {
                    "class": int(index),
                    "images": int(images),
                    "top1": float(100 * right / images),
                    "precision": float(100 * right / answered) if answered else 0.0,
                    "predicted": int(answered),
                }
            )
        return rows

    def confusion(self) -> NDArray[np.int64]:
        """(K, K) counts; rows are right classes, columns answers."""
        count = len(self.classes)
        flat = np.bincount(self.labels * count + self.predicted, minlength=count * count)
        return flat.reshape(count, count).astype(np.int64)

    def intervals(self, rounds: int = 2000, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % intervals of `metrics`, images drawn with replacement.

        Raises:
            EvaluationError: `rounds` is below 1.
        """
        hits, images = self._hits(), len(self.labels)
        member = (self.labels[:, None] == np.unique(self.labels)).astype(np.float64)
        blocks: list[NDArray[np.float64]] = []
        for times in resamples(images, rounds, seed):
            columns = [times @ own / images for own in hits.values()]
            seen = times @ member
            shares = np.divide(times @ (member * hits["top1"][:, None]), seen, where=seen > 0, out=np.zeros_like(seen))
            # A class that a resample leaves out has no recall there; the mean is over the others.
            columns.append(shares.sum(axis=1) / (seen > 0).sum(axis=1))
            blocks.append(np.stack(columns, axis=1))
        drawn = np.concatenate(blocks)
        return {name: interval(drawn[:, column]) for column, name in enumerate([*hits, "mean_per_class"])}

    def _hits(self) -> dict[str, NDArray[np.float64]]:
        """(I,) 100 where right, else 0, for each share that is reported."""
        found = {"top1": 100.0 * (self.predicted == self.labels)}
        return found | ({"top5": 100.0 * (self.rank < 5)} if len(self.classes) > 5 else {})


def classify(scores: NDArray[np.floating], labels: NDArray[np.integer], classes: Sequence[str]) -> Classification:
    """Judge scores.

    Args:
        scores: (I, K), higher is better.
        labels: (I,) indices into `classes`.
        classes: K names, each once.

    Raises:
        EvaluationError: shapes do not fit, a score is not finite, a label is out of range, or there is no image.
    """
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if scores.ndim != 2 or scores.shape != (len(labels), len(classes)) or not scores.size:
        raise EvaluationError(f"{len(labels)} labels of {len(classes)} classes do not fit scores {scores.shape}")
    if not np.isfinite(scores).all():
        raise EvaluationError("a score is NaN or infinite: the model gives no usable vectors")
    if len(set(classes)) != len(classes):
        raise EvaluationError("a class is named twice")
    if labels.min() < 0 or labels.max() >= len(classes):
        raise EvaluationError(f"labels must lie in 0 to {len(classes) - 1}")
    own = scores[np.arange(len(labels)), labels][:, None]
    rank = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    return Classification(tuple(classes), np.asarray(labels, np.int64), scores.argmax(axis=1), rank)
