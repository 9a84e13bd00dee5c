"""Sentinel-2 and RGB pictures of a day: spectra, sun on slopes, shadows, shallow water, clouds, sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox import seasons, spectra
from swath.corpus.sandbox.classes import WATER, Cover, Material
from swath.corpus.sandbox.days import Day
from swath.corpus.sandbox.noise import Field, block_mean, fractal, replicate, resize, smooth, stream
from swath.corpus.sandbox.terrain import PIXEL

_DIFFUSE = 0.22  # share of skylight in the illumination of level ground
_STEP = 8  # steps of 0.0008 reflectance: below the noise, and short numbers pack well


@dataclass(frozen=True, slots=True)
class Optical:
    """What optical sensors record on a day.

    Attributes:
        s2: (12, S, S) uint16 surface reflectance times 10,000, 10 m pixels; 20 m and 60 m bands are repeated.
        rgb: (3, 2S, 2S) uint8 cloud-free true colour, 5 m pixels.
        cloud: (S, S) opacity of clouds in the Sentinel-2 picture, 0 to 1.
    """

    s2: NDArray[np.uint16]
    rgb: NDArray[np.uint8]
    cloud: Field


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all bands share, at 5 m."""

    material: NDArray[np.uint8]
    tables: tuple[Field, Field, Field]
    green: Field
    dry: Field
    wet: Field
    light: Field
    water: NDArray[np.bool_]
    depth: Field
    snow: Field
    reef: bool


def render(day: Day) -> Optical:
    """Take the optical pictures of a day."""
    size = day.place.terrain.size
    rng = stream(day.place.seed, day.place.name, "optical", day.visit.when.isoformat())
    scene = _prepare(day)
    cloud, shade = _clouds(rng, day)
    s2 = np.empty((spectra.BANDS, size, size), np.uint16)
    rgb = np.empty((3, size * 2, size * 2), np.float32)
    for band in spectra.FINE_BANDS:
        fine = _reflect(scene, band, 1)
        if band in (1, 2, 3):
            rgb[3 - band] = fine
        s2[band] = _measure(rng, block_mean(fine, 2), band, cloud, shade, 1)
    for band in spectra.MEDIUM_BANDS:  # every other pixel is enough for bands that are averaged over 20 m
        s2[band] = _measure(rng, block_mean(_reflect(scene, band, 2), 2), band, cloud, shade, 2)
    for band in spectra.COARSE_BANDS:
        s2[band] = _measure(rng, block_mean(_reflect(scene, band, 4), 3), band, cloud, shade, 6)
    return Optical(s2, _develop(stream(day.place.seed, day.place.name, "photo"), rgb), cloud)


def illumination(day: Day) -> Field:
    """(S, S) sunlight on each slope relative to level ground: direct light by its angle, and skylight."""
    terrain = day.place.terrain
    east, north, up = seasons.sun_direction(day.visit.when, day.place.region.lat)
    height = smooth(terrain.elevation, 2)
    down, right = np.gradient(height, PIXEL)
    facing = (up - right * east + down * north) / np.sqrt(1 + down**2 + right**2)
    direct = np.clip(facing / up, 0, 2.2) ** 0.75 * (1 - _cast_shadow(height, (east, north, up)))
    water = terrain.water[::2, ::2] > 0
    direct[water] = 1.0
    return np.asarray(_DIFFUSE + (1 - _DIFFUSE) * direct, np.float32)


def _cast_shadow(height: Field, sun: tuple[float, float, float]) -> Field:
    """1 where higher ground hides the sun, by walking towards it; soft at the edge."""
    east, north, up = sun
    flat = float(np.hypot(east, north))
    rise = up / max(flat, 1e-6)
    if float(height.max() - height.min()) < 60 * rise:
        return np.zeros_like(height)
    size = height.shape[0]
    shadow = np.zeros_like(height)
    reach = min(float(height.max() - height.min()) / rise, 1800.0)
    step = 40.0
    index = np.arange(size)
    for away in np.arange(step, reach, step):
        rows = np.clip(np.round(index - north / flat * away / PIXEL), 0, size - 1).astype(int)
        cols = np.clip(np.round(index + east / flat * away / PIXEL), 0, size - 1).astype(int)
        above = height[np.ix_(rows, cols)] - height - rise * away
        np.maximum(shadow, above / 12, out=shadow)
    return smooth(np.clip(shadow, 0, 1), 1)


