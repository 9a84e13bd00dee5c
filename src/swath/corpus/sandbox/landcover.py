"""What covers the land on an ordinary day: wild vegetation by climate, fields, settlements, roads, water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox import paths, structures, towns
from swath.corpus.sandbox.classes import Cover, Material
from swath.corpus.sandbox.climates import Climate
from swath.corpus.sandbox.noise import Field, fractal, resize, stream
from swath.corpus.sandbox.parcels import SPARE, Parcels, divide, farmed, rotate
from swath.corpus.sandbox.structures import Structure
from swath.corpus.sandbox.terrain import FINE, Terrain
from swath.corpus.sandbox.towns import Town

LAPSE = 6.5e-3
"""Fall of air temperature with height, degrees Celsius per metre (standard atmosphere)."""

_TREE_LINE = 10.0  # mean temperature of the warmest month where trees end (Koeppen)
_FIRN_LINE = 5.0  # and where snow outlasts the summer


@dataclass(frozen=True, slots=True)
class LandCover:
    """The land cover of a scene; arrays are (F, F) with F = 2S and 5 m pixels.

    Attributes:
        cover: `Cover` of every pixel; annual fields hold the crop of the first year.
        material: `Cover` or `Material` that reflects there.
        parcels: division into fields; the last `SPARE` ids are circular fields.
        field: True where a parcel is farmed.
        towns: settlements, the largest first; hamlets are not listed.
        structures: bridges, airports, harbours, pivots, canals.
        roads: main roads as polylines.
    """

    cover: NDArray[np.uint8]
    material: NDArray[np.uint8]
    parcels: Parcels
    field: NDArray[np.bool_]
    towns: tuple[Town, ...]
    structures: tuple[Structure, ...]
    roads: tuple[paths.Points, ...]


def build(seed: int, name: str, climate: Climate, terrain: Terrain) -> LandCover:
    """Cover the land of one scene.

    Args:
        seed: the world's seed.
        name: the scene's name; it chooses the random streams.
        climate: the landscape.
        terrain: the land.
    """
    rng = stream(seed, name, "cover")
    size = terrain.size * 2
    slope = resize(terrain.slope, size)
    cover = _wild(stream(seed, name, "wild"), climate, terrain, slope)
    material = cover.copy()
    dry = terrain.water == 0
    found: list[Structure] = []
    if climate.shape == "delta":
        made, water = structures.canals(rng, terrain, dry)
        found += made
        cover[water] = material[water] = Cover.RIVER
        dry &= ~water
    parcels, field = _farm(stream(seed, name, "fields"), climate, terrain, slope, dry, cover, material, found)
    _flow(climate, terrain, cover, material)
    settled = towns.settle(stream(seed, name, "towns"), terrain, climate)
    land = dry & (slope < 0.4)
    count = int(rng.integers(4, 16) * (size * FINE / 5120) ** 2) if climate.towns[1] else 0
    for hamlet in towns.hamlets(rng, land & (slope < 0.15) & (field | (cover == Cover.GRASS)), count):
        towns.build(rng, hamlet, land, cover, material, climate.tile_roofs)
    for town in settled:
        towns.build(stream(seed, name, "town", round(town.x)), town, land, cover, material, climate.tile_roofs)
    if rng.random() < 0.45:
        found += structures.airport(rng, terrain, settled, cover, material)
    found += structures.harbour(rng, terrain, settled, cover, material)
    routes = structures.roads(stream(seed, name, "roads"), terrain, settled)
    found += structures.pave(terrain, routes, cover, material)
    field &= np.isin(cover, _FIELD_COVERS)
    return LandCover(cover, material, parcels, field, tuple(settled), tuple(found), tuple(routes))


_FIELD_COVERS = [
    Cover.CEREAL, Cover.MAIZE, Cover.FORAGE, Cover.RICE, Cover.VINEYARD, Cover.ORCHARD, Cover.FALLOW
]  # fmt: skip


def warmest(climate: Climate, elevation: Field) -> Field:
    """Mean temperature of the warmest month, degrees Celsius."""
    mean, amplitude = climate.temperature
    return (mean + amplitude - LAPSE * elevation).astype(np.float32)


def _wild(rng: np.random.Generator, climate: Climate, terrain: Terrain, slope: Field) -> NDArray[np.uint8]:
    """Wild vegetation: at each pixel the cover whose weight, habitat and patchy chance add up highest."""
    size = terrain.size
    warmth = warmest(climate, terrain.elevation)
    steep = terrain.slope
    best = np.full((size * 2, size * 2), -np.inf, np.float32)
    cover = np.zeros(best.shape, np.uint8)
    for kind, weight in climate.natural.items():
        patchy = fractal(rng, size, beta=3.1, longest=110)
        score = 1.1 * np.log(weight) + patchy + _habitat(kind, climate, terrain, warmth, steep)
        fine = resize(score, size * 2)
        better = fine > best
        np.copyto(best, fine, where=better)
        cover[better] = kind
    if climate.shape == "range":
        ice = resize(
            _FIRN_LINE - warmth - 4 * np.maximum(steep - 0.8, 0) + fractal(rng, size, beta=3.0) * 0.8, size * 2
        )
        cover[ice > 0] = Cover.ICE
    _edge_of_water(rng, climate, terrain, slope, cover)
    return cover


def _habitat(kind: Cover, climate: Climate, terrain: Terrain, warmth: Field, steep: Field) -> Field:
    """How well a cover fits each pixel: tree line, steepness, wetness, salt water."""
    cold = np.maximum(_TREE_LINE - warmth, 0)
    low = np.exp(-np.maximum(terrain.height, 0) / 1.5)
    arid = climate.shape == "valley"
    fit: NDArray[np.floating] = np.zeros_like(steep)
    if kind in (Cover.CONIFER, Cover.RAINFOREST):
        fit = -1.6 * cold + (0.0 if climate.shape == "plain" else 1.5) * np.minimum(steep, 1)
    elif kind == Cover.BROADLEAF:
        fit = -2.6 * cold - 0.22 * np.maximum(16 - warmth, 0) + 0.8 * np.exp(-terrain.bank / 90)
    elif kind == Cover.ROCK:
        fit = 4.0 * np.maximum(steep - 0.55, 0) + 0.35 * np.maximum(8 - warmth, 0) + 5 * arid * np.minimum(steep, 0.6)
    elif kind == Cover.WETLAND:
        fit = 3.0 * low - 25 * steep - 0.8
    elif kind == Cover.MANGROVE:
        fit = 5.5 * np.exp(-terrain.shore / 420) + 1.2 * np.exp(-terrain.bank / 60) - 3.2
    elif kind == Cover.SHRUB:
        fit = -np.maximum(cold - 4, 0) + 4.5 * arid * np.exp(-terrain.bank / 300)
    elif kind == Cover.GRASS:
        fit = -0.6 * np.maximum(cold - 6, 0) - 1.2 * np.minimum(steep, 1) + 0.4 * low
    elif kind == Cover.SAND:
        fit = -4.0 * steep
    return np.asarray(fit, np.float32)


def _edge_of_water(
    rng: np.random.Generator, climate: Climate, terrain: Terrain, slope: Field, cover: NDArray[np.uint8]
) -> None:
    """Beaches and cliffs along the sea, sand bars along desert rivers; in place."""
    size = terrain.size
    ragged = fractal(rng, size, beta=3.2, longest=60)
    if climate.shape in ("coast", "island"):
        wide = resize(26 + 20 * ragged - terrain.shore, size * 2)
        at_sea = resize(np.minimum(terrain.shore, 500), size * 2) < 55
        cover[at_sea & (wide > 0) & (slope < 0.12)] = Cover.BEACH
        cover[at_sea & (slope > 0.3)] = Cover.ROCK
    if climate.shape == "valley":
        cover[resize(30 * ragged - terrain.bank, size * 2) > -8] = Cover.SAND


def _farm(
    rng: np.random.Generator,
    climate: Climate,
    terrain: Terrain,
    slope: Field,
    dry: NDArray[np.bool_],
    cover: NDArray[np.uint8],
    material: NDArray[np.uint8],
    found: list[Structure],
) -> tuple[Parcels, NDArray[np.bool_]]:
    """Lay out the fields in `cover` and `material` (in place); (division, True where farmed)."""
    size = terrain.size * 2
    parcels = divide(rng, size, climate.parcel, FINE)
    height = resize(np.clip(terrain.height, -50, 400), size)
    bank = resize(np.minimum(terrain.bank, 5000), size)
    suitable = 1.0 + 0.55 * resize(fractal(rng, size // 2, beta=3.6, longest=150), size) - 4.0 * slope
    suitable += {
        "valley": lambda: 0.9 - np.maximum(height - 5, 0) * 0.4 - np.maximum(bank - 900, 0) / 260,
        "range": lambda: 0.5 - np.maximum(height - 35, 0) * 0.03,
        "delta": lambda: 0.6 - 2.5 * np.exp(-resize(np.minimum(terrain.shore, 5000), size) / 450),
        "plain": lambda: -0.3 - 0.4 * np.exp(-bank / 120),
    }.get(climate.shape, lambda: -0.6 * np.exp(-bank / 60))()
    suitable[~dry] = -6.0
    suitable[cover == Cover.ICE] = -6.0
    chosen = farmed(parcels, suitable.astype(np.float32), float(rng.uniform(*climate.crops)))
    crop = rotate(rng, parcels.count, dict(climate.rotation))
    if Cover.CONIFER in climate.natural and climate.shape == "plain":
        _clear_cuts(rng, parcels, chosen, cover, material)
    field = chosen[parcels.ids] & dry
    field &= ~((cover == Cover.BEACH) | (slope > 0.35))
    if climate.pivots:
        open_land = dry & ~field & (slope < 0.18) & (bank > 150)
        circles, disc = structures.pivots(rng, open_land, parcels.count - SPARE, parcels.ids)
        found += circles
        field |= disc
    cover[field] = crop[parcels.ids[field]]
    material[field] = cover[field]
    edge = field & parcels.border
    material[edge] = Material.BANK if climate.shape in ("coast", "delta") else Material.TRACK
    return parcels, field


def _clear_cuts(
    rng: np.random.Generator,
    parcels: Parcels,
    chosen: NDArray[np.bool_],
    cover: NDArray[np.uint8],
    material: NDArray[np.uint8],
) -> None:
    """Fell some parcels of coniferous forest; in place."""
    cut = (rng.random(parcels.count) < 0.05) & ~chosen
    felled = cut[parcels.ids] & (cover == Cover.CONIFER)
    cover[felled] = material[felled] = Cover.CLEARCUT


def _flow(climate: Climate, terrain: Terrain, cover: NDArray[np.uint8], material: NDArray[np.uint8]) -> None:
    """Put the water in; shallow sea around tropical islands is reef and lagoon; in place."""
    wet = terrain.water > 0
    cover[wet] = terrain.water[wet]
    if climate.shape == "island":
        cover[(terrain.water == Cover.SEA) & (resize(terrain.elevation, cover.shape[0]) > -3.4)] = Cover.REEF
    material[wet] = cover[wet]
