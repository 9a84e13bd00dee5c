"""Reflectance of materials in the 12 bands of Sentinel-2 L2A, and how the parts of a pixel mix.

Endmembers are typical values of public spectral libraries and of Level-2A products, rounded: leaves with the red edge
and water absorption in the short-wave infrared, soils that rise with wavelength, water that falls. A pixel is a linear
mixture of its ground, green leaves and dry plant matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox.classes import Cover, Material
from swath.corpus.sandbox.noise import Field

BANDS = 12
"""B01, B02, B03, B04, B05, B06, B07, B08, B8A, B09, B11, B12: the order of the sensor ``s2-l2a``."""

FINE_BANDS = (1, 2, 3, 7)
"""Bands measured at 10 m."""
MEDIUM_BANDS = (4, 5, 6, 8, 10, 11)
"""Bands measured at 20 m."""
COARSE_BANDS = (0, 9)
"""Bands measured at 60 m."""

_ENDMEMBERS: dict[str, tuple[float, ...]] = {
    # percent, B01 to B12
    "leaves": (2.0, 2.4, 5.0, 2.8, 9.0, 27, 35, 39, 41, 41, 18.5, 8.8),
    "needles": (1.5, 1.8, 3.3, 2.1, 5.2, 14.5, 18.5, 21, 22, 22.5, 9.5, 4.4),
    "rainforest": (1.8, 2.2, 4.4, 2.4, 7.8, 25, 32.5, 35.5, 37.5, 38, 16.5, 6.8),
    "mangrove": (2.2, 2.6, 4.6, 2.9, 7.6, 20, 25.5, 28, 29, 29, 11.5, 4.8),
    "grass": (3.0, 3.8, 7.8, 4.2, 12, 29, 36, 40, 42, 42, 23.5, 12.5),
    "crop": (2.6, 3.3, 7.2, 3.4, 12, 34, 43, 48, 50, 50, 21.5, 10.5),
    "shrub": (2.6, 3.2, 5.6, 4.6, 9.2, 18.5, 22.5, 25.5, 27, 27.5, 19.5, 11.5),
    "straw": (6.5, 8.5, 13, 18, 21.5, 24, 26, 28.5, 30, 31, 36, 26),
    "twigs": (4.5, 5.5, 7.5, 9.5, 11.5, 14, 15.5, 17.5, 19, 20, 24, 17),
    "brown": (5.2, 6.8, 9.6, 13, 15.5, 17.5, 19, 21, 22.5, 23.5, 29.5, 25),
    "dark": (3.6, 4.6, 6.4, 8.4, 10.2, 11.6, 12.6, 14, 15, 16, 20.5, 17.5),
    "red": (4.6, 5.8, 9.0, 17.5, 21, 23, 25, 27, 28.5, 29.5, 35, 29.5),
    "sandy": (10.5, 14, 20, 27, 30, 32, 34, 36, 37.5, 38.5, 45, 41),
    "desert": (12.5, 16.5, 24.5, 33.5, 37, 39, 41, 43, 45, 46, 53, 49),
    "beach": (17, 21, 27, 32, 34, 36, 37, 39, 40, 41, 44, 39),
    "rock": (9.0, 10.5, 12.5, 14.5, 15.5, 16.5, 17.5, 18.5, 19.5, 20, 23.5, 21),
    "dark rock": (6.5, 8.0, 10.5, 13.5, 15, 16, 17, 18, 19, 19.5, 24.5, 23),
    "tile": (6.5, 7.8, 10.8, 19.5, 22.5, 23.5, 25, 26.5, 27.5, 28, 32, 28.5),
    "grey roof": (11, 13, 14.5, 15.5, 16.5, 17.2, 18, 19, 19.5, 20, 21.5, 20.5),
    "metal": (28, 33, 36.5, 38.5, 39.5, 40, 41, 42, 42.5, 43, 41, 36),
    "asphalt": (7.5, 8.5, 9.6, 10.6, 11.4, 12, 12.6, 13.4, 14, 14.5, 16.5, 15.5),
    "concrete": (16.5, 19.5, 22.5, 24.5, 25.5, 26.5, 27.5, 28.5, 29.5, 30, 31.5, 29),
    "rubble": (14.5, 17, 20, 22.5, 23.5, 24.5, 25.5, 26.5, 27.5, 28, 31, 28.5),
    "snow": (90, 91, 90, 89, 88, 86, 84, 81, 78, 70, 9.5, 8.0),
    "firn": (58, 61, 60, 55, 51, 47, 43, 39, 35, 28, 4.5, 3.5),
    "lake ice": (62, 63, 61, 57, 53, 48, 44, 40, 37, 30, 4.0, 3.0),
    "char": (3.8, 4.4, 5.0, 5.8, 6.4, 7.2, 7.8, 8.8, 9.6, 10.2, 15.8, 16.2),
    "sea": (3.6, 3.4, 2.3, 1.2, 1.0, 0.8, 0.75, 0.65, 0.6, 0.55, 0.35, 0.25),
    "lake": (2.6, 2.6, 2.4, 1.6, 1.4, 1.0, 0.9, 0.8, 0.7, 0.65, 0.4, 0.3),
    "river": (3.4, 3.8, 4.8, 3.8, 3.4, 2.0, 1.8, 1.5, 1.3, 1.1, 0.6, 0.4),
    "silt": (7.0, 9.2, 13.5, 15.0, 14.5, 8.4, 7.8, 5.8, 4.6, 3.4, 1.2, 0.8),
    "paddy": (4.6, 5.6, 7.6, 7.4, 7.2, 5.6, 5.2, 4.8, 4.4, 4.0, 2.2, 1.4),
    "coral": (15, 19, 24, 23, 22, 21, 20, 19, 18, 17, 12, 10),
    "cloud": (66, 64, 62, 62, 62, 61, 60, 59, 58, 40, 42, 32),
}

_ABSORPTION = np.array([0.045, 0.05, 0.09, 0.42, 0.75, 2.5, 2.7, 3.2, 4.2, 12.0, 30.0, 30.0], np.float32)
"""Diffuse attenuation of clear sea water, per metre of depth."""

_GROUND: dict[Cover | Material, str] = {
    Cover.SEA: "sea", Cover.LAKE: "lake", Cover.RIVER: "river", Cover.REEF: "sea", Cover.FLOOD: "river",
    Cover.MANGROVE: "dark", Cover.WETLAND: "paddy", Cover.ROCK: "rock", Cover.SAND: "desert", Cover.BEACH: "beach",
    Cover.ICE: "firn", Cover.SNOW: "snow", Cover.LAKE_ICE: "lake ice", Cover.BURN: "char", Cover.ROAD: "asphalt",
    Cover.RUNWAY: "asphalt", Cover.CENTRE: "grey roof", Cover.INDUSTRY: "concrete", Material.ROOF_TILE: "tile",
    Material.ROOF_GREY: "grey roof", Material.ROOF_METAL: "metal", Material.ASPHALT: "asphalt",
    Material.CONCRETE: "concrete", Material.RUBBLE: "rubble", Cover.DAMAGE: "rubble", Cover.SHIP: "metal",
}  # fmt: skip
"""What lies under the plants of each material; where nothing is named, the soil of the region."""

_LEAVES: dict[Cover | Material, str] = {
    Cover.CONIFER: "needles", Cover.RAINFOREST: "rainforest", Cover.MANGROVE: "mangrove", Cover.GRASS: "grass",
    Cover.PARK: "grass", Cover.SHRUB: "shrub", Cover.ORCHARD: "shrub", Cover.WETLAND: "grass", Cover.CEREAL: "crop",
    Cover.MAIZE: "crop", Cover.FORAGE: "crop", Cover.RICE: "crop", Cover.VINEYARD: "crop", Cover.FALLOW: "grass",
    Cover.CLEARCUT: "shrub", Material.LAWN: "grass", Material.BANK: "grass", Material.TRACK: "grass",
}  # fmt: skip
"""Green parts of each material; broad leaves where nothing is named. Of water, the "leaves" are its silt."""

_WATERS = (Cover.SEA, Cover.LAKE, Cover.RIVER, Cover.REEF, Cover.FLOOD)


def endmember(name: str) -> Field:
    """(12,) reflectance, 0 to 1.

    Raises:
        KeyError: no such endmember.
    """
    return np.array(_ENDMEMBERS[name], np.float32) / np.float32(100)


def ground_table(soil: str, wetness: float) -> Field:
    """(256, 12) reflectance under the plants for every material; wet soil is darker, most of all in the infrared."""
    damp = 1 - np.float32(wetness) * np.linspace(0.28, 0.42, BANDS, dtype=np.float32)
    table = np.tile(endmember(soil) * damp, (256, 1))
    for kind in (*Cover, *Material):
        if kind in _GROUND:
            table[kind] = endmember(_GROUND[kind])
    if soil in ("sandy", "red"):
        table[Cover.ROCK] = endmember("dark rock")
    return table


def leaf_table() -> Field:
    """(256, 12) reflectance of the green part of every material; for water, of its silt."""
    table = np.tile(endmember("leaves"), (256, 1))
    for kind, name in _LEAVES.items():
        table[kind] = endmember(name)
    for kind in _WATERS:
        table[kind] = endmember("silt")
    return table


def dry_table() -> Field:
    """(256, 12) reflectance of the dead part of every material: straw in fields and grass, bare twigs elsewhere."""
    table = np.tile(endmember("twigs"), (256, 1))
    for kind in (Cover.CEREAL, Cover.MAIZE, Cover.RICE, Cover.FORAGE, Cover.GRASS, Cover.PARK, Material.LAWN,
                 Material.BANK, Material.TRACK, Cover.FALLOW):  # fmt: skip
        table[kind] = endmember("straw")
    return table


def through_water(band: int, surface: Field, depth: Field, bottom: str) -> Field:
    """Reflectance of clear shallow water over a bright bottom (Lyzenga, 1978).

    Args:
        band: index into the 12 bands.
        surface: reflectance of deep water.
        depth: metres.
        bottom: endmember of the bottom.
    """
    clear = np.exp(-2 * _ABSORPTION[band] * np.maximum(depth, 0.05))
    return np.asarray(surface + (endmember(bottom)[band] - surface) * clear, np.float32)


def mix(
    band: int,
    material: NDArray[np.uint8],
    tables: tuple[Field, Field, Field],
    green: Field,
    dry: Field,
) -> Field:
    """Linear mixture of ground, green and dry parts of every pixel in one band.

    Args:
        band: index into the 12 bands.
        material: material of each pixel.
        tables: (256, 12) reflectance of ground, leaves and dry matter.
        green: share of green leaves.
        dry: share of dry matter.
    """
    ground, leaf, dead = (np.ascontiguousarray(table[:, band]) for table in tables)
    out = ground[material]
    out += green * (leaf - ground)[material]
    out += dry * (dead - ground)[material]
    return out