def _prepare(day: Day) -> _Scene:
    place, climate = day.place, day.place.region.climate
    size = day.cover.shape[0]
    land = day.greenness
    light = resize(illumination(day), size)
    rough = np.full(256, 0.045, np.float32)
    for kind, amount in _ROUGHNESS.items():
        rough[kind] = amount
    light *= 1 + rough[day.material] * place.texture
    water = _table_of(WATER | {Cover.FLOOD})[day.material]
    depth = np.maximum(-resize(place.terrain.elevation, size), 0)
    green, dry = land.green, land.dry
    if water.any():
        green = np.where(water, _silt(day, depth), green).astype(np.float32)
        light = np.where(water, 1 + np.float32(0.025) * place.texture, light)
    tables = (
        spectra.ground_table(climate.soil, day.wetness), spectra.leaf_table(), spectra.dry_table()
    )  # fmt: skip
    bare = np.ones(256, np.float32)
    bare[list(_SNOW_SEEN)] = list(_SNOW_SEEN.values())
    snow = day.snow * bare[day.material]
    reef = climate.shape == "island"
    return _Scene(day.material, tables, green, dry, land.wet, light, water, depth, snow, reef)


_ROUGHNESS: dict[int, float] = {
    Cover.CONIFER: 0.1, Cover.BROADLEAF: 0.1, Cover.RAINFOREST: 0.11, Cover.MANGROVE: 0.07, Cover.SHRUB: 0.1,
    Cover.ORCHARD: 0.13, Cover.VINEYARD: 0.09, Cover.ROCK: 0.09, Cover.SAND: 0.03, Cover.CLEARCUT: 0.12,
    Cover.BURN: 0.13, Cover.DAMAGE: 0.2, Cover.SNOW: 0.015, Cover.WETLAND: 0.08,
}  # fmt: skip
_SNOW_SEEN: dict[int, float] = {
    Cover.CONIFER: 0.1, Cover.BROADLEAF: 0.4, Cover.SHRUB: 0.7, Cover.ORCHARD: 0.6, Cover.ROAD: 0.25,
    Cover.RUNWAY: 0.2, Material.ASPHALT: 0.25, Material.TREE: 0.4, Cover.BURN: 0.6,
}  # fmt: skip
"""Share of the snow on the ground that shows through crowns, or that is left where it is cleared."""


