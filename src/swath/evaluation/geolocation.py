"""How far off places are: great-circle errors, their median, and the share within street to continent distance.

The unit is the image; arrays in, numbers out. Distances are on a sphere of the Earth's mean radius, at most 0.6 % from
those on the ellipsoid that some published evaluations take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from swath.errors import EvaluationError
from swath.evaluation.resampling import LEVEL, interval
from swath.lonlat import as_lonlat

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth (IUGG), km."""

THRESHOLDS_KM = (1.0, 25.0, 200.0, 750.0, 2500.0)
"""Street, city, region, country, continent (Im2GPS; GeoCLIP's tables)."""

_VALUES_HELD = 1 << 22  # resampled errors held at a time


@dataclass(frozen=True, slots=True)
class GeolocationResult:
    """Errors of predicted places.

    Attributes:
        errors_km: (N,) great-circle distance of each prediction from the truth.
        metrics: ``median_km`` and ``accuracy_<T>km`` in per cent, an error of exactly T counted as within.
        intervals: of the same names, percentile bootstrap over images.
    """

    errors_km: NDArray[np.float64]
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]


def great_circle_km(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Distances on the sphere, accurate from centimetres to antipodes (Vincenty's formula for a sphere).

    Args:
        first: (N, 2) longitude and latitude in degrees.
        second: (N, 2) likewise, row by row; either may have one row for all.

    Returns:
        (N,) km.

    Raises:
        InputError: not places (see `swath.lonlat.as_lonlat`).
        EvaluationError: different numbers of rows.
    """
    a, b = as_lonlat(first, "the first places"), as_lonlat(second, "the second places")
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise EvaluationError(f"{len(a)} places cannot be compared with {len(b)} row by row")
    (lon, lat), (lon2, lat2) = np.radians(a).T, np.radians(b).T
    # Sine and cosine of the angle, both: the haversine formula loses half its digits at antipodes.
    east = np.cos(lat2) * np.sin(lon2 - lon)
    north = np.sin(lat2 - lat) + 2 * np.sin(lat) * np.cos(lat2) * np.sin((lon2 - lon) / 2) ** 2
    cosine = np.sin(lat) * np.sin(lat2) + np.cos(lat) * np.cos(lat2) * np.cos(lon2 - lon)
    return np.asarray(EARTH_RADIUS_KM * np.arctan2(np.hypot(east, north), cosine), dtype=np.float64)


def evaluate_geolocation(
    predicted: ArrayLike,
    truth: ArrayLike,
    thresholds_km: Sequence[float] = THRESHOLDS_KM,
    rounds: int = 2000,
    seed: int = 0,
    level: float = LEVEL,
) -> GeolocationResult:
    """Median error and accuracy of predicted places, with bootstrap intervals.

    Args:
        predicted: (N, 2) longitude and latitude in degrees.
        truth: (N, 2) likewise.
        thresholds_km: distances within which a prediction is right.
        rounds: resamples.
        seed: of the draw; equal seeds give equal intervals.
        level: coverage, between 0 and 1.

    Raises:
        InputError: not places; the message names the row.
        EvaluationError: no images, different numbers of rows, or a threshold, `rounds` or `level` cannot be used.
    """
    a, b = as_lonlat(predicted, "predicted"), as_lonlat(truth, "truth")
    if len(a) != len(b) or not len(a):
        raise EvaluationError(f"geolocation needs one prediction an image; got {len(a)} for {len(b)} images")
    if rounds < 1 or not 0.0 < level < 1.0:
        raise EvaluationError(f"resampling needs rounds >= 1 and 0 < level < 1, got {rounds} and {level}")
    limits = np.array(thresholds_km, dtype=np.float64)
    if not (np.isfinite(limits) & (limits > 0)).all():
        raise EvaluationError(f"thresholds are distances over 0 km, got {tuple(thresholds_km)}")
    errors = great_circle_km(a, b)
    names = ["median_km", *(f"accuracy_{limit:g}km" for limit in limits)]
    values = _statistics(errors[None], limits)[0]
    drawn = _bootstrap(errors, limits, rounds, seed)
    return GeolocationResult(
        errors_km=errors,
        metrics={name: float(value) for name, value in zip(names, values, strict=True)},
        intervals={name: interval(drawn[:, column], level) for column, name in enumerate(names)},
    )


def _statistics(errors: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R, 1 + T) median and accuracies in per cent of (R, N) errors."""
    within = [100.0 * (errors <= limit).mean(axis=1) for limit in limits]
    return np.stack([np.median(errors, axis=1), *within], axis=1)


def _bootstrap(errors: NDArray[np.float64], limits: NDArray[np.float64], rounds: int, seed: int) -> NDArray[np.float64]:
    """(R, 1 + T) `_statistics` of resamples; a median needs the images drawn, not how often each is."""
    rng = np.random.default_rng(seed)
    block = max(1, _VALUES_HELD // len(errors))
    drawn = []
    for start in range(0, rounds, block):
        rows = rng.integers(0, len(errors), size=(min(block, rounds - start), len(errors)))
        drawn.append(_statistics(errors[rows], limits))
    return np.concatenate(drawn)
