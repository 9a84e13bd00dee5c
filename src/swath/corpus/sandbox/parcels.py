"""Fields: the land divided into parcels the way villages divide it, in strips that turn from place to place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox import paths
from swath.corpus.sandbox.classes import Cover
from swath.corpus.sandbox.noise import Field, fractal, replicate, resize

_STRIPS = 64  # ids repeat after so many strips and fields of one system, far beyond its size
_TABLE = 4096
SPARE = 1000
"""Parcel numbers at the end that `divide` leaves free, for fields of other shapes."""


@dataclass(frozen=True, slots=True)
class Parcels:
    """A division of the scene into fields.

    Attributes:
        ids: (F, F) parcel number of every pixel, below `count`.
        count: numbers in use are below this; not every number occurs.
        border: (F, F) True on the boundary between two parcels (tracks, hedges, ditches).
    """

    ids: NDArray[np.int32]
    count: int
    border: NDArray[np.bool_]

    def mean(self, field: Field) -> Field:
        """(count,) mean of a pixel field over each parcel; 0 where a number does not occur."""
        pixels = np.bincount(self.ids.ravel(), minlength=self.count)
        total = np.bincount(self.ids.ravel(), weights=field.ravel(), minlength=self.count)
        return (total / np.maximum(pixels, 1)).astype(np.float32)

    def area(self) -> NDArray[np.int64]:
        """(count,) pixels of each parcel."""
        return np.bincount(self.ids.ravel(), minlength=self.count)


def divide(rng: np.random.Generator, size: int, width: tuple[float, float], pixel: float) -> Parcels:
    """Divide a square into parcels.

    The square falls into field systems (cells of random seeds); each has its own direction and is cut into strips of
    uneven height, and the strips into fields of uneven length.

    Args:
        rng: source of randomness.
        size: rows and columns, even.
        width: (narrowest, widest) mean width of the fields of a system, metres.
        pixel: metres of a pixel.
    """
    extent = size * pixel
    count = max(int((extent / 850) ** 2), 2)
    seeds = rng.uniform(-0.1 * extent, 1.1 * extent, (count, 2))
    seeds[0] = extent / 2
    system = replicate(paths.nearest(seeds, size // 2, pixel * 2), 2).astype(np.int32)
    base = float(rng.uniform(0, np.pi))
    angle = (base + rng.normal(0, 0.5, count)).astype(np.float32)
    across = rng.uniform(*width, count).astype(np.float32)
    along = across * rng.uniform(1.1, 2.6, count).astype(np.float32)
    axis = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(pixel)
    bend = resize(fractal(rng, size // 4, beta=4.5, longest=60), size) * np.float32(28)
    cos, sin = np.cos(angle)[system], np.sin(angle)[system]
    u = axis[None, :] * cos + axis[:, None] * sin
    v = axis[:, None] * cos - axis[None, :] * sin + bend
    strip = _uneven(v / across[system], system, rng.random(_TABLE, np.float32))
    length = rng.uniform(0.55, 1.5, _TABLE).astype(np.float32)[(strip * 31 + system * 57) % _TABLE]
    field = _uneven(u / (along[system] * length), strip * 13 + system, rng.random(_TABLE, np.float32))
    ids = ((system * _STRIPS + strip % _STRIPS) * _STRIPS + field % _STRIPS).astype(np.int32)
    border = np.zeros(ids.shape, bool)
    border[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    border[1:] |= ids[1:] != ids[:-1]
    return Parcels(ids, count * _STRIPS * _STRIPS + SPARE, border)


def farmed(parcels: Parcels, suitable: Field, share: float) -> NDArray[np.bool_]:
    """(count,) which parcels are fields: the most suitable ones, up to `share` of the land that is suitable at all.

    Args:
        parcels: the division.
        suitable: (F, F) the higher the better; negative where nothing can be farmed.
        share: 0 to 1.
    """
    value = parcels.mean(suitable)
    area = parcels.area()
    usable = (value > 0) & (area >= 30)
    if not usable.any() or share <= 0:
        return np.zeros(parcels.count, bool)
    order = np.argsort(-value, kind="stable")
    order = order[usable[order]]
    taken = np.cumsum(area[order]) <= share * float(area[usable].sum())
    chosen = np.zeros(parcels.count, bool)
    chosen[order[taken]] = True
    return chosen


def rotate(rng: np.random.Generator, count: int, rotation: dict[Cover, float]) -> NDArray[np.uint8]:
    """(count,) a crop for every parcel, drawn with the weights of `rotation`."""
    crops = np.array([int(crop) for crop in rotation], np.uint8)
    weights = np.array(list(rotation.values()), np.float64)
    return rng.choice(crops, size=count, p=weights / weights.sum())


def _uneven(position: Field, group: NDArray[np.integer], table: Field) -> NDArray[np.int32]:
    """Number of the interval that holds each position, where interval edges are whole numbers moved by up to 0.35."""
    number = np.floor(position).astype(np.int32)
    rest = position - number
    key = number * 7 + group * 101
    lower = (table[key % _TABLE] - 0.5) * np.float32(0.7)
    upper = (table[(key + 7) % _TABLE] - 0.5) * np.float32(0.7) + 1
    return np.asarray(number - (rest < lower) + (rest >= upper), np.int32)