def _silt(day: Day, depth: Field) -> Field:
    """How muddy water is, 0 to 1: rivers by climate, floods always, the sea near river mouths."""
    climate, terrain = day.place.region.climate, day.place.terrain
    size = day.cover.shape[0]
    muddy = np.zeros(256, np.float32)
    muddy[Cover.RIVER] = climate.turbidity
    muddy[Cover.LAKE] = 0.25 * climate.turbidity
    muddy[Cover.FLOOD] = 0.45 + 0.5 * climate.turbidity
    out = muddy[day.material]
    if day.event == "flood":
        out = np.where(day.material == Cover.RIVER, 0.5 + 0.5 * out, out)
    sea = (day.material == Cover.SEA) | (day.material == Cover.REEF)
    if sea.any() and climate.turbidity > 0.3:
        plume = block_mean((day.material == Cover.RIVER).astype(np.float32), 8)
        for radius in (3, 7):
            plume = np.maximum(smooth(plume, radius), 0.55 * plume)
        broad = resize(plume, size) * 2.2
        shallow = 0.7 * np.exp(-depth / 3.0) if climate.shape == "delta" else 0.1 * np.exp(-depth / 2.0)
        swirl = 1 + 0.3 * resize(fractal(stream(day.place.seed, day.place.name, "swirl"), size // 8, beta=3.2), size)
        out = np.where(sea, np.clip(climate.turbidity * (broad + shallow) * swirl, 0, 1), out)
    return np.asarray(out * (1 + 0.05 * day.place.texture) * (terrain.size > 0), np.float32)


def _reflect(scene: _Scene, band: int, every: int) -> Field:
    """Reflectance of every `every`-th pixel in one band."""
    pick = (slice(None, None, every), slice(None, None, every))
    material = scene.material[pick]
    out = spectra.mix(band, material, scene.tables, scene.green[pick], scene.dry[pick])
    wet = scene.wet[pick]
    if wet.any():
        out += wet * (spectra.endmember("paddy")[band] - out)
    sea = (material == Cover.SEA) | (material == Cover.REEF)
    if sea.any():
        bottom = "coral" if scene.reef else "sandy"
        depth = scene.depth[pick][sea]
        clear = spectra.through_water(band, out[sea], depth if scene.reef else depth * 2.5, bottom)
        out[sea] = clear
    out *= scene.light[pick]
    snow = scene.snow[pick]
    if snow.any():
        lit = np.minimum(scene.light[pick], 1.15)
        out += snow * (spectra.endmember("snow")[band] * lit - out)
    return out


def _clouds(rng: np.random.Generator, day: Day) -> tuple[Field, Field]:
    """Opacity of clouds and of their shadows ((S, S)); mostly none."""
    size = day.place.terrain.size
    none = np.zeros((size, size), np.float32)
    if rng.random() >= day.place.region.climate.cloudiness * 0.7:
        return none, none
    field = fractal(rng, size, beta=3.1, longest=160)
    thick = np.clip((field - float(rng.uniform(0.9, 1.7))) / 0.7, 0, 1).astype(np.float32)
    east, north, up = seasons.sun_direction(day.visit.when, day.place.region.lat)
    base = float(rng.uniform(700, 1600)) / PIXEL
    down, right = round(north / up * base), round(-east / up * base)
    shadow = np.roll(thick, (down, right), (0, 1))
    shadow[: max(down, 0)] = 0
    shadow[size + min(down, 0) :] = 0
    shadow[:, : max(right, 0)] = 0
    shadow[:, size + min(right, 0) :] = 0
    return thick, 0.55 * shadow * (1 - thick)


def _measure(
    rng: np.random.Generator, reflectance: Field, band: int, cloud: Field, shade: Field, repeat: int
) -> NDArray[np.uint16]:
    """Add clouds, haze and noise, and store as whole numbers on the 10 m grid."""
    size = cloud.shape[0]
    if cloud.any():
        over, under = (resize(field, reflectance.shape[0]) for field in (cloud, shade))
        reflectance = reflectance * (1 - under)
        reflectance = reflectance + over * (spectra.endmember("cloud")[band] - reflectance)
    noise = rng.standard_normal(reflectance.shape, np.float32)
    values = reflectance * (1 + np.float32(0.005) * noise) + np.float32(0.0008) * noise[::-1]
    stored: NDArray[np.uint16] = np.clip(np.rint(values * (10_000 / _STEP)), 1, 1900).astype(np.uint16) * np.uint16(
        _STEP
    )
    if repeat == 1:
        return stored
    whole = replicate(stored, repeat)
    if whole.shape[0] < size:  # 60 m cells that the border cuts
        whole = np.pad(whole, ((0, size - whole.shape[0]),) * 2, mode="edge")
    return whole[:size, :size]


def _develop(rng: np.random.Generator, rgb: Field) -> NDArray[np.uint8]:
    """Turn red, green and blue reflectance into a photograph: tone curve, slight blur, film grain."""
    out = np.empty(rgb.shape, np.uint8)
    for index, haze in enumerate((0.004, 0.009, 0.018)):
        tone = np.clip((rgb[index] + haze) / 0.34, 0, None)
        tone = np.where(tone < 0.8, tone, 0.8 + 0.2 * np.tanh((tone - 0.8) / 0.55)) ** 0.72
        grain = rng.standard_normal(tone.shape, np.float32) * np.float32(1.3)
        out[index] = np.clip(np.rint(tone * 255 + grain), 1, 255).astype(np.uint8)
    return out


def _table_of(kinds: frozenset[Cover]) -> NDArray[np.bool_]:
    table = np.zeros(256, bool)
    table[[int(kind) for kind in kinds]] = True
    return table
