"""Is a classifier as sure as it is right? Reliability, expected calibration error, temperature scaling.

Guo et al. 2017, "On Calibration of Modern Neural Networks": sections 2 and 4.2.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError

BINS = 15
_STEPS = 60  # of the bisection: more than a double can tell apart
_COLDEST, _HOTTEST = 1e-5, 1e3


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about equal confidence.

    Attributes:
        low: lower end, excluded but for 0.
        high: upper end.
        count: how many answers.
        confidence: their mean confidence; 0 where there are none.
        accuracy: the share that is right; 0 where there are none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How sure a classifier is, at its own temperature and at the one that fits best.

    Attributes:
        temperature: what cosines were divided by.
        ece: expected calibration error: mean distance of confidence and accuracy over the bins (0 to 1).
        nll: mean negative log likelihood of the right class.
        bins: reliability, of `BINS` equal widths.
        fitted_temperature: of least negative log likelihood on all images.
        fitted_ece: the error when each half of the images has the temperature fitted on the other half, so that no
            image judges a temperature that it helped to choose.
    """

    temperature: float
    ece: float
    nll: float
    bins: tuple[Bin, ...]
    fitted_temperature: float
    fitted_ece: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"bins": [asdict(bin_) for bin_ in self.bins]}


def calibrate(
    scores: NDArray[np.floating], labels: NDArray[np.integer], temperature: float, seed: int = 0
) -> Calibration:
    """Measure calibration.

    Args:
        scores: (I, K) cosines.
        labels: (I,) the right class of each image.
        temperature: that of the model.
        seed: of the split into halves.

    Raises:
        EvaluationError: fewer than two images, or a temperature that is not above 0.
    """
    if len(scores) < 2 or not temperature > 0:
        raise EvaluationError(
            f"calibration needs two images and a temperature above 0, got {len(scores)}, {temperature}"
        )
    scores = np.asarray(scores, dtype=np.float64)
    chances = probabilities(scores, temperature)
    half = np.random.default_rng(seed).permutation(len(scores)) % 2 == 0
    fitted = np.empty_like(chances)
    for judged in (half, ~half):
        fitted[judged] = probabilities(scores[judged], fit_temperature(scores[~judged], labels[~judged]))
    likelihood = chances[np.arange(len(labels)), labels]
    return Calibration(
        temperature=float(temperature),
        ece=expected_error(reliability(chances, labels)),
        nll=float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean()),
        bins=reliability(chances, labels),
        fitted_temperature=fit_temperature(scores, labels),
        fitted_ece=expected_error(reliability(fitted, labels)),
    )


def probabilities(scores: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Softmax of scores over a temperature: (I, K)."""
    logits = np.asarray(scores, dtype=np.float64) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return found


def reliability(chances: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS) -> tuple[Bin, ...]:
    """The answers by confidence.

    Args:
        chances: (I, K) probabilities.
        labels: (I,) right classes.
        bins: how many, of equal width.
    """
    sure, right = chances.max(axis=1), chances.argmax(axis=1) == labels
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = np.maximum(count, 1)
    confidence = np.bincount(place, sure, bins) / filled
    accuracy = np.bincount(place, right, bins) / filled
    rows = zip(edges[:-1], edges[1:], count, confidence, accuracy, strict=True)
    return tuple(Bin(float(low), float(high), int(n), float(c), float(a)) for low, high, n, c, a in rows)


def expected_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error: |accuracy - confidence|, weighted by the number of answers."""
    total = sum(bin_.count for bin_ in bins)
    return sum(bin_.count * abs(bin_.accuracy - bin_.confidence) for bin_ in bins) / max(total, 1)


def fit_temperature(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature of least negative log likelihood.

    That likelihood is convex in the inverse temperature: its derivative, mean expected score less mean score of the
    right class, only rises, so bisection finds where it is 0. Where it is 0 nowhere, an end of the range is returned.
    """
    own = np.asarray(scores, dtype=np.float64)[np.arange(len(labels)), labels].mean()
    cold, hot = np.log(_COLDEST), np.log(_HOTTEST)
    for _ in range(_STEPS):
        middle = (cold + hot) / 2
        expected = (probabilities(scores, float(np.exp(middle))) * scores).sum(axis=1).mean()
        # Too cold means too sure: the expected score lies above that of the right class.
        if expected > own:
            cold = middle
        else:
            hot = middle
    return float(np.exp((cold + hot) / 2))
