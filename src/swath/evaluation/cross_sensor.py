"""From an image of one sensor to the image of another that shows the same place: recall both ways, with intervals.

Queries and candidates are the images of the groups that have one of each sensor (`Pair.group`); each query has exactly
one right answer, so by chance it is among the first k of n with probability k / n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data import Dataset, Pair
from swath.errors import EvaluationError
from swath.evaluation.encoding import Encoder, Progress, encode_pictures
from swath.evaluation.placement import Placement, Relevance, place
from swath.evaluation.resampling import interval, resamples
from swath.sensors import matching


@dataclass(frozen=True, slots=True)
class CrossSensorReport:
    """How well images of one sensor find those of another.

    Attributes:
        model: its id.
        dataset: the data set's name; `split`: the split, None for all of it.
        sensors: the two sensors (or families) asked.
        groups: the places compared, in order.
        metrics: ``<a>_<b>_r<k>`` both ways and their mean ``mR`` in per cent, ``<a>_<b>_median_rank``, and
            ``chance_r<k>``, the recall of random answers.
        intervals: 95 % bootstrap intervals of recalls and their mean, places drawn with replacement.
        failures: images that could not be read, and groups without one of each sensor.
    """

    model: str
    dataset: str
    split: str | None
    sensors: tuple[str, str]
    groups: tuple[str, ...]
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    failures: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            "split": self.split,
            "sensors": list(self.sensors),
            "groups": len(self.groups),
            "metrics": self.metrics,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "failures": list(self.failures),
        }


def evaluate_cross_sensor(
    model: Encoder,
    dataset: Dataset,
    split: str | None = "test",
    sensors: tuple[str, str] = ("s1", "s2"),
    *,
    ks: Sequence[int] = (1, 5, 10),
    rounds: int = 2000,
    seed: int = 0,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> CrossSensorReport:
    """Rank all images of one sensor for each image of the other, both ways, by cosine.

    Args:
        model: the encoder.
        dataset: images with groups (`swath corpus pairs` writes such a data set).
        split: its split; None takes all of it.
        sensors: two sensors or families.
        ks: cut-offs of recall.
        rounds: bootstrap resamples.
        seed: of the resamples.
        batch_size: images read and encoded at a time.
        progress: told after every batch.

    Raises:
        DataError: there is no such split.
        SensorError: there is no such sensor, or the model does not take it.
        EvaluationError: no group has an image of each sensor, or some group has two of one.
    """
    whole = dataset if split is None else dataset.split(split)
    found = [_by_group(whole, name) for name in sensors]
    both = [group for group in found[0] if group in found[1]]
    failures = [f"group {group!r} has no image of both sensors" for group in found[0].keys() ^ found[1].keys()]
    read: list[dict[str, Tensor]] = []
    for at, own in enumerate(found):
        asked = [own[group] for group in both]
        told = None if progress is None else _told(progress, at)
        kept, features, unread = encode_pictures(model, asked, tokens=False, batch_size=batch_size, progress=told)
        failures += unread
        read.append({pair.group: row for pair, row in zip(kept, features.pooled, strict=True)})
    groups = tuple(group for group in both if group in read[0] and group in read[1])
    if not groups:
        raise EvaluationError(
            f"no group of {whole.name!r}, split {split!r}, has images of both {sensors[0]} and {sensors[1]}"
            f"{': ' + failures[0] if failures else ''}; write such a data set with: swath corpus pairs"
        )
    first, second = (torch.stack([rows[group] for group in groups]).float().cpu() for rows in read)
    metrics, intervals = recalls(first @ second.T, sensors, ks, rounds, seed)
    return CrossSensorReport(
        model.model_id, whole.name, split, sensors, groups, metrics, intervals, tuple(sorted(failures))
    )


def recalls(
    scores: Tensor, names: tuple[str, str], ks: Sequence[int] = (1, 5, 10), rounds: int = 2000, seed: int = 0
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Recall both ways of a square matrix of scores whose right answers are on the diagonal.

    Ties count by expectation (see `Placement.hits`).

    Args:
        scores: (N, N); rows are the images of ``names[0]``.
        names: what rows and columns are called in the metrics.
        ks: cut-offs.
        rounds: bootstrap resamples; a place is drawn with both its queries.
        seed: of the resamples.

    Returns:
        metrics and 95 % intervals, see `CrossSensorReport`.

    Raises:
        EvaluationError: the matrix is not square, a score is NaN, or `rounds` is below 1.
    """
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        raise EvaluationError(f"scores must be (N, N), the right answers on the diagonal; got {tuple(scores.shape)}")
    own = np.arange(len(scores))
    relevance = {"right": Relevance.one_group(own, own)}
    ways: Mapping[str, Placement] = {
        f"{names[0]}_{names[1]}": place(scores, relevance)["right"],
        f"{names[1]}_{names[0]}": place(scores, relevance, transposed=True)["right"],
    }
    columns = [f"{way}_r{k}" for way in ways for k in ks]
    hits = 100.0 * np.stack([placement.hits(k) for placement in ways.values() for k in ks], axis=1)
    metrics = dict(zip([*columns, "mR"], _with_mean(hits.mean(axis=0)).tolist(), strict=True))
    metrics |= {f"{way}_median_rank": float(np.median(placement.ranks())) for way, placement in ways.items()}
    metrics |= {f"chance_r{k}": 100.0 * min(k, len(own)) / len(own) for k in ks}
    drawn = _with_mean(np.concatenate([times @ hits / len(own) for times in resamples(len(own), rounds, seed)]))
    return metrics, {name: interval(drawn[:, column]) for column, name in enumerate([*columns, "mR"])}


def _with_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([values, values.mean(axis=-1, keepdims=True)], axis=-1)


def _by_group(data: Dataset, name: str) -> dict[str, Pair]:
    """The image of each group that the sensor (or family) has."""
    wanted = matching(name)
    found: dict[str, Pair] = {}
    for pair in data.pairs:
        if pair.group and pair.chip.scene.sensor in wanted:
            other = found.setdefault(pair.group, pair)
            if other is not pair:
                raise EvaluationError(
                    f"group {pair.group!r} has two images of {name}: {other.name!r} and {pair.name!r}; "
                    "name the product, or let groups have one image a sensor"
                )
    return found


def _told(progress: Progress, half: int) -> Progress:
    return lambda done, total: progress(half * total + done, 2 * total)
