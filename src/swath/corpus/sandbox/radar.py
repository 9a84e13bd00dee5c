"""Sentinel-1 pictures of a day: backscatter by cover, relief, moisture and wind, then speckle.

Mean backscatter is typical of C-band ground-range products at mid swath (Ulaby and Dobson, Handbook of Radar Scattering
Statistics; published Sentinel-1 land-cover statistics): smooth water dark, forest a steady volume, towns bright by
double bounce, flooded vegetation brighter than dry. Speckle is multiplicative and gamma distributed.
"""

from __future__ import annotations

import numpy as np

from swath.corpus.sandbox import seasons
from swath.corpus.sandbox.classes import FOREST, Cover, Material
from swath.corpus.sandbox.days import Day
from swath.corpus.sandbox.noise import Field, block_mean, fractal, resize, smooth, stream
from swath.corpus.sandbox.terrain import PIXEL

LOOKS = 4.4
"""Equivalent number of looks of Sentinel-1 IW GRD at high resolution (product specification)."""

NOISE_FLOOR = (-27.0, -29.5)
"""Noise left in VV and VH after thermal noise removal, decibel."""

INCIDENCE = np.radians(38.5)
"""Angle of the radar to the vertical at mid swath."""

_LOOK_EAST, _LOOK_NORTH = -float(np.cos(np.radians(12))), float(np.sin(np.radians(12)))
"""Horizontal direction in which the beam travels: a descending orbit that looks to the right, to the west."""

# VV and VH of the bare or leafless state, VV and VH in full leaf, texture (standard deviation in decibel)
_BACKSCATTER: dict[Cover, tuple[float, float, float, float, float]] = {
    Cover.SEA: (-18.5, -27.0, -18.5, -27.0, 0.0),
    Cover.REEF: (-18.0, -26.5, -18.0, -26.5, 0.2),
    Cover.LAKE: (-20.5, -28.0, -20.5, -28.0, 0.0),
    Cover.RIVER: (-20.0, -27.5, -20.0, -27.5, 0.0),
    Cover.FLOOD: (-18.5, -26.0, -18.5, -26.0, 0.5),
    Cover.FLOODED_VEGETATION: (-7.0, -15.5, -6.0, -14.8, 0.9),
    Cover.CONIFER: (-10.2, -16.0, -9.6, -15.3, 0.6),
    Cover.BROADLEAF: (-11.0, -17.2, -9.3, -14.8, 0.6),
    Cover.RAINFOREST: (-8.3, -13.8, -7.8, -13.0, 0.5),
    Cover.MANGROVE: (-8.8, -14.8, -8.2, -14.0, 0.6),
    Cover.SHRUB: (-12.8, -20.2, -11.2, -17.6, 0.8),
    Cover.GRASS: (-13.8, -21.5, -12.2, -19.2, 0.5),
    Cover.PARK: (-12.8, -19.5, -11.5, -17.8, 0.9),
    Cover.WETLAND: (-13.0, -20.5, -9.2, -17.0, 0.8),
    Cover.CEREAL: (-12.6, -21.0, -14.2, -20.0, 0.4),
    Cover.MAIZE: (-12.4, -20.8, -9.8, -15.8, 0.4),
    Cover.FORAGE: (-13.0, -20.8, -10.8, -17.4, 0.4),
    Cover.RICE: (-13.0, -21.2, -9.6, -16.4, 0.4),
    Cover.VINEYARD: (-11.6, -19.2, -10.8, -17.6, 0.7),
    Cover.ORCHARD: (-11.4, -18.0, -10.2, -16.2, 0.8),
    Cover.FALLOW: (-12.8, -21.4, -12.4, -20.6, 0.5),
    Cover.CLEARCUT: (-12.0, -19.6, -11.4, -18.4, 0.8),
    Cover.ROCK: (-10.8, -18.8, -10.8, -18.8, 1.0),
    Cover.SAND: (-19.5, -28.0, -19.5, -28.0, 0.6),
    Cover.BEACH: (-16.0, -24.5, -16.0, -24.5, 0.6),
    Cover.CENTRE: (-2.2, -10.5, -2.2, -10.5, 2.6),
    Cover.HOUSES: (-6.2, -14.0, -6.2, -14.0, 2.2),
    Cover.INDUSTRY: (-2.8, -12.0, -2.8, -12.0, 3.6),
    Cover.DAMAGE: (-6.4, -12.6, -6.4, -12.6, 2.4),
    Cover.ROAD: (-15.5, -23.0, -15.5, -23.0, 0.8),
    Cover.RUNWAY: (-19.0, -27.0, -19.0, -27.0, 0.3),
    Cover.SHIP: (5.0, -4.5, 5.0, -4.5, 2.0),
    Cover.ICE: (-10.5, -17.0, -10.5, -17.0, 0.9),
    Cover.SNOW: (-13.2, -20.8, -13.2, -20.8, 0.5),
    Cover.LAKE_ICE: (-13.0, -22.0, -13.0, -22.0, 1.2),
    Cover.BURN: (-11.8, -19.4, -10.6, -17.4, 0.6),
}

