"""What changes a scene from one date to the next: floods, fires, earthquakes, snow, ships, the rotation of crops."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox import paths
from swath.corpus.sandbox.classes import ANNUAL, BUILT, FOREST, FUEL, WATER, Cover, Material
from swath.corpus.sandbox.climates import Climate
from swath.corpus.sandbox.landcover import LandCover
from swath.corpus.sandbox.noise import Field, fractal, hashed, resize
from swath.corpus.sandbox.parcels import rotate
from swath.corpus.sandbox.terrain import FINE, Terrain

_SOAKED = FOREST | {Cover.WETLAND, Cover.SHRUB, Cover.ORCHARD, Cover.CLEARCUT}
_DROWNED = frozenset(
    {Cover.GRASS, Cover.PARK, Cover.CEREAL, Cover.MAIZE, Cover.FORAGE, Cover.RICE, Cover.VINEYARD, Cover.FALLOW,
     Cover.SAND, Cover.BEACH}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """What an event does, once for the scene; how much of it shows depends on the date.

    Attributes:
        kind: ``flood``, ``fire`` or ``earthquake``.
        order: (F, F) 0 where it strikes first, 1 at its full extent, above 1 or infinite where it never comes.
        severity: (F, F) 0 to 1.
    """

    kind: str
    order: Field
    severity: Field


def prepare(rng: np.random.Generator, climate: Climate, terrain: Terrain, land: LandCover) -> Mark:
    """Work out where the climate's event strikes in a scene."""
    rule = {"flood": _flood, "fire": _fire, "earthquake": _earthquake}[climate.event]
    size = terrain.size * 2
    severity = np.clip(0.65 + 0.22 * resize(fractal(rng, terrain.size, beta=2.8, longest=60), size), 0.2, 1.0)
    return Mark(climate.event, rule(rng, terrain, land), severity.astype(np.float32))


def strike(mark: Mark, extent: float, cover: NDArray[np.uint8], material: NDArray[np.uint8]) -> None:
    """Change `cover` and `material` to what an event leaves, up to `extent` (1 the full extent); in place."""
    hit = mark.order <= extent
    if mark.kind == "flood":
        soaked, drowned = hit & _is(cover, _SOAKED), hit & _is(cover, _DROWNED)
        cover[soaked] = Cover.FLOODED_VEGETATION
        cover[drowned] = material[drowned] = Cover.FLOOD
        material[soaked] = np.where(mark.severity[soaked] > 0.75, np.uint8(Cover.FLOOD), material[soaked])
    elif mark.kind == "fire":
        burnt = hit & _is(cover, FUEL)
        cover[burnt] = material[burnt] = Cover.BURN
    else:
        slides = hit & _is(cover, FUEL | {Cover.ROCK})
        cover[slides] = Cover.ROCK
        material[slides] = Material.RUBBLE
        broken = hit & _is(cover, BUILT - {Cover.ROAD, Cover.RUNWAY})
        cover[broken] = Cover.DAMAGE
        material[broken] = Material.RUBBLE


