"""The regions of the world: seven climates and, for each, places on Earth where such a landscape is found.

A `Climate` holds every knob of a landscape; a `Region` is a climate at a place with its UTM zone. The first seven
regions lie on six continents and in Oceania; the following ones repeat the climates elsewhere, so a larger world has
several regions of one climate, some of them held out for testing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from swath.corpus.sandbox.classes import Cover
from swath.errors import InputError

Shape = Literal["coast", "plain", "valley", "range", "delta", "hills", "island"]
Event = Literal["flood", "fire", "earthquake"]


@dataclass(frozen=True, slots=True)
class Climate:
    """One kind of landscape.

    Attributes:
        name: key, part of region names.
        title: where that is, for captions: ``in boreal lake country``.
        shape: form of the terrain.
        relief: height of hills over valleys, metres.
        altitude: height of the valley floor above the sea, metres.
        river: (low, high) width of the main river, metres; (0, 0) for none.
        meander: largest angle of the river to its valley, radians (sine-generated curve).
        turbidity: sediment in rivers, 0 to 1.
        lakes: share of closed depressions that hold water, 0 to 1.
        natural: weight of each natural cover.
        crops: (low, high) share of suitable land that is farmed.
        rotation: weight of each field type.
        parcel: (low, high) width of a field in metres.
        pivots: whether dry land has circular irrigated fields.
        towns: (low, high) number of settlements in a scene of 5 km.
        radius: (low, high) radius of a settlement, metres.
        tile_roofs: share of tiled (red) roofs.
        temperature: (yearly mean, yearly amplitude) in degrees Celsius at sea level.
        greenness: (northern-hemisphere day of peak, length in days, floor 0 to 1) of natural vegetation.
        soil: name of the soil spectrum.
        event: what happens between the last dates.
        event_day: northern-hemisphere day of the year of the event.
        cloudiness: chance that a Sentinel-2 date has clouds.
    """

    name: str
    title: str
    shape: Shape
    relief: float
    altitude: float
    river: tuple[float, float]
    meander: float
    turbidity: float
    lakes: float
    natural: Mapping[Cover, float]
    crops: tuple[float, float]
    rotation: Mapping[Cover, float]
    parcel: tuple[float, float]
    towns: tuple[int, int]
    radius: tuple[float, float]
    tile_roofs: float
    temperature: tuple[float, float]
    greenness: tuple[float, float, float]
    soil: str
    event: Event
    event_day: int
    cloudiness: float
    pivots: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """A climate at a place.

    Attributes:
        name: unique key and folder-safe id (``boreal-lakes-2``).
        climate: its landscape.
        lon: longitude of the first scene's centre, degrees.
        lat: latitude of the first scene's centre, degrees.
        split: ``train``, ``val`` or ``test``: whole regions are held out.
    """

    name: str
    climate: Climate
    lon: float
    lat: float
    split: Literal["train", "val", "test"] = field(default="train")

    @property
    def southern(self) -> bool:
        """Whether seasons are those of the southern hemisphere."""
        return self.lat < 0


CLIMATES: dict[str, Climate] = {
    climate.name: climate
    for climate in (
        Climate(
            name="temperate-coast", title="on a temperate coast", shape="coast", relief=55, altitude=4, river=(40, 90),
            meander=0.9, turbidity=0.35, lakes=0.15,
            natural={Cover.BROADLEAF: 1.0, Cover.CONIFER: 0.35, Cover.GRASS: 1.3, Cover.SHRUB: 0.5},
            crops=(0.45, 0.65), rotation={Cover.CEREAL: 4, Cover.MAIZE: 3, Cover.FORAGE: 3, Cover.FALLOW: 1},
            parcel=(110, 260), towns=(2, 4), radius=(300, 950), tile_roofs=0.35, temperature=(11, 7),
            greenness=(170, 190, 0.55), soil="brown", event="flood", event_day=20, cloudiness=0.45,
        ),
        Climate(
            name="boreal-lakes", title="in boreal lake country", shape="plain", relief=26, altitude=290, river=(20, 45),
            meander=0.8, turbidity=0.1, lakes=1.0,
            natural={Cover.CONIFER: 2.6, Cover.BROADLEAF: 0.8, Cover.WETLAND: 0.5, Cover.GRASS: 0.15, Cover.ROCK: 0.12},
            crops=(0.0, 0.08), rotation={Cover.FORAGE: 4, Cover.CEREAL: 2}, parcel=(120, 240), towns=(0, 2),
            radius=(200, 450), tile_roofs=0.15, temperature=(1, 18), greenness=(195, 110, 0.25), soil="dark",
            event="fire", event_day=205, cloudiness=0.35,
        ),
        Climate(
            name="desert-river", title="in a desert crossed by a river", shape="valley", relief=90, altitude=330,
            river=(170, 330), meander=0.75, turbidity=0.75, lakes=0.0,
            natural={Cover.SAND: 2.4, Cover.ROCK: 0.5, Cover.SHRUB: 0.15},
            crops=(0.8, 0.95), rotation={Cover.FORAGE: 4, Cover.CEREAL: 3, Cover.MAIZE: 3, Cover.FALLOW: 2},
            parcel=(70, 170), towns=(2, 4), radius=(250, 700), tile_roofs=0.1, temperature=(28, 8),
            greenness=(60, 200, 0.2), soil="sandy", event="flood", event_day=250, cloudiness=0.05, pivots=True,
        ),
        Climate(
            name="tropical-delta", title="in a tropical delta", shape="delta", relief=3, altitude=1.2, river=(150, 280),
            meander=1.15, turbidity=1.0, lakes=0.4,
            natural={Cover.MANGROVE: 1.2, Cover.RAINFOREST: 0.6, Cover.WETLAND: 0.9, Cover.GRASS: 0.3},
            crops=(0.65, 0.85), rotation={Cover.RICE: 9, Cover.FALLOW: 1, Cover.ORCHARD: 1}, parcel=(60, 130),
            towns=(3, 5), radius=(200, 600), tile_roofs=0.45, temperature=(27, 2), greenness=(240, 330, 0.8),
            soil="dark", event="flood", event_day=285, cloudiness=0.4,
        ),
        Climate(
            name="alpine-valley", title="in a high mountain valley", shape="range", relief=1150, altitude=980,
            river=(20, 45), meander=0.5, turbidity=0.4, lakes=0.5,
            natural={Cover.CONIFER: 1.5, Cover.BROADLEAF: 0.7, Cover.GRASS: 0.8, Cover.SHRUB: 0.5, Cover.ROCK: 0.3},
            crops=(0.35, 0.6), rotation={Cover.FORAGE: 6, Cover.CEREAL: 2, Cover.MAIZE: 1}, parcel=(70, 160),
            towns=(2, 4), radius=(250, 600), tile_roofs=0.4, temperature=(11, 9), greenness=(190, 150, 0.3),
            soil="brown", event="earthquake", event_day=240, cloudiness=0.3,
        ),
        Climate(
            name="mediterranean-fields", title="in mediterranean farmland", shape="hills", relief=110, altitude=120,
            river=(15, 40), meander=0.8, turbidity=0.45, lakes=0.35,
            natural={Cover.SHRUB: 1.3, Cover.BROADLEAF: 0.6, Cover.CONIFER: 0.4, Cover.GRASS: 0.8, Cover.ROCK: 0.12},
            crops=(0.55, 0.8), rotation={Cover.CEREAL: 5, Cover.VINEYARD: 3, Cover.ORCHARD: 3, Cover.FALLOW: 2},
            parcel=(100, 260), towns=(2, 4), radius=(250, 800), tile_roofs=0.8, temperature=(17, 8),
            greenness=(110, 150, 0.35), soil="red", event="fire", event_day=225, cloudiness=0.15,
        ),
        Climate(
            name="tropical-island", title="on a tropical island", shape="island", relief=420, altitude=0, river=(0, 0),
            meander=0.6, turbidity=0.3, lakes=0.1,
            natural={Cover.RAINFOREST: 2.0, Cover.GRASS: 0.8, Cover.SHRUB: 0.8},
            crops=(0.3, 0.5), rotation={Cover.MAIZE: 3, Cover.ORCHARD: 4, Cover.FALLOW: 1}, parcel=(60, 140),
            towns=(2, 4), radius=(180, 420), tile_roofs=0.3, temperature=(26, 2), greenness=(200, 330, 0.85),
            soil="red", event="flood", event_day=225, cloudiness=0.5,
        ),
    )
}  # fmt: skip
"""Every climate by name."""

_SITES: dict[str, tuple[tuple[float, float], ...]] = {
    "temperate-coast": ((-4.02, 48.62), (-124.02, 44.63), (141.05, 42.41), (147.62, -42.83), (-73.41, -39.84)),
    "boreal-lakes": ((-93.46, 50.92), (28.21, 62.34), (33.92, 63.74), (15.83, 64.12), (76.21, 61.83)),
    "desert-river": ((31.62, 18.93), (68.32, 27.32), (-114.62, 33.41), (20.83, -28.62), (62.13, 39.12)),
    "tropical-delta": ((106.42, 9.61), (90.12, 22.23), (95.12, 16.12), (-61.23, 8.93), (143.52, -8.31)),
    "alpine-valley": ((-71.63, -41.21), (9.82, 46.71), (43.62, 42.82), (-117.12, 51.23), (168.62, -44.63)),
    "mediterranean-fields": ((138.92, -34.52), (-4.63, 37.42), (-121.23, 37.62), (-71.23, -33.82), (14.12, 37.42)),
    "tropical-island": ((179.9994, -16.83), (-155.53, 19.93), (-171.75, -13.92), (55.46, -4.68), (-61.35, 15.42)),
}
"""Longitude and latitude of the sites of each climate; the first Fijian one lies across the antimeridian."""

_SPLIT_OF_FIRST = {"mediterranean-fields": "test", "temperate-coast": "val"}


def _all_regions() -> tuple[Region, ...]:
    found: list[Region] = []
    for turn in range(5):
        for number, (name, climate) in enumerate(CLIMATES.items()):
            lon, lat = _SITES[name][turn]
            split = _SPLIT_OF_FIRST.get(name, "train") if turn == 0 else "train"
            if turn and (number + 2 * turn) % 7 == 0:
                split = "val"
            elif turn and (number + 2 * turn) % 7 in (3, 5):
                split = "test"
            label = name if turn == 0 else f"{name}-{turn + 1}"
            found.append(Region(label, climate, lon, lat, split))  # type: ignore[arg-type]
    return tuple(found)


REGIONS: dict[str, Region] = {region.name: region for region in _all_regions()}
"""Every region by name, in the order in which a growing world takes them."""

DEFAULT_REGIONS = len(CLIMATES)
"""How many regions a world has unless told otherwise: one of each climate."""


def choose(regions: int | list[str] | tuple[str, ...] | None) -> tuple[Region, ...]:
    """The regions meant by a count or by names.

    Args:
        regions: how many of the list to take, names to take, or None for one region of each climate.

    Raises:
        InputError: unknown or repeated name, or a count outside 1 to the number of regions.
    """
    if regions is None:
        regions = DEFAULT_REGIONS
    if isinstance(regions, int):
        if not 1 <= regions <= len(REGIONS):
            raise InputError(f"the sandbox has 1 to {len(REGIONS)} regions, not {regions}")
        return tuple(REGIONS.values())[:regions]
    unknown = [name for name in regions if name not in REGIONS]
    if unknown:
        raise InputError(f"unknown region {unknown[0]!r}; known: {', '.join(REGIONS)}")
    if not regions or len(set(regions)) != len(regions):
        raise InputError("name each region once, and at least one region")
    return tuple(REGIONS[name] for name in regions)
