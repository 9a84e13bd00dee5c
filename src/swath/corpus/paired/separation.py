"""Ground between splits: images that lie within some distance of an image of a later split."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from swath.corpus.landmark.splitting import KM_PER_DEGREE, Bounds


def too_near(bounds: Sequence[Bounds], splits: Sequence[str], order: Sequence[str], gap_km: float) -> list[bool]:
    """Which images lie closer than `gap_km` to an image of a split that comes later in `order`.

    Leaving them out puts empty ground between the splits; the last split (the test part) loses nothing.

    Args:
        bounds: (west, south, east, north) of each image in degrees; west > east across the antimeridian.
        splits: the split of each; empty for those of none.
        order: the splits' names, the one that gives way first.
        gap_km: least distance between the rectangles; 0 leaves out those that touch or overlap.
    """
    rank = {name: at for at, name in enumerate(order)}
    own = np.array([rank.get(split, -1) for split in splits])
    near = np.zeros(len(bounds), dtype=np.bool_)
    boxes, owner = _boxes(bounds)
    grown, source = _boxes([_grown(box, gap_km) for box in bounds])
    for later in range(1, len(order)):
        kept = np.flatnonzero(own[owner] == later)
        if kept.size:
            asking = np.flatnonzero((own[source] >= 0) & (own[source] < later))
            rows, _ = shapely.STRtree(boxes[kept]).query(grown[asking], predicate="intersects")
            near[source[asking[rows]]] = True
    return near.tolist()


def _grown(box: Bounds, gap_km: float) -> Bounds:
    west, south, east, north = box
    high = gap_km / KM_PER_DEGREE
    # The widest parallel of the rectangle is not where a degree is shortest: take the one nearest a pole.
    wide = high / max(math.cos(math.radians(min(max(abs(south), abs(north)) + high, 90.0))), 1e-6)
    if (east - west) % 360.0 + 2 * wide >= 360.0:
        return -180.0, south - high, 180.0, north + high
    return _wrapped(west - wide), south - high, _wrapped(east + wide), north + high


def _wrapped(lon: float) -> float:
    return lon if -180.0 <= lon <= 180.0 else (lon + 180.0) % 360.0 - 180.0


def _boxes(bounds: Sequence[Bounds]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Rectangles in the plane, and whose each is: one across the antimeridian gives two."""
    parts: list[Bounds] = []
    owner: list[int] = []
    for at, (west, south, east, north) in enumerate(bounds):
        halves = [(west, 180.0), (-180.0, east)] if west > east else [(west, east)]
        parts += [(left, south, right, north) for left, right in halves]
        owner += [at] * len(halves)
    table = np.array(parts, dtype=np.float64).reshape(-1, 4)
    return np.asarray(shapely.box(*table.T), dtype=np.object_), np.array(owner, dtype=np.int64)