def rotated(rng: np.random.Generator, climate: Climate, land: LandCover) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Cover and material of another year: annual fields change their crop."""
    cover, material = land.cover.copy(), land.material.copy()
    rotation = {crop: weight for crop, weight in climate.rotation.items() if crop in ANNUAL}
    if rotation:
        crops = rotate(rng, land.parcels.count, rotation)[land.parcels.ids]
        change = land.field & _is(cover, ANNUAL)
        cover[change] = crops[change]
        change &= material < Material.ROOF_TILE
        material[change] = crops[change]
    return cover, material


def freeze(cover: NDArray[np.uint8], snow: Field, temperature: Field, water: NDArray[np.uint8]) -> None:
    """Show snow and ice in the cover: closed snow on open ground, ice on lakes and (harder frost) rivers; in place."""
    icy = ((water == Cover.LAKE) & (temperature < -4)) | ((water == Cover.RIVER) & (temperature < -9))
    cover[icy & (cover != Cover.ROAD)] = Cover.LAKE_ICE
    open_ground = ~_is(cover, FOREST | BUILT | WATER | {Cover.LAKE_ICE, Cover.ICE})
    cover[open_ground & (snow > 0.6)] = Cover.SNOW


def ships(
    rng: np.random.Generator, land: LandCover, cover: NDArray[np.uint8], material: NDArray[np.uint8]
) -> list[tuple[float, float, float]]:
    """Put ships on deep water, most of them near a harbour; in place. Returns (x, y, length) of each in metres."""
    water = cover == Cover.SEA
    if water.mean() < 0.04:
        return []
    open_water = paths.distance_to(~water[::2, ::2], FINE * 2)
    roomy = np.argwhere(open_water > 130)
    if len(roomy) == 0:
        return []
    harbours = [s for s in land.structures if s.kind == "harbour"]
    weights = np.full(len(roomy), 1.0)
    for port in harbours:
        far = np.hypot(roomy[:, 1] * FINE * 2 - port.x, roomy[:, 0] * FINE * 2 - port.y)
        weights += 60 * np.exp(-far / 600)
    count = int(rng.integers(3, 9)) if harbours else int(rng.integers(0, 3))
    size = cover.shape[0]
    axis = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(FINE)
    found: list[tuple[float, float, float]] = []
    for pick in rng.choice(len(roomy), size=count, replace=False, p=weights / weights.sum()).tolist():
        y, x = (roomy[pick] + 0.5) * FINE * 2
        length, angle = float(rng.uniform(45, 210)), float(rng.uniform(0, np.pi))
        lo = [max(int((v - length) / FINE), 0) for v in (y, x)]
        hi = [min(int((v + length) / FINE), size) for v in (y, x)]
        area = (slice(lo[0], hi[0]), slice(lo[1], hi[1]))
        dx, dy = axis[None, area[1]] - np.float32(x), axis[area[0], None] - np.float32(y)
        u, v = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        hull = (np.abs(u) < length / 2) & (np.abs(v) < max(length / 13, 4.0)) & water[area]
        cover[area][hull] = Cover.SHIP
        material[area][hull] = Material.ROOF_METAL if rng.random() < 0.5 else Material.ROOF_TILE
        found.append((float(x), float(y), length))
    return found


def _flood(rng: np.random.Generator, terrain: Terrain, land: LandCover) -> Field:
    """Low ground near water floods first; in all up to about a seventh of the land."""
    size = terrain.size * 2
    height = np.clip(terrain.height, -2, 60) + 0.5 * np.minimum(terrain.bank, 3000) / 1000
    height = height + 0.35 * fractal(rng, terrain.size, beta=3.2, longest=80) + 8 * terrain.slope  # slopes drain
    fine = resize(height.astype(np.float32), size)
    able = _is(land.cover, _SOAKED | _DROWNED)
    order = np.full(fine.shape, np.inf, np.float32)
    if not able.any():
        return order
    low, full = (float(q) for q in np.quantile(fine[able], (0.0, float(rng.uniform(0.14, 0.24)))))
    order[able] = ((fine - low) / max(full - low, 1e-3))[able]
    return order


def _fire(rng: np.random.Generator, terrain: Terrain, land: LandCover) -> Field:
    """Fire runs from a spark with the wind and uphill through what burns; roads and rivers hold it up."""
    size = terrain.size * 2
    fuel = _is(land.cover, FUEL)
    order = np.full(fuel.shape, np.inf, np.float32)
    wild = np.argwhere(_is(land.cover, FOREST | {Cover.SHRUB}))
    if len(wild) == 0:
        return order
    y, x = (wild[int(rng.integers(len(wild)))] + 0.5) * FINE
    wind = float(rng.uniform(0, 2 * np.pi))
    axis = (np.arange(terrain.size, dtype=np.float32) + 0.5) * np.float32(FINE * 2)
    dx, dy = axis[None, :] - np.float32(x), axis[:, None] - np.float32(y)
    u, v = dx * np.cos(wind) + dy * np.sin(wind), dy * np.cos(wind) - dx * np.sin(wind)
    extent = size * FINE
    away = np.hypot(np.where(u > 0, u / 2.1, u * 1.2), v) / extent
    rough = 0.05 * fractal(rng, terrain.size, beta=3.2, longest=110) + 0.018 * fractal(rng, terrain.size, beta=2.2)
    score = resize((away + rough).astype(np.float32), size)
    low, full = (float(q) for q in np.quantile(score[fuel], (0.0, float(rng.uniform(0.1, 0.22)))))
    spared = resize(fractal(rng, terrain.size, beta=2.6, longest=40), size) > 1.75
    burns = fuel & ~spared
    order[burns] = ((score - low) / max(full - low, 1e-3))[burns]
    return order


def _earthquake(rng: np.random.Generator, terrain: Terrain, land: LandCover) -> Field:
    """Some blocks of the towns collapse, and steep slopes slide."""
    size = terrain.size * 2
    number = np.arange(size) // 11
    cell = number[:, None] * 4096 + number[None, :]
    chance = hashed(cell, int(rng.integers(2**31)))
    zone = resize(fractal(rng, terrain.size, beta=3.6, longest=140), size)
    order = np.full((size, size), np.inf, np.float32)
    built = _is(land.cover, BUILT)
    order[built] = (chance / np.clip(0.26 + 0.16 * zone, 0.05, 0.6))[built]
    slope = resize(terrain.slope, size)
    slides = resize(fractal(rng, terrain.size, beta=2.9, longest=45), size) + 0.9 * (slope - 1.0)
    loose = (slides > 2.0) & (slope > 0.65) & _is(land.cover, FUEL)
    order[loose] = 0.5
    return order


def _is(cover: NDArray[np.uint8], kinds: frozenset[Cover] | set[Cover]) -> NDArray[np.bool_]:
    """True where the cover is one of `kinds`."""
    table = np.zeros(256, bool)
    table[[int(kind) for kind in kinds]] = True
    found: NDArray[np.bool_] = table[cover]
    return found
