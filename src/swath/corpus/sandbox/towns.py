"""Settlements: where they lie, their street grids, blocks and buildings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox.classes import Cover, Material
from swath.corpus.sandbox.climates import Climate
from swath.corpus.sandbox.noise import Field, fractal, hashed, resize
from swath.corpus.sandbox.terrain import FINE, PIXEL, Terrain

_STREET = 9.0  # metres


@dataclass(frozen=True, slots=True)
class Town:
    """A settlement.

    Attributes:
        x: metres east of the upper left corner.
        y: metres south of it.
        radius: metres.
        angle: direction of its streets, radians.
        industry: direction of its industrial quarter, radians.
    """

    x: float
    y: float
    radius: float
    angle: float
    industry: float


def settle(rng: np.random.Generator, terrain: Terrain, climate: Climate) -> list[Town]:
    """Choose sites: flat, dry, near water, apart from each other; the largest town first."""
    size = terrain.size
    slope = terrain.slope
    wet = terrain.water[::2, ::2] > 0
    near = np.exp(-(((terrain.bank - 260) / 420) ** 2)) if climate.shape != "plain" else 0.3
    shore = np.exp(-(((terrain.shore - 300) / 400) ** 2))
    score = near + 0.7 * shore - 9.0 * slope + 0.45 * fractal(rng, size, beta=3.0, longest=120)
    score = np.where(wet | (slope > 0.22) | (terrain.height < 1.0), -1e9, score).astype(np.float32)
    margin = size // 16
    score[:margin] -= 2
    score[-margin:] -= 2
    score[:, :margin] -= 2
    score[:, -margin:] -= 2
    extent = size * PIXEL
    low, high = climate.towns
    count = int(rng.integers(low, high + 1))
    radii = np.sort(rng.uniform(*climate.radius, count))[::-1] * min(1.0, 0.25 + extent / 5500)
    axis = (np.arange(size) + 0.5) * PIXEL
    towns: list[Town] = []
    for radius in radii.tolist():
        row, col = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[row, col] < -1e8:
            break
        x, y = float(axis[col]), float(axis[row])
        towns.append(Town(x, y, radius, float(rng.uniform(0, np.pi / 2)), float(rng.uniform(0, 2 * np.pi))))
        far = np.hypot(axis[None, :] - x, axis[:, None] - y)
        score[far < radius + min(1000.0, extent / 4)] = -1e9
    return towns


def hamlets(rng: np.random.Generator, where: NDArray[np.bool_], count: int) -> list[Town]:
    """Scattered farms and hamlets on the true pixels of `where` ((F, F), 5 m)."""
    cells = np.flatnonzero(where.ravel())
    if cells.size == 0:
        return []
    chosen = rng.choice(cells, size=min(count, cells.size), replace=False)
    rows, cols = np.divmod(chosen, where.shape[1])
    return [
        Town((col + 0.5) * FINE, (row + 0.5) * FINE, float(rng.uniform(25, 75)), float(rng.uniform(0, np.pi / 2)), 0.0)
        for row, col in zip(rows.tolist(), cols.tolist(), strict=True)
    ]


def build(
    rng: np.random.Generator,
    town: Town,
    land: NDArray[np.bool_],
    cover: NDArray[np.uint8],
    material: NDArray[np.uint8],
    tile_roofs: float,
) -> None:
    """Build a settlement into `cover` and `material` ((F, F), 5 m), on the true pixels of `land`; in place.

    Blocks of a turned, slightly bent grid are built whole: a centre with closed rows of houses, residential blocks of
    lots with a house and a garden each, an industrial sector with large halls, and parks.
    """
    size = cover.shape[0]
    reach = town.radius * 1.35
    top, left = (max(int((value - reach) / FINE), 0) for value in (town.y, town.x))
    bottom, right = (min(int((value + reach) / FINE) + 1, size) for value in (town.y, town.x))
    if bottom - top < 4 or right - left < 4:
        return
    area = (slice(top, bottom), slice(left, right))
    x = (np.arange(left, right, dtype=np.float32) + 0.5)[None, :] * np.float32(FINE) - np.float32(town.x)
    y = (np.arange(top, bottom, dtype=np.float32) + 0.5)[:, None] * np.float32(FINE) - np.float32(town.y)
    square = max(bottom - top, right - left)
    bend = resize(fractal(rng, max(square // 4, 8), beta=4.5, longest=60), square)[: bottom - top, : right - left] * 16
    cos, sin = np.float32(np.cos(town.angle)), np.float32(np.sin(town.angle))
    u, v = x * cos + y * sin + bend, y * cos - x * sin - bend
    wide, deep = float(rng.uniform(75, 120)), float(rng.uniform(58, 90))
    i, j = np.floor(u / wide).astype(np.int32), np.floor(v / deep).astype(np.int32)
    a, b = u - i * np.float32(wide), v - j * np.float32(deep)
    block = (i + 500) * 1000 + (j + 500)
    salt = int(rng.integers(2**31))
    density, zone = _zones(town, i, j, wide, deep, cos, sin, block, salt)
    built = (density > 0) & land[area]
    street = (a < _STREET) | (b < _STREET)
    stuff = _materials(zone, a, b, block, street, salt, tile_roofs, wide, deep)
    cover[area][built] = zone[built]
    material[area][built] = stuff[built]


def _zones(
    town: Town,
    i: NDArray[np.int32],
    j: NDArray[np.int32],
    wide: float,
    deep: float,
    cos: np.float32,
    sin: np.float32,
    block: NDArray[np.int32],
    salt: int,
) -> tuple[Field, NDArray[np.uint8]]:
    """Density (0 at the edge of town) and cover of each block, the same all over the block."""
    u, v = (i + np.float32(0.5)) * np.float32(wide), (j + np.float32(0.5)) * np.float32(deep)
    x, y = u * cos - v * sin, u * sin + v * cos
    ragged = hashed(block, salt)
    density = 1 - np.hypot(x, y) / np.float32(town.radius) + np.float32(0.5) * (ragged - np.float32(0.5))
    bearing = np.abs(np.angle(np.exp(1j * (np.arctan2(y, x) - town.industry))))
    zone = np.full(i.shape, Cover.HOUSES, np.uint8)
    if town.radius > 250:
        zone[density > 0.68] = Cover.CENTRE
        zone[(bearing < 0.5) & (density < 0.62) & (density > 0.05)] = Cover.INDUSTRY
        zone[(hashed(block, salt + 1) < 0.06) & (zone == Cover.HOUSES)] = Cover.PARK
    return density.astype(np.float32), zone


def _materials(
    zone: NDArray[np.uint8],
    a: Field,
    b: Field,
    block: NDArray[np.int32],
    street: NDArray[np.bool_],
    salt: int,
    tile_roofs: float,
    wide: float,
    deep: float,
) -> NDArray[np.uint8]:
    """Roofs, gardens, yards and streets; `a` and `b` are metres inside the block."""
    lot_a, lot_b = (a / 20).astype(np.int32), (b / 24).astype(np.int32)
    lot = block * 64 + lot_a * 8 + lot_b
    chance = hashed(lot, salt + 2)
    tint = hashed(lot, salt + 3)
    roof = np.where(tint < tile_roofs, Material.ROOF_TILE, Material.ROOF_GREY).astype(np.uint8)
    garden = np.where(hashed(lot * 4 + (a / 7).astype(np.int32) % 4, salt + 4) < 0.35, Material.TREE, Material.LAWN)
    inside = (a - lot_a * 20 > 4) & (a - lot_a * 20 < 15) & (b - lot_b * 24 > 4) & (b - lot_b * 24 < 17)
    out = np.where(inside & (chance < 0.88), roof, garden).astype(np.uint8)
    centre = zone == Cover.CENTRE
    yard = (np.abs(a - wide / 2 - 4) < wide * 0.17) & (np.abs(b - deep / 2 - 4) < deep * 0.17)
    out[centre] = np.where(yard, Material.CONCRETE, roof)[centre]
    works = zone == Cover.INDUSTRY
    hall = (a > 16) & (a < wide - 10) & (b > 15) & (b < deep - 8) & (hashed(block, salt + 5) < 0.82)
    bright = np.where(hashed(block, salt + 6) < 0.55, Material.ROOF_METAL, Material.ROOF_GREY)
    out[works] = np.where(hall, bright, Material.CONCRETE).astype(np.uint8)[works]
    out[street] = Material.ASPHALT
    park = zone == Cover.PARK
    trees = hashed((a / 12).astype(np.int32) * 97 + (b / 12).astype(np.int32) + block, salt + 7) < 0.4
    out[park] = np.where(trees, Material.TREE, Material.LAWN).astype(np.uint8)[park]
    return out