_SOIL = frozenset({Cover.FALLOW, Cover.CEREAL, Cover.MAIZE, Cover.FORAGE, Cover.RICE, Cover.VINEYARD, Cover.GRASS,
                   Cover.BURN, Cover.SAND, Cover.CLEARCUT})  # fmt: skip
_OPEN_WATER = (Cover.SEA, Cover.LAKE, Cover.RIVER, Cover.FLOOD, Cover.REEF)
_WET_SNOW_LOSS = 5.0  # decibel
_STEPS = 16  # levels a decibel: finer than any calibration, and short numbers pack well


def render(day: Day) -> Field:
    """The Sentinel-1 picture of a day.

    Returns:
        (2, S, S) float32 VV and VH in decibel, in steps of 1/16.
    """
    rng = stream(day.place.seed, day.place.name, "radar", day.visit.radar.isoformat())
    wind = float(rng.uniform(0, 1))
    relief = geometry(day)
    out = []
    for band in (0, 1):
        power = block_mean(_power(_mean_db(day, band, wind)), 2)
        power = power * relief + np.float32(10 ** (NOISE_FLOOR[band] / 10))
        power *= speckle(rng, power.shape[0])
        out.append(np.rint(10 * np.log10(np.maximum(power, 1e-5)) * _STEPS) / _STEPS)
    return np.stack(out).astype(np.float32)


def _power(decibel: Field) -> Field:
    """Linear power of a level in decibel."""
    out: Field = np.exp(decibel * np.float32(np.log(10) / 10))
    return out


def speckle(rng: np.random.Generator, size: int, looks: float = LOOKS) -> Field:
    """Multiplicative speckle with mean 1 and variance 1/looks, correlated between neighbours as in resampled products.

    Independent gamma noise is averaged with the weights (a, 1-2a, a) in both directions; its own number of looks is
    lowered by the sum of squared weights, so that the average has the looks asked for.

    Args:
        rng: source of randomness.
        size: rows and columns.
        looks: equivalent number of looks.
    """
    side = 0.18
    shape = looks * (2 * side**2 + (1 - 2 * side) ** 2) ** 2
    raw = rng.standard_gamma(shape, (size + 2, size + 2), np.float32) / np.float32(shape)
    rows = side * (raw[:-2] + raw[2:]) + (1 - 2 * side) * raw[1:-1]
    mixed: Field = (side * (rows[:, :-2] + rows[:, 2:]) + (1 - 2 * side) * rows[:, 1:-1]).astype(np.float32)
    return mixed


