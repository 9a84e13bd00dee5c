"""The shape of the land: relief, a main river that meanders down a valley, streams by descent, lakes, sea.

The main river comes first and the land is laid around it, so its bed falls all the way and its valley drains into it.
Streams and lakes then follow from the relief (`drainage`): a lake is a depression filled to its spill point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from swath.corpus.sandbox import paths
from swath.corpus.sandbox.classes import Cover
from swath.corpus.sandbox.climates import Climate, Shape
from swath.corpus.sandbox.drainage import Drainage, drain
from swath.corpus.sandbox.noise import Field, block_mean, fractal, replicate, resize, smooth, stream

PIXEL = 10.0
"""Metres of a pixel of the terrain and of Sentinel."""
FINE = 5.0
"""Metres of a pixel of the land cover and of the RGB picture."""
_Number = TypeVar("_Number", bound=np.generic)

_MARINE = ("coast", "delta", "island")
_COARSE = 4  # drainage runs on cells of 40 m


@dataclass(frozen=True, slots=True)
class River:
    """A watercourse.

    Attributes:
        points: (N, 2) centre line, x and y in metres, from source to mouth.
        level: (N,) height of the water surface, metres; it never rises.
        width: (N,) metres.
        main: whether it is the scene's main river.
    """

    points: paths.Points
    level: NDArray[np.float64]
    width: NDArray[np.float64]
    main: bool


@dataclass(frozen=True, slots=True)
class Terrain:
    """The land without what grows or stands on it.

    Attributes:
        elevation: (S, S) metres above the sea, 10 m pixels; the bed where there is water.
        water: (2S, 2S) `Cover.SEA`, `LAKE` or `RIVER`, else 0; 5 m pixels.
        height: (S, S) metres above the nearest water (HAND: height above nearest drainage).
        shore: (S, S) metres to the nearest sea; infinite inland.
        bank: (S, S) metres to the nearest river, lake or sea.
        rivers: the main river's arms first.
        slope: (S, S) steepness, metres of rise per metre.
    """

    elevation: Field
    water: NDArray[np.uint8]
    height: Field
    shore: Field
    bank: Field
    rivers: tuple[River, ...]
    slope: Field

    @property
    def size(self) -> int:
        """Rows and columns at 10 m."""
        return int(self.elevation.shape[0])


def build(seed: int, name: str, climate: Climate, size: int) -> Terrain:
    """Make the terrain of one scene.

    Args:
        seed: the world's seed.
        name: the scene's name; it chooses the random streams.
        climate: the landscape.
        size: rows and columns at 10 m.
    """
    rng = stream(seed, name, "terrain")
    direction = float(rng.uniform(0, 2 * np.pi))
    hills = _without_ponds(_SHAPES[climate.shape](rng, size, climate, direction), climate)
    rivers = _main_rivers(rng, size, climate, direction, hills)
    elevation = _around_rivers(rng, hills, rivers, climate)
    sea = (hills < 0) & (climate.shape in _MARINE)
    coarse = block_mean(elevation, _COARSE)
    outlets = block_mean(sea.astype(np.float32), _COARSE) > 0.5
    for river in rivers:
        outlets |= stroke(river.points, np.full(len(river.points), 1.0), outlets.shape[0], PIXEL * _COARSE)
    flow = drain(coarse, outlets)
    elevation, lake_level = _fill_lakes(rng, elevation, coarse, flow, climate)
    rivers += _streams(flow, coarse.shape[0], climate)
    elevation = _carve(elevation, rivers)
    water = _water_mask(elevation, hills if sea.any() else None, lake_level, rivers)
    height, bank = _above_water(elevation, sea, lake_level, rivers)
    shore = paths.distance_to(_every_other(sea), PIXEL * 2)
    down, right = np.gradient(smooth(elevation, 1), PIXEL)
    slope = np.hypot(down, right).astype(np.float32)
    return Terrain(elevation, water, height, resize(np.minimum(shore, 1e6), size), bank, tuple(rivers), slope)


def stroke(points: paths.Points, width: NDArray[np.floating], size: int, pixel: float) -> NDArray[np.bool_]:
    """Draw a line of changing width.

    Args:
        points: (N, 2) metres, close together.
        width: (N,) metres.
        size: rows and columns of the result.
        pixel: metres of a pixel.
    """
    image = Image.new("1", (size, size))
    draw = ImageDraw.Draw(image)
    scaled = points / pixel - 0.5
    half = np.maximum(np.asarray(width) / pixel / 2, 0.5)
    for (x, y), radius in zip(scaled.tolist(), half.tolist(), strict=True):
        if -radius <= x <= size + radius and -radius <= y <= size + radius:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
    return np.asarray(image)


# --- the relief before the river, by shape of the land


def _inland(size: int, direction: float, offset: float) -> Field:
    """Metres inland of a straight coast that faces `direction`; `offset` (0 to 1) is the share of land."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    along = axis[None, :] * np.float32(np.cos(direction)) + axis[:, None] * np.float32(np.sin(direction))
    return np.asarray((offset - 0.5 - along) * size * PIXEL, np.float32)


