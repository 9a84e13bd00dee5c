"""Roads with bridges, airports, harbours, irrigation: what people build between settlements."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox import paths
from swath.corpus.sandbox.classes import Cover, Material
from swath.corpus.sandbox.noise import block_mean
from swath.corpus.sandbox.terrain import FINE, PIXEL, Terrain, stroke
from swath.corpus.sandbox.towns import Town

_CELL = 8  # route finding runs on cells of 80 m


@dataclass(frozen=True, slots=True)
class Structure:
    """A thing that can be counted and pointed at.

    Attributes:
        kind: ``bridge``, ``airport``, ``harbour``, ``pivot`` or ``canal``.
        x: metres east of the upper left corner, of its centre.
        y: metres south of it.
        reach: half of its length, metres.
    """

    kind: str
    x: float
    y: float
    reach: float


def roads(rng: np.random.Generator, terrain: Terrain, towns: list[Town]) -> list[paths.Points]:
    """Main roads: from each town to the nearest earlier one, and from the first town out of the scene, at least cost.

    Returns:
        polylines with points 5 m apart.
    """
    if not towns or terrain.size < 2 * _CELL:
        return []
    slope = block_mean(terrain.slope, _CELL)
    wet = block_mean((terrain.water[::2, ::2] > 0).astype(np.float32), _CELL)
    cost = 1 + 45 * slope**1.4 + 14 * wet + 0.4 * rng.random(slope.shape)
    cells = slope.shape[0]
    spots = [(min(int(t.y / PIXEL / _CELL), cells - 1), min(int(t.x / PIXEL / _CELL), cells - 1)) for t in towns]
    border = np.zeros(slope.shape, bool)
    border[[0, -1], :] = True
    border[:, [0, -1]] = True
    border &= wet < 0.3
    routes = []
    for number, spot in enumerate(spots):
        goal = np.zeros(slope.shape, bool)
        for other in spots[:number]:
            goal[other] = True
        for target in (goal,) if number else _opposite_borders(border):
            route = _route(cost, spot, target)
            if len(route) > 1:
                raw = (np.array(route)[:, ::-1] + 0.5) * PIXEL * _CELL
                smooth = paths.resample(paths.chaikin(_to_edge(raw, terrain.size * PIXEL), 3), FINE)
                routes.append(paths.resample(paths.eased(smooth, 45), FINE))
    return routes


def pave(
    terrain: Terrain, routes: list[paths.Points], cover: NDArray[np.uint8], material: NDArray[np.uint8]
) -> list[Structure]:
    """Draw the roads into `cover` and `material` (in place) and list the bridges where they cross water."""
    bridges = []
    size = cover.shape[0]
    for route in routes:
        line = stroke(route, np.full(len(route), 11.0), size, FINE)
        cells = np.clip((route / FINE).astype(int), 0, size - 1)
        over = terrain.water[cells[:, 1], cells[:, 0]] > 0
        edges = np.flatnonzero(np.diff(np.concatenate([[0], over.astype(np.int8), [0]])))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            middle = route[(start + end) // 2]
            if 2 <= end - start <= 160 and start > 0 and end < len(route):
                bridges.append(Structure("bridge", float(middle[0]), float(middle[1]), (end - start) * FINE / 2))
        cover[line] = Cover.ROAD
        material[line] = Material.ASPHALT
    return _merged(bridges)


def airport(
    rng: np.random.Generator, terrain: Terrain, towns: list[Town], cover: NDArray[np.uint8], material: NDArray[np.uint8]
) -> list[Structure]:
    """Place an airport on flat dry land out of town, if there is room for a runway of 1.2 km or more."""
    extent = terrain.size * PIXEL
    length = min(2300.0, extent * 0.42)
    if length < 1200:
        return []
    slope = terrain.slope
    bad = (terrain.water[::2, ::2] > 0) | (slope > 0.09)
    for _ in range(60):
        x, y = rng.uniform(0.25 * extent, 0.75 * extent, 2)
        angle = float(rng.uniform(0, np.pi))
        along, across = np.meshgrid(np.linspace(-0.5, 0.5, 40) * length * 1.04, np.linspace(-90, 330, 12))
        px = x + along * np.cos(angle) - across * np.sin(angle)
        py = y + along * np.sin(angle) + across * np.cos(angle)
        inside = (px > 0) & (px < extent) & (py > 0) & (py < extent)
        if not inside.all() or any(np.hypot(px - t.x, py - t.y).min() < t.radius * 0.9 for t in towns):
            continue
        if not bad[(py / PIXEL).astype(int), (px / PIXEL).astype(int)].any():
            _lay_runway(float(x), float(y), angle, length, cover, material)
            return [Structure("airport", float(x), float(y), length / 2)]
    return []


def harbour(
    rng: np.random.Generator, terrain: Terrain, towns: list[Town], cover: NDArray[np.uint8], material: NDArray[np.uint8]
) -> list[Structure]:
    """Give the largest town by the sea a harbour: a quay along the shore, piers into the water, a breakwater."""
    sea = terrain.water == Cover.SEA
    if sea.mean() < 0.02 or not towns:
        return []
    shore = paths.centres(paths.grow(sea) & ~sea, FINE)
    town = next((t for t in towns if len(shore) and np.hypot(*(shore - (t.x, t.y)).T).min() < t.radius + 450), None)
    if town is None:
        return []
    spot = shore[np.argmin(np.hypot(*(shore - (town.x, town.y)).T))]
    size = cover.shape[0]
    axis = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(FINE)
    dx, dy = axis[None, :] - np.float32(spot[0]), axis[:, None] - np.float32(spot[1])
    far = np.hypot(dx, dy)
    wet_x, wet_y = (
        float(dx.repeat(size, 0)[sea & (far < 350)].sum()),
        float(dy.repeat(size, 1)[sea & (far < 350)].sum()),
    )
    outward = np.arctan2(wet_y, wet_x)
    out = dx * np.float32(np.cos(outward)) + dy * np.float32(np.sin(outward))
    side = dy * np.float32(np.cos(outward)) - dx * np.float32(np.sin(outward))
    quay = ~sea & (far < 330) & (out > -130) & (terrain.water == 0)
    piers = np.zeros_like(quay)
    for place in np.linspace(-210, 210, int(rng.integers(3, 6))):
        piers |= (np.abs(side - place) < 11) & (out > -60) & (out < rng.uniform(110, 210)) & sea
    bow = out + (side / 30) ** 2 * 0.9
    breakwater = (np.abs(bow - 300) < 11) & (np.abs(side) < 330) & sea
    cover[quay | piers] = Cover.INDUSTRY
    hall = quay & (out < -40) & (np.mod(side, 70) > 22) & (np.mod(out, 55) > 16)
    material[quay | piers] = Material.CONCRETE
    material[hall] = Material.ROOF_METAL
    cover[breakwater] = Cover.ROCK
    material[breakwater] = Cover.ROCK
    return [Structure("harbour", float(spot[0]), float(spot[1]), 330.0)]


def pivots(
    rng: np.random.Generator, where: NDArray[np.bool_], first_id: int, ids: NDArray[np.int32]
) -> tuple[list[Structure], NDArray[np.bool_]]:
    """Circular irrigated fields on the true pixels of `where`; each gets the next parcel number in `ids` (in place)."""
    size = where.shape[0]
    spacing = float(rng.uniform(440, 760))
    angle = float(rng.uniform(0, np.pi / 2))
    reach = int(size * FINE / spacing) + 1
    axis = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(FINE)
    found: list[Structure] = []
    disc = np.zeros_like(where)
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            x = size * FINE / 2 + spacing * (i * np.cos(angle) - j * np.sin(angle))
            y = size * FINE / 2 + spacing * (i * np.sin(angle) + j * np.cos(angle))
            radius = spacing * 0.46
            lo = [max(int((value - radius) / FINE), 0) for value in (y, x)]
            hi = [min(int((value + radius) / FINE) + 1, size) for value in (y, x)]
            if lo[0] >= hi[0] or lo[1] >= hi[1] or rng.random() < 0.35:
                continue
            area = (slice(lo[0], hi[0]), slice(lo[1], hi[1]))
            circle = np.hypot(axis[None, area[1]] - x, axis[area[0], None] - y) < radius
            if circle.sum() > 1000 and where[area][circle].mean() > 0.9:
                ids[area][circle] = first_id + len(found)
                disc[area] |= circle
                found.append(Structure("pivot", float(x), float(y), radius))
    return found, disc


def canals(
    rng: np.random.Generator, terrain: Terrain, land: NDArray[np.bool_]
) -> tuple[list[Structure], NDArray[np.bool_]]:
    """Straight canals over flat land, in two directions: (structures, (F, F) mask of their water)."""
    size = terrain.size * 2
    extent = size * FINE
    water = np.zeros((size, size), bool)
    found = []
    base = float(rng.uniform(0, np.pi))
    for turn in range(int(rng.integers(3, 6))):
        angle = base + (np.pi / 2 if turn % 3 == 2 else 0.0) + float(rng.normal(0, 0.04))
        middle = rng.uniform(0.15, 0.85, 2) * extent
        along = np.arange(-extent, extent, FINE)
        points = middle + np.column_stack([along * np.cos(angle), along * np.sin(angle)])
        water |= stroke(points, np.full(len(points), float(rng.uniform(12, 24))), size, FINE)
        found.append(Structure("canal", float(middle[0]), float(middle[1]), extent))
    return found, water & land


def _lay_runway(
    x: float, y: float, angle: float, length: float, cover: NDArray[np.uint8], material: NDArray[np.uint8]
) -> None:
    size = cover.shape[0]
    axis = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(FINE)
    dx, dy = axis[None, :] - np.float32(x), axis[:, None] - np.float32(y)
    u = dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle))
    v = dy * np.float32(np.cos(angle)) - dx * np.float32(np.sin(angle))
    half = length / 2
    ground = (np.abs(u) < half * 1.04) & (v > -90) & (v < 330)
    strip = (np.abs(u) < half) & (np.abs(v) < 23)
    taxi = (np.abs(u) < half * 0.94) & (np.abs(v - 150) < 11)
    links = (v > 0) & (v < 150) & (np.abs(np.abs(u) - half * 0.9) < 11)
    links |= (v > 0) & (v < 150) & (np.abs(u) < 11)
    apron = (np.abs(u) < 260) & (v > 150) & (v < 240)
    terminal = (np.abs(u) < 170) & (v > 240) & (v < 285)
    hangars = (np.abs(np.abs(u) - 250) < 45) & (v > 245) & (v < 300)
    cover[ground] = Cover.GRASS
    material[ground] = Material.LAWN
    cover[strip | taxi | links] = Cover.RUNWAY
    material[strip | taxi | links] = Material.ASPHALT
    cover[apron | terminal | hangars] = Cover.INDUSTRY
    material[apron] = Material.CONCRETE
    material[terminal | hangars] = Material.ROOF_METAL


def _opposite_borders(border: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The dry border in two halves, so that the main road crosses the scene."""
    rows, cols = np.indices(border.shape)
    first = border & (rows + cols < border.shape[0])
    return [half for half in (first, border & ~first) if half.any()]


