"""Chips without pixels for measuring size: clustered unit vectors, made block by block, each with a place and a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from swath.archive import Archive
    from swath.chips import Chip

BLOCK = 10_000
DAYS = 3650
START = datetime(2015, 1, 1, tzinfo=UTC)
Box = tuple[float, float, float, float]


class Clusters:
    """Unit vectors in clusters under super-clusters, most of their noise in a subspace, as embeddings have it.

    Args:
        dim: length of a vector.
        centres: (C, dim) of the clusters; by default random ones.
        noise: size of a vector's difference from its centre, relative to the default.
    """

    def __init__(self, dim: int, centres: NDArray[np.float32] | None = None, noise: float = 1.0) -> None:
        rng = np.random.default_rng(0)
        if centres is None:
            supers = rng.standard_normal((40, dim))
            centres = (supers[rng.integers(0, 40, 2000)] + 0.7 * rng.standard_normal((2000, dim))).astype(np.float32)
        self.dim, self._noise = dim, noise
        self._centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)
        self._basis = np.linalg.qr(rng.standard_normal((dim, min(64, dim))))[0].T.astype(np.float32)

    def block(self, number: int, rows: int = BLOCK) -> NDArray[np.float32]:
        """(rows, dim); the same for the same number."""
        rng = np.random.default_rng((1, number))
        noise = 0.08 * rng.standard_normal((rows, len(self._basis)), np.float32) @ self._basis
        noise += 0.01 * rng.standard_normal((rows, self.dim), np.float32)
        vectors = self._centres[rng.integers(0, len(self._centres), rows)] + self._noise * noise
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True)
class Places:
    """Where the rows of a block lie: longitudes, latitudes, days since `START`."""

    lons: NDArray[np.float64]
    lats: NDArray[np.float64]
    days: NDArray[np.float64]

    @classmethod
    def block(cls, number: int, rows: int = BLOCK) -> Places:
        """The same for the same number."""
        rng = np.random.default_rng((2, number))
        return cls(rng.uniform(-180, 180, rows), rng.uniform(-85, 85, rows), rng.uniform(0, DAYS, rows))

    def within(self, box: Box) -> NDArray[np.bool_]:
        """Which touch a box (a chip reaches 0.01 degrees from its centre)."""
        west, south, east, north = box
        across = (self.lons + 0.01 >= west) & (self.lons - 0.01 <= east)
        return across & (self.lats + 0.01 >= south) & (self.lats - 0.01 <= north)


def chips(number: int, rows: int = BLOCK) -> list[Chip]:
    """The chips of a block; the name of each one's scene is its row."""
    import shapely

    from swath.chips import Chip, Footprint, SceneRef, Window

    places = Places.block(number, rows)
    boxes = shapely.box(places.lons - 0.01, places.lats - 0.01, places.lons + 0.01, places.lats + 0.01)
    found = []
    for at, (box, day) in enumerate(zip(boxes, places.days, strict=True)):
        row = number * BLOCK + at
        scene = SceneRef(str(row), f"/scenes/{row}.tif", "rgb", (), None, START + timedelta(days=float(day)))
        found.append(Chip(scene, Window(0, 0, 256, 256), Footprint(box, "EPSG:4326")))
    return found


def blocks(rows: int, first: int = 0) -> Iterator[tuple[int, int]]:
    """(number, rows) of each block from row `first` to row `rows`; `first` begins a block."""
    for number in range(first // BLOCK, -(-rows // BLOCK)):
        yield number, min(BLOCK, rows - number * BLOCK)


def fill(archive: Archive, clusters: Clusters, rows: int, first: int = 0) -> None:
    """Add the chips from row `first` up to row `rows`, one commit a block."""
    for number, count in blocks(rows, first):
        archive.add(chips(number, count), clusters.block(number, count))


def truth(
    clusters: Clusters, rows: int, queries: NDArray[np.float32], k: int, box: Box | None = None
) -> NDArray[np.int64]:
    """(Q, k) rows with the highest products with each query, exactly; -1 where fewer satisfy the filter."""
    best = np.full((len(queries), k), -np.inf, np.float32)
    found = np.full((len(queries), k), -1, np.int64)
    for number, count in blocks(rows):
        scores = queries @ clusters.block(number, count).T
        if box is not None:
            scores[:, ~Places.block(number, count).within(box)] = -np.inf
        everything = np.hstack([best, scores])
        names = np.hstack([found, np.broadcast_to(number * BLOCK + np.arange(count), scores.shape)])
        order = np.argsort(-everything, axis=1)[:, :k]
        best, found = np.take_along_axis(everything, order, 1), np.take_along_axis(names, order, 1)
    found[~np.isfinite(best)] = -1
    return found


def recall(answers: list[set[int]], wanted: NDArray[np.int64]) -> float:
    """Mean share of the wanted rows that are among the answers."""
    shares = []
    for answer, rows in zip(answers, wanted, strict=True):
        real = {int(row) for row in rows if row >= 0}
        shares.append(len(answer & real) / len(real) if real else float(not answer))
    return float(np.mean(shares))