def _coast(rng: np.random.Generator, size: int, climate: Climate, direction: float) -> Field:
    extent = size * PIXEL
    inland = _inland(size, direction, float(rng.uniform(0.55, 0.75)))
    inland += fractal(rng, size, beta=4.2, longest=size * 0.5) * min(420.0, extent * 0.1)
    inland += fractal(rng, size, beta=3.2, longest=48) * 34
    hills = fractal(rng, size, beta=4.1, longest=200)
    land = climate.relief * (0.9 * (1 - np.exp(-np.maximum(inland, 0) / 900)))
    land = land * (1 + 0.45 * hills) + 0.6
    return np.where(inland > 0, np.maximum(land, 0.4), inland / 55 - 0.4).astype(np.float32)


def _delta(rng: np.random.Generator, size: int, climate: Climate, direction: float) -> Field:
    inland = _inland(size, direction, float(rng.uniform(0.75, 1.05)))
    inland += fractal(rng, size, beta=4.1, longest=size * 0.5) * min(330.0, size * PIXEL * 0.08)
    inland += fractal(rng, size, beta=3.1, longest=40) * 40
    micro = fractal(rng, size, beta=3.5, longest=90)
    land = climate.altitude * 0.5 + 2.5e-4 * inland + 0.35 * micro * climate.relief / 3
    return np.where(inland > 0, np.maximum(land, 0.3), inland / 180 - 0.2).astype(np.float32)


def _island(rng: np.random.Generator, size: int, climate: Climate, direction: float) -> Field:
    extent = size * PIXEL
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    x = axis[None, :] - 0.14 * np.cos(direction)
    y = axis[:, None] - 0.14 * np.sin(direction)
    stretch = float(rng.uniform(0.7, 0.95))
    across = -x * np.sin(direction) + y * np.cos(direction)
    along = (x * np.cos(direction) + y * np.sin(direction)) * stretch
    radius = float(rng.uniform(0.3, 0.42)) * extent
    inland = radius - np.hypot(along, across) * extent
    inland += fractal(rng, size, beta=4.1, longest=size * 0.4) * min(300.0, extent * 0.07)
    inland += fractal(rng, size, beta=3.2, longest=40) * 26
    ridges = 1 - np.abs(fractal(rng, size, beta=5.0, longest=120))
    land = climate.relief * np.clip(inland / radius, 0, 1) ** 1.3 * (0.8 + 0.35 * ridges) + 0.8
    reef = float(rng.uniform(300, 520)) * (1 + 0.35 * fractal(rng, size, beta=3.7, longest=160))
    lagoon = -0.6 - 2.2 * np.clip(-inland / 200, 0, 1) + 0.7 * fractal(rng, size, beta=3.1, longest=30)
    crest = np.exp(-(((inland + reef) / 45.0) ** 2)) * 2.0
    outer = -3.0 - (-inland - reef) / 9.0
    depth = np.where(inland > -reef, np.minimum(lagoon + crest, -0.3), np.minimum(outer + crest, -0.3))
    return np.asarray(np.where(inland > 0, land, depth), np.float32)