def _to_edge(points: paths.Points, extent: float) -> paths.Points:
    """Draw a road that ends in a border cell out over the border."""
    edge = PIXEL * _CELL
    last = points[-1]
    if edge < last[0] < extent - edge and edge < last[1] < extent - edge:
        return points
    return np.concatenate([points, (last + (last - points[-2]) * 1.5)[None]])


def _merged(bridges: list[Structure]) -> list[Structure]:
    kept: list[Structure] = []
    for bridge in bridges:
        if all(np.hypot(bridge.x - other.x, bridge.y - other.y) > 120 for other in kept):
            kept.append(bridge)
    return kept


def _route(cost: NDArray[np.floating], start: tuple[int, int], goal: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Cells of the cheapest way from `start` to any true cell of `goal` (Dijkstra, 8 neighbours)."""
    rows, cols = cost.shape
    price = cost.tolist()
    target = goal.tolist()
    best = {start: 0.0}
    before: dict[tuple[int, int], tuple[int, int]] = {}
    heap = [(0.0, start)]
    while heap:
        spent, cell = heapq.heappop(heap)
        if target[cell[0]][cell[1]]:
            way = [cell]
            while way[-1] != start:
                way.append(before[way[-1]])
            return way[::-1]
        if spent > best[cell]:
            continue
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                r, c = cell[0] + down, cell[1] + right
                if (down or right) and 0 <= r < rows and 0 <= c < cols:
                    total = spent + price[r][c] * (1.414 if down and right else 1.0)
                    if total < best.get((r, c), np.inf):
                        best[(r, c)] = total
                        before[(r, c)] = cell
                        heapq.heappush(heap, (total, (r, c)))
    return []
