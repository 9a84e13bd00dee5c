"""Galleries: the places among which an image's place is sought."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from swath.errors import EvaluationError, InputError
from swath.evaluation.geolocation import great_circle_km
from swath.lonlat import as_lonlat

KM_PER_DEGREE = 111.32
MOST_PLACES = 2_000_000
"""Places of a grid; more are refused, with the step that would do."""


@dataclass(frozen=True, slots=True, eq=False)
class PlaceGallery:
    """Places to choose from.

    Attributes:
        places: (G, 2) longitude and latitude in degrees.
        origin: where they come from, for the report.
    """

    places: NDArray[np.float64]
    origin: str


def grid_gallery(step_km: float, around: ArrayLike | None = None) -> PlaceGallery:
    """Places about `step_km` apart, over the globe or over the extent of given places.

    Rows of latitude lie `step_km` apart; along a row places are spaced by longitude over the cosine of its latitude.

    Args:
        step_km: distance between neighbours.
        around: (N, 2) places whose extent, widened by a step, is covered; None covers the globe.

    Raises:
        InputError: a step that is not positive, or that gives too many places.
    """
    if not step_km > 0 or not math.isfinite(step_km):
        raise InputError(f"a grid needs a step over 0 km, got {step_km}")
    step = step_km / KM_PER_DEGREE
    west, south, east, north = (-180.0, -90.0, 180.0, 90.0) if around is None else _extent(around, step)
    area = (north - south) * (east - west) * math.cos(math.radians((south + north) / 2)) / step**2
    if area > MOST_PLACES:
        raise InputError(f"a grid of {step_km:g} km has about {area:,.0f} places; choose a larger step")
    rows = np.linspace(south, north, max(2, math.ceil((north - south) / step) + 1))
    parts = []
    for lat in rows:
        count = max(1, math.ceil((east - west) * math.cos(math.radians(lat)) / step))
        lon = west + (np.arange(count) + 0.5) * (east - west) / count
        parts.append(np.column_stack([(lon + 180.0) % 360.0 - 180.0, np.full(count, lat)]))
    where = "the globe" if around is None else "the extent of the images"
    return PlaceGallery(as_lonlat(np.concatenate(parts), "grid"), f"a grid of {step_km:g} km over {where}")


def read_gallery(path: Path) -> PlaceGallery:
    """Places of a table (CSV or Parquet) with the columns ``lon`` and ``lat`` (or ``longitude`` and ``latitude``).

    Raises:
        InputError: no such file or columns, or a row is no place (the message tells where lat and lon look swapped).
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    if not path.is_file():
        raise InputError(f"there is no table of places at {path}")
    try:
        read = pyarrow.parquet.read_table if path.suffix == ".parquet" else pyarrow.csv.read_csv
        table = read(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as a table of places: {error}") from error
    by_name = {name.strip().lower(): name for name in table.column_names}
    names = [next((by_name[word] for word in words if word in by_name), "") for words in _COLUMNS]
    if not all(names):
        raise InputError(f"{path} needs the columns lon and lat; it has {', '.join(table.column_names)}")
    columns = [table[name].to_pylist() for name in names]
    if not columns[0]:
        raise InputError(f"{path} has no places")
    return PlaceGallery(as_lonlat(list(zip(*columns, strict=True)), str(path)), str(path))


_COLUMNS = (("lon", "longitude"), ("lat", "latitude"))


def best_constant(truth: ArrayLike, candidates: ArrayLike) -> NDArray[np.float64]:
    """The one place that, guessed for every image, gives the lowest median error: what knows nothing of the images.

    Args:
        truth: (N, 2) the images' places.
        candidates: (G, 2) places to guess; at most a thousand of them are tried, evenly chosen.

    Returns:
        (2,) longitude and latitude.

    Raises:
        EvaluationError: no candidates.
    """
    places = as_lonlat(candidates, "candidates")
    if not len(places):
        raise EvaluationError("a constant guess needs places to choose from")
    places = places[np.unique(np.linspace(0, len(places) - 1, min(1000, len(places))).astype(np.int64))]
    medians = [np.median(great_circle_km(place[None], truth)) for place in places]
    return np.asarray(places[int(np.argmin(medians))], dtype=np.float64)


def voted(neighbours: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The place on which neighbours agree: the one of them with the least weighted sum of distances to all.

    Args:
        neighbours: (K, 2) places.
        weights: (K,) not negative.

    Returns:
        (2,) one of the places; among equals the first.
    """
    count = len(neighbours)
    away = great_circle_km(np.repeat(neighbours, count, axis=0), np.tile(neighbours, (count, 1))).reshape(count, count)
    return np.asarray(neighbours[int(np.argmin(np.round(away @ weights, 9)))], dtype=np.float64)


def _extent(around: ArrayLike, margin: float) -> tuple[float, float, float, float]:
    """(west, south, east, north), east over 180 where the places lie on both sides of the antimeridian."""
    lon, lat = as_lonlat(around, "around").T
    turned = np.sort(lon % 360.0)
    gaps = np.diff(np.append(turned, turned[0] + 360.0))
    widest = int(np.argmax(gaps))
    west = turned[(widest + 1) % len(turned)]
    east = west + 360.0 - gaps[widest]
    wide = margin / max(math.cos(math.radians(min(float(np.abs(lat).max()), 89.0))), 1e-3)
    if east - west + 2 * wide >= 360.0:
        return -180.0, max(float(lat.min()) - margin, -90.0), 180.0, min(float(lat.max()) + margin, 90.0)
    return west - wide, max(float(lat.min()) - margin, -90.0), east + wide, min(float(lat.max()) + margin, 90.0)