def _plain(rng: np.random.Generator, size: int, climate: Climate, direction: float) -> Field:  # noqa: ARG001
    broad = fractal(rng, size, beta=4.2, longest=170)
    basins = np.maximum(fractal(rng, size, beta=3.9, longest=75) - 0.35, 0)
    return np.asarray(climate.altitude + climate.relief * (0.75 + 0.5 * broad - 0.75 * basins), np.float32)


def _valley(rng: np.random.Generator, size: int, climate: Climate, direction: float) -> Field:  # noqa: ARG001
    mesas = np.tanh(2.2 * fractal(rng, size, beta=3.8, longest=170) - 0.8)
    rough = fractal(rng, size, beta=3.2, longest=60)
    return np.asarray(climate.altitude + climate.relief * (0.55 + 0.45 * mesas + 0.06 * rough), np.float32)


def _range(rng: np.random.Generator, size: int, climate: Climate, direction: float) -> Field:  # noqa: ARG001
    ridges = 1 - np.abs(fractal(rng, size, beta=5.0, longest=230))
    spurs = fractal(rng, size, beta=4.8, longest=110)
    form = 0.72 + 0.16 * ridges + 0.055 * spurs + 0.2 * fractal(rng, size, beta=4.6, longest=320)
    return np.asarray(climate.altitude + climate.relief * np.maximum(form, 0.2), np.float32)


def _hills(rng: np.random.Generator, size: int, climate: Climate, direction: float) -> Field:  # noqa: ARG001
    form = fractal(rng, size, beta=4.5, longest=220)
    spurs = fractal(rng, size, beta=4.4, longest=80)
    return np.asarray(climate.altitude + climate.relief * (0.5 + 0.3 * form + 0.08 * spurs), np.float32)


_SHAPES: dict[Shape, Callable[[np.random.Generator, int, Climate, float], Field]] = {
    "coast": _coast, "delta": _delta, "island": _island, "plain": _plain, "valley": _valley, "range": _range,
    "hills": _hills,
}  # fmt: skip

_FLOOR: dict[Shape, tuple[float, float]] = {
    "coast": (140, 800), "delta": (100, 400), "island": (0, 1), "plain": (50, 500), "valley": (650, 900),
    "range": (220, 1500), "hills": (110, 650),
}  # fmt: skip
"""Half-width of the flat valley floor and width of the valley side, metres."""


def _without_ponds(hills: Field, climate: Climate) -> Field:
    """Raise what lies below the sea but is cut off from the open sea."""
    below = _every_other(hills < 0)
    if climate.shape not in _MARINE or not below.any():
        return hills
    labels, areas = paths.patches(below.astype(np.int32))
    held = np.zeros(areas.size, bool)
    held[labels[below]] = True
    sea = held & (areas >= max(0.2 * areas[held].max(), 400))
    closed = _enlarge((below & ~sea[labels]).astype(np.float32), hills.shape[0]) > 0
    open_sea = paths.grow(_enlarge((below & sea[labels]).astype(np.float32), hills.shape[0]) > 0, 2)
    return np.where((hills < 0) & (closed | ~open_sea), np.float32(0.5), hills)


# --- rivers, lakes, water


