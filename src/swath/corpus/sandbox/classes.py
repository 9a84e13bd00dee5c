"""What the ground can be: cover classes, the materials that the sun sees, and how classes answer to labels.

A pixel has one `Cover` (what a land-cover map would say) and one `Material` (what reflects sunlight there: a
residential block is one cover made of roofs, lawns, trees and asphalt). Radar and captions go by cover, optical sensors
by material.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique


@unique
class Cover(IntEnum):
    """Land-cover classes; the numbers are the pixel values of the land-cover masks (0 is no data)."""

    SEA = 1
    LAKE = 2
    RIVER = 3
    CONIFER = 4
    BROADLEAF = 5
    RAINFOREST = 6
    MANGROVE = 7
    SHRUB = 8
    GRASS = 9
    WETLAND = 10
    CEREAL = 11
    MAIZE = 12
    FORAGE = 13
    RICE = 14
    VINEYARD = 15
    ORCHARD = 16
    FALLOW = 17
    ROCK = 18
    SAND = 19
    BEACH = 20
    CENTRE = 21
    HOUSES = 22
    INDUSTRY = 23
    ROAD = 24
    RUNWAY = 25
    PARK = 26
    SHIP = 27
    ICE = 28
    SNOW = 29
    LAKE_ICE = 30
    FLOOD = 31
    FLOODED_VEGETATION = 32
    BURN = 33
    DAMAGE = 34
    REEF = 35
    CLEARCUT = 36


@unique
class Material(IntEnum):
    """Surface materials beyond the covers themselves (a natural cover is its own material)."""

    ROOF_TILE = 64
    ROOF_GREY = 65
    ROOF_METAL = 66
    ASPHALT = 67
    CONCRETE = 68
    LAWN = 69
    TREE = 70
    RUBBLE = 71
    BANK = 72
    TRACK = 73


WATER = frozenset({Cover.SEA, Cover.LAKE, Cover.RIVER, Cover.SHIP, Cover.REEF})
FOREST = frozenset({Cover.CONIFER, Cover.BROADLEAF, Cover.RAINFOREST, Cover.MANGROVE})
CROPS = frozenset({Cover.CEREAL, Cover.MAIZE, Cover.FORAGE, Cover.RICE, Cover.VINEYARD, Cover.ORCHARD, Cover.FALLOW})
ANNUAL = frozenset({Cover.CEREAL, Cover.MAIZE, Cover.FORAGE, Cover.RICE, Cover.FALLOW})
BUILT = frozenset({Cover.CENTRE, Cover.HOUSES, Cover.INDUSTRY, Cover.ROAD, Cover.RUNWAY, Cover.DAMAGE})
BARE = frozenset({Cover.ROCK, Cover.SAND, Cover.BEACH})
FUEL = FOREST | {Cover.SHRUB, Cover.GRASS, Cover.CLEARCUT, Cover.CEREAL, Cover.FALLOW, Cover.WETLAND}

LABELS: dict[str, frozenset[Cover]] = {
    "Trees": FOREST,
    "Crops": CROPS,
    "Shrub and Scrub": frozenset({Cover.SHRUB, Cover.CLEARCUT}),
    "Water": WATER,
    "Grass": frozenset({Cover.GRASS, Cover.PARK}),
    "Built": BUILT,
    "Flooded Vegetation": frozenset({Cover.WETLAND, Cover.MANGROVE, Cover.FLOODED_VEGETATION}),
    "Bare": BARE,
    "Snow and Ice": frozenset({Cover.ICE, Cover.SNOW, Cover.LAKE_ICE}),
    "Flooded Area": frozenset({Cover.FLOOD, Cover.FLOODED_VEGETATION}),
    "Earthquake Damage": frozenset({Cover.DAMAGE}),
    "Burned Area": frozenset({Cover.BURN}),
}
"""The 12 unified labels of CrisisLandMark (CLOSP, arXiv:2507.10403) and the covers that count towards each."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a cover is drawn on the land-cover mask.

    Attributes:
        title: name in the mask's colour table and class list.
        colour: red, green, blue.
    """

    title: str
    colour: tuple[int, int, int]


LOOKS: dict[Cover, Look] = {
    Cover.SEA: Look("sea", (26, 60, 130)),
    Cover.LAKE: Look("lake", (60, 110, 200)),
    Cover.RIVER: Look("river", (80, 140, 220)),
    Cover.CONIFER: Look("coniferous forest", (10, 80, 40)),
    Cover.BROADLEAF: Look("broadleaf forest", (40, 130, 50)),
    Cover.RAINFOREST: Look("rainforest", (0, 100, 20)),
    Cover.MANGROVE: Look("mangrove", (0, 150, 110)),
    Cover.SHRUB: Look("shrub", (170, 160, 80)),
    Cover.GRASS: Look("grass", (150, 200, 90)),
    Cover.WETLAND: Look("wetland", (110, 170, 170)),
    Cover.CEREAL: Look("cereal field", (240, 220, 120)),
    Cover.MAIZE: Look("maize field", (220, 180, 60)),
    Cover.FORAGE: Look("forage field", (190, 220, 60)),
    Cover.RICE: Look("rice paddy", (170, 220, 180)),
    Cover.VINEYARD: Look("vineyard", (160, 90, 120)),
    Cover.ORCHARD: Look("orchard", (130, 150, 60)),
    Cover.FALLOW: Look("fallow field", (200, 160, 120)),
    Cover.ROCK: Look("rock", (130, 125, 120)),
    Cover.SAND: Look("desert sand", (235, 215, 170)),
    Cover.BEACH: Look("beach", (250, 240, 190)),
    Cover.CENTRE: Look("town centre", (200, 30, 30)),
    Cover.HOUSES: Look("residential area", (240, 110, 90)),
    Cover.INDUSTRY: Look("industrial area", (160, 60, 160)),
    Cover.ROAD: Look("road", (70, 70, 70)),
    Cover.RUNWAY: Look("runway", (40, 40, 60)),
    Cover.PARK: Look("park", (110, 220, 110)),
    Cover.SHIP: Look("ship", (255, 255, 255)),
    Cover.ICE: Look("glacier", (190, 230, 250)),
    Cover.SNOW: Look("snow", (240, 245, 255)),
    Cover.LAKE_ICE: Look("ice on water", (200, 215, 235)),
    Cover.FLOOD: Look("flooded land", (0, 170, 255)),
    Cover.FLOODED_VEGETATION: Look("flooded vegetation", (0, 200, 180)),
    Cover.BURN: Look("burned area", (90, 20, 10)),
    Cover.DAMAGE: Look("earthquake damage", (255, 0, 200)),
    Cover.REEF: Look("reef and lagoon", (90, 220, 230)),
    Cover.CLEARCUT: Look("clear-cut", (190, 150, 110)),
}