def geometry(day: Day) -> Field:
    """(S, S) factor on the power of each pixel by its slope: projected area and local incidence.

    The area of ground in a cell of the radar's own image plane, relative to level ground, is sin(incidence) over the
    cosine of the projection angle (Ulander, 1996); backscatter falls with the cosine of the local incidence angle.
    Layover is held at +9 dB, shadow at -12 dB.
    """
    height = smooth(day.place.terrain.elevation, 1)
    down, right = np.gradient(height, PIXEL)
    norm = np.sqrt(1 + down**2 + right**2)
    rising = right * _LOOK_EAST - down * _LOOK_NORTH  # slope along the beam's way; positive faces the radar
    sine, cosine = np.sin(INCIDENCE), np.cos(INCIDENCE)
    local = (cosine + sine * rising) / norm  # surface normal times direction back to the sensor
    plane = np.maximum((sine - cosine * rising) / norm, 0.05)
    factor = sine / plane * np.maximum(local, 0.0) / cosine
    factor = np.where(local <= 0.02, 10**-1.2, np.clip(factor, 10**-1.2, 10**0.9))
    factor[day.place.terrain.water[::2, ::2] > 0] = 1.0
    return factor.astype(np.float32)


def _mean_db(day: Day, band: int, wind: float) -> Field:
    """(F, F) mean backscatter in decibel before relief and speckle."""
    table = np.full((3, 256), -14.0, np.float32)
    for kind, values in _BACKSCATTER.items():
        table[:, kind] = values[band], values[2 + band], values[4]
    for kind in _SOIL:  # wet soil scatters more, least under full leaf
        table[0, kind] += (3.2 if band == 0 else 2.2) * (day.wetness - 0.5)
        table[1, kind] += 0.8 * (day.wetness - 0.5)
    for kind in _OPEN_WATER:
        table[:2, kind] += (6.5 if band == 0 else 3.5) * (wind - 0.45) * (1.0 if kind == Cover.SEA else 0.45)
    cover = day.cover
    bare, leafy = table[0][cover], table[1][cover]
    amount = np.clip(day.greenness.green + 0.35 * day.greenness.dry, 0, 1)
    level = bare + amount * (leafy - bare)
    paddy = day.greenness.wet
    if paddy.any():
        level += paddy * ((-18.5 if band == 0 else -26.0) - level)
    level += table[2][cover] * _texture(day, band)
    if band == 0 and (cover == Cover.SEA).any():
        swell = fractal(stream(day.place.seed, day.place.name, "wind", day.visit.radar), cover.shape[0] // 4, beta=2.6)
        level += np.where(cover == Cover.SEA, 1.1 * resize(swell, cover.shape[0]), 0)
    level += _thaw(day)
    return np.asarray(level, np.float32)


def _texture(day: Day, band: int) -> Field:
    """(F, F) fixed variation of backscatter, standard deviation about 1; buildings differ by 20 m cells."""
    size = day.cover.shape[0]
    rng = stream(day.place.seed, day.place.name, "scatterers", band)
    cells = rng.standard_normal((-(-size // 4), -(-size // 4)), np.float32)
    out = cells.repeat(4, 0).repeat(4, 1)[:size, :size]
    metal = day.material == Material.ROOF_METAL
    return np.where(metal, np.maximum(out, -0.3) + np.float32(0.5), out).astype(np.float32)


def _thaw(day: Day) -> Field | np.float32:
    """Loss of backscatter over wet snow: snow about the freezing point absorbs the wave; dry snow lets it through."""
    if not day.snow.any():
        return np.float32(0)
    north = seasons.northern_day(day.visit.radar, day.place.region)
    warmth = seasons.air_temperature(day.place.region.climate, north, day.place.terrain.elevation)
    melting = np.clip((warmth + 3.0) / 3.0, 0, 1)
    forest = np.isin(day.cover, [*FOREST, Cover.LAKE_ICE])
    loss = _WET_SNOW_LOSS * day.snow * resize(melting, day.cover.shape[0])
    return np.where(forest, np.float32(-0.25) * loss, -loss).astype(np.float32)