def _main_rivers(rng: np.random.Generator, size: int, climate: Climate, direction: float, hills: Field) -> list[River]:
    low, high = climate.river
    if high <= 0:
        return []
    extent = size * PIXEL
    ahead = np.array([np.cos(direction), np.sin(direction)])
    aside = np.array([-ahead[1], ahead[0]])
    centre = np.array([extent, extent]) / 2 + aside * rng.uniform(-0.16, 0.16) * extent
    arms = int(rng.integers(2, 4)) if climate.shape == "delta" else 1
    width = float(rng.uniform(low, high)) * min(1.0, 0.35 + extent / 8000)
    source, apex = centre - ahead * extent * 0.85, centre - ahead * extent * rng.uniform(0.25, 0.45)
    marine = climate.shape in _MARINE
    fall = 0.00025 + climate.relief * 5e-6
    rivers: list[River] = []
    for arm in range(arms):
        end = centre + ahead * extent * 0.85 + aside * extent * (0.55 * (arm - (arms - 1) / 2))
        wave = float(np.clip(width * 11, 350, 2200))
        start = source if arm == 0 else apex
        points = paths.meander(rng, start, end, angle=climate.meander, wavelength=wave)
        if arm and rivers:  # an arm leaves the first one where that passes nearest to the apex
            first = rivers[0].points
            points += (first[np.argmin(np.hypot(*(first - apex).T))] - points[0]) * np.linspace(1, 0, len(points))[
                :, None
            ]
        if marine:
            points = points[: _first_at_sea(points, hills)]
        if len(points) < 2:
            continue
        left = np.linspace((len(points) - 1) * 5.0, 0, len(points))
        level = left * fall + (0.0 if marine else climate.altitude)
        knots = np.linspace(0, 1, 24)
        vary = np.interp(np.linspace(0, 1, len(points)), knots, rng.uniform(0.78, 1.25, knots.size))
        funnel = 1 + (1.6 * np.exp(-left / 500) if marine else 0)
        rivers.append(River(points, level, width * vary * funnel * (1.0 if arm == 0 else 0.65), main=True))
    return rivers


def _first_at_sea(points: paths.Points, hills: Field) -> int:
    size = hills.shape[0]
    cells = np.floor(points / PIXEL).astype(int)
    inside = ((cells >= 0) & (cells < size)).all(axis=1)
    clipped = np.clip(cells, 0, size - 1)
    wet = np.flatnonzero(inside & (hills[clipped[:, 1], clipped[:, 0]] < -0.6))
    return int(wet[0]) + 1 if wet.size else len(points)


def _around_rivers(rng: np.random.Generator, hills: Field, rivers: list[River], climate: Climate) -> Field:
    """Lay a valley around the main river: a flat floor just above the water, then sides up to the hills."""
    size = hills.shape[0]
    if not rivers:
        return hills
    points = np.concatenate([river.points for river in rivers])
    level_at = np.concatenate([river.level for river in rivers])
    width_at = np.concatenate([river.width for river in rivers]) / 2
    index = replicate(paths.nearest(points, -(-size // 2), PIXEL * 2), 2)[:size, :size].astype(np.int32)
    if (index < 0).all():
        return hills
    away = paths.distance(points, index, PIXEL)
    level = smooth(level_at[index].astype(np.float32), 4)
    flat, rise = _FLOOR[climate.shape]
    flat *= min(1.0, size / 256)
    ramp = np.clip((away - flat * (1 + 0.35 * fractal(rng, size, beta=3.7, longest=80))) / rise, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    floor = level + 0.7 + 0.004 * np.minimum(away, 600) + 0.35 * np.abs(fractal(rng, size, beta=3.5, longest=60))
    land = floor * (1 - ramp) + np.maximum(hills, floor) * ramp
    land = np.where(hills < 0, hills, land)
    bed = away < width_at[index]
    bottom = level - 1.0 - 2.5 * (1 - away / width_at[index])
    return np.where(bed & (hills >= 0), bottom, land).astype(np.float32)


def _fill_lakes(
    rng: np.random.Generator, elevation: Field, coarse: Field, flow: Drainage, climate: Climate
) -> tuple[Field, Field]:
    """Keep some depressions as lakes and level up the others.

    Returns:
        the elevation, and (S, S) the lake surface near lakes, -inf elsewhere.
    """
    size = elevation.shape[0]
    depth = flow.filled - coarse
    labels, areas = paths.patches((depth > 0.5).astype(np.int32))
    level = np.full(coarse.shape, -np.inf, np.float32)
    dry = depth.copy()
    for label in np.flatnonzero(areas >= 5).tolist():
        inside = labels == label
        if depth[inside].min() > 0.5 and rng.random() < climate.lakes:
            surface = float(flow.filled[inside].min())
            reach = paths.grow(inside, 2)
            level[reach] = np.maximum(level[reach], surface)
            dry[reach] = 0
    elevation = elevation + resize(np.where(dry > 0, dry, 0), size)
    return elevation.astype(np.float32), _enlarge(level, size)


def _streams(flow: Drainage, cells: int, climate: Climate) -> list[River]:
    """Streams where enough land drains together; none in the desert, where the beds are dry."""
    if climate.shape in ("valley", "delta"):
        return []
    rivers = []
    step = PIXEL * _COARSE
    for course in flow.streams(160 if climate.shape == "island" else 420):
        rows, cols = np.divmod(course, cells)
        raw = np.column_stack([(cols + 0.5) * step, (rows + 0.5) * step])
        points = paths.resample(paths.chaikin(raw), 5.0)
        share = np.linspace(0, len(course) - 1, len(points))
        level = np.interp(share, np.arange(len(course)), flow.filled.ravel()[course])
        area = np.interp(share, np.arange(len(course)), flow.catchment[course]) * (step / 1000) ** 2
        rivers.append(River(points, np.minimum.accumulate(level), 5 + 5 * np.sqrt(area), main=False))
    return rivers


def _carve(elevation: Field, rivers: list[River]) -> Field:
    """Press small beds into the land, so that every stream lies below its banks."""
    out = elevation.copy()
    for river in rivers:
        cells = np.clip(np.floor(river.points / PIXEL).astype(int), 0, elevation.shape[0] - 1)
        np.minimum.at(out, (cells[:, 1], cells[:, 0]), (river.level - 0.8).astype(np.float32))
    return out


def _water_mask(elevation: Field, seabed: Field | None, lake_level: Field, rivers: list[River]) -> NDArray[np.uint8]:
    size = elevation.shape[0]
    fine = resize(elevation, size * 2)
    water = np.zeros((size * 2, size * 2), np.uint8)
    for river in rivers:
        water[stroke(river.points, river.width, size * 2, FINE)] = Cover.RIVER
    lakes = fine < _enlarge(lake_level, size * 2)
    labels, areas = paths.patches(lakes.astype(np.int32))
    water[lakes & (areas[labels] >= 60)] = Cover.LAKE
    if seabed is not None:
        water[resize(seabed, size * 2) < 0] = Cover.SEA
    return water


def _above_water(
    elevation: Field, sea: NDArray[np.bool_], lake_level: Field, rivers: list[River]
) -> tuple[Field, Field]:
    """Height above, and distance to, the nearest water: river courses, lake shores and sea shores."""
    size = elevation.shape[0]
    lake = elevation < lake_level
    wet = [paths.centres(_every_other(lake), PIXEL * 2), paths.centres(_every_other(sea), PIXEL * 2)]
    points = np.concatenate([river.points for river in rivers] + wet)
    levels = np.concatenate(
        [river.level for river in rivers]
        + [_every_other(lake_level)[_every_other(lake)].astype(np.float64), np.zeros(len(wet[1]))]
    )
    if len(points) == 0:
        return elevation - elevation.min(), np.full(elevation.shape, 1e6, np.float32)
    index = replicate(paths.nearest(points, -(-size // 2), PIXEL * 2), 2)[:size, :size].astype(np.int32)
    bank = np.minimum(paths.distance(points, index, PIXEL), np.float32(1e6))
    return (elevation - levels[index].astype(np.float32)).astype(np.float32), bank


def _every_other(field: NDArray[_Number]) -> NDArray[_Number]:
    return field[::2, ::2]


def _enlarge(field: Field, size: int) -> Field:
    """Nearest-neighbour enlargement to (size, size)."""
    step = np.minimum(np.arange(size) * field.shape[0] // size, field.shape[0] - 1)
    return field[np.ix_(step, step)]
