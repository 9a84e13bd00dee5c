"""What is true of a chip: shares, patches, neighbours, counts and places, measured on the land cover of the day.

Captions are written from these facts alone, so that they are true of the ground; they do not look at the pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.chips import Window
from swath.corpus.sandbox import paths
from swath.corpus.sandbox.classes import ANNUAL, LABELS, Cover
from swath.corpus.sandbox.days import Day
from swath.corpus.sandbox.terrain import PIXEL, River

THEMES: dict[str, frozenset[Cover]] = {
    "sea": frozenset({Cover.SEA, Cover.SHIP}),
    "reef": frozenset({Cover.REEF}),
    "lake": frozenset({Cover.LAKE}),
    "river": frozenset({Cover.RIVER}),
    "conifer": frozenset({Cover.CONIFER}),
    "broadleaf": frozenset({Cover.BROADLEAF}),
    "rainforest": frozenset({Cover.RAINFOREST}),
    "mangrove": frozenset({Cover.MANGROVE}),
    "shrub": frozenset({Cover.SHRUB}),
    "grass": frozenset({Cover.GRASS, Cover.PARK}),
    "wetland": frozenset({Cover.WETLAND}),
    "fields": ANNUAL - {Cover.RICE},
    "paddies": frozenset({Cover.RICE}),
    "vineyards": frozenset({Cover.VINEYARD}),
    "orchards": frozenset({Cover.ORCHARD}),
    "rock": frozenset({Cover.ROCK}),
    "sand": frozenset({Cover.SAND}),
    "beach": frozenset({Cover.BEACH}),
    "town": frozenset({Cover.CENTRE, Cover.HOUSES}),
    "industry": frozenset({Cover.INDUSTRY}),
    "road": frozenset({Cover.ROAD}),
    "runway": frozenset({Cover.RUNWAY}),
    "glacier": frozenset({Cover.ICE}),
    "snow": frozenset({Cover.SNOW}),
    "ice": frozenset({Cover.LAKE_ICE}),
    "flood": frozenset({Cover.FLOOD}),
    "drowned": frozenset({Cover.FLOODED_VEGETATION}),
    "burn": frozenset({Cover.BURN}),
    "damage": frozenset({Cover.DAMAGE}),
    "clearcut": frozenset({Cover.CLEARCUT}),
}
"""Groups of covers that captions have one noun for."""

_NAMES = tuple(THEMES)
_LUT = np.zeros(256, np.int32)
for _number, _covers in enumerate(THEMES.values()):
    _LUT[[int(cover) for cover in _covers]] = _number

_PRESENT = {"river": 0.004, "road": 0.003, "runway": 0.003, "beach": 0.006, "damage": 0.006}
"""Least share at which thin things count as present."""
_NO_LAND = frozenset({
    "sea", "reef", "lake", "river", "ice", "road", "runway", "beach", "flood", "drowned", "burn", "damage"
})  # fmt: skip
_PRESENT_ELSE = 0.015
_PATCH = 0.003  # least share of a patch that is counted

_BANK = 0.15  # least part of a theme on a river's other side

LABEL_SHARE = 0.02
"""Least share of a chip that gives it a label; of an event, half of that."""


@dataclass(frozen=True, slots=True)
class Part:
    """One theme in a chip.

    Attributes:
        share: of the chip's area.
        where: ``upper left``, ``top``, ``right``, ``middle`` and so on, or ``everywhere``.
        pieces: patches worth counting.
        largest: share of the chip in the largest patch.
        beside: other themes along its border and their share of it, the longest contact first.
        enclosed: whether its largest patch lies wholly inside the chip.
    """

    share: float
    where: str
    pieces: int
    largest: float
    beside: tuple[tuple[str, float], ...]
    enclosed: bool


@dataclass(frozen=True, slots=True)
class Course:
    """How the main river runs through a chip.

    Attributes:
        winding: whether it is a quarter longer than the straight way.
        width: mean width in metres.
        source: side of the chip where it comes in (``north``, ``south-west``).
        mouth: side where it goes out.
        banks: themes that lie on both sides of it, the largest first.
    """

    winding: bool
    width: float
    source: str
    mouth: str
    banks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a chip.

    Attributes:
        setting: words for the landscape: ``in boreal lake country``.
        season: season of the hemisphere; empty where the year has none to speak of.
        relief: ``flat``, ``gently rolling``, ``hilly`` or ``mountainous``.
        parts: themes present, the largest first.
        labels: unified labels and the share of each, the largest first.
        counts: ships, bridges, pivots, airports, harbours, canals and fields.
        course: the main river; None if it does not pass.
        crops: ``green``, ``ripe``, ``bare``, ``mixed`` or ``flooded``; empty without fields.
        field_hectares: mean size of the fields; 0 without fields.
        leafless: whether broadleaf trees are bare.
        event: ``flood``, ``fire`` or ``earthquake`` that shows in the chip; empty for none.
        kilometres: width of the chip.
    """

    setting: str
    season: str
    relief: str
    parts: Mapping[str, Part]
    labels: Mapping[str, float]
    counts: Mapping[str, int]
    course: Course | None
    crops: str
    field_hectares: float
    leafless: bool
    event: str
    kilometres: float

    @property
    def when(self) -> str:
        """Landscape and season: ``in boreal lake country in winter``."""
        return f"{self.setting} in {self.season}" if self.season else self.setting

    def land(self) -> list[str]:
        """Themes of dry land that are no lines and no event, the largest first."""
        return [theme for theme in self.parts if theme not in _NO_LAND]

    def share(self, *themes: str) -> float:
        """Total share of some themes."""
        return sum(self.parts[theme].share for theme in themes if theme in self.parts)


def observe(day: Day, window: Window) -> Facts:
    """The facts of a window (in 10 m pixels) of a scene on a date."""
    fine = (
        slice(window.row * 2, (window.row + window.height) * 2),
        slice(window.col * 2, (window.col + window.width) * 2),
    )
    rough = (slice(window.row, window.row + window.height), slice(window.col, window.col + window.width))
    cover = day.cover[fine]
    themes = _LUT[cover[::2, ::2]]
    parts = _parts(themes)
    field = day.place.land.field[fine] & np.isin(cover, [int(c) for c in ANNUAL])
    event = next((name for name, sign in _SIGNS.items() if any(theme in parts for theme in sign)), "")
    crops, hectares, count = _fields(day, fine, field)
    height = day.place.terrain.elevation[rough]
    steep = float(day.place.terrain.slope[rough].mean()) if height.max() > 0 else 0.0
    green = day.greenness.green[fine][cover == Cover.BROADLEAF]
    return Facts(
        setting=day.place.region.climate.title,
        season=day.season if day.place.region.climate.temperature[1] > 4 else "",
        relief=_relief(steep, float(np.ptp(np.maximum(height, 0)))),
        parts=parts,
        labels=_labels(cover),
        counts=_counts(day, window) | {"fields": count},
        course=_course(day.place.terrain.rivers, window, themes) if "river" in parts or "ice" in parts else None,
        crops=crops,
        field_hectares=hectares,
        leafless=bool(green.size and green.mean() < 0.35),
        event=event,
        kilometres=window.width * PIXEL / 1000,
    )


_SIGNS = {"flood": ("flood", "drowned"), "fire": ("burn",), "earthquake": ("damage",)}


def _labels(cover: NDArray[np.uint8]) -> dict[str, float]:
    pixels = np.bincount(cover.ravel(), minlength=256) / cover.size
    found = {}
    for label, kinds in LABELS.items():
        share = float(pixels[[int(kind) for kind in kinds]].sum())
        rare = label in ("Flooded Area", "Earthquake Damage", "Burned Area")
        if share >= (LABEL_SHARE / 2 if rare else LABEL_SHARE):
            found[label] = round(share, 4)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _parts(themes: NDArray[np.int32]) -> dict[str, Part]:
    """Every theme that is present, with its place, patches and neighbours."""
    rows, cols = themes.shape
    count = len(_NAMES)
    shares = np.bincount(themes.ravel(), minlength=count) / themes.size
    labels, areas = paths.patches(themes)
    kind = np.zeros(areas.size, np.int64)
    kind[labels.ravel()] = themes.ravel()
    pairs = np.concatenate([
        themes[:, 1:].ravel() * count + themes[:, :-1].ravel(),
        themes[1:].ravel() * count + themes[:-1].ravel(),
    ])  # fmt: skip
    contact = np.bincount(pairs, minlength=count * count).reshape(count, count)
    contact = contact + contact.T
    np.fill_diagonal(contact, 0)
    edge = np.zeros(areas.size, bool)
    for border in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        edge[border] = True
    parts = {}
    for number in np.argsort(-shares, kind="stable").tolist():
        name, share = _NAMES[number], float(shares[number])
        if share < _PRESENT.get(name, _PRESENT_ELSE):
            continue
        own = np.flatnonzero(kind == number)
        largest = int(own[np.argmax(areas[own])])
        border = max(int(contact[number].sum()), 1)
        order = np.argsort(-contact[number], kind="stable")[:4]
        beside = tuple((_NAMES[k], float(contact[number, k] / border)) for k in order if contact[number, k] > 0)
        parts[name] = Part(
            share=share,
            where=_where(themes == number, share),
            pieces=int((areas[own] >= _PATCH * rows * cols).sum()),
            largest=float(areas[largest] / themes.size),
            beside=beside,
            enclosed=not edge[largest],
        )
    return parts


def _where(mask: NDArray[np.bool_], share: float) -> str:
    """Where in the chip most of a theme lies."""
    rows, cols = mask.shape
    down = float((mask.sum(1) * (np.arange(rows) + 0.5)).sum() / mask.sum() / rows - 0.5)
    right = float((mask.sum(0) * (np.arange(cols) + 0.5)).sum() / mask.sum() / cols - 0.5)
    spread = float(np.sqrt(_variance(mask.sum(1)) + _variance(mask.sum(0))))
    if share > 0.55 or (spread > 0.36 and abs(down) < 0.15 and abs(right) < 0.15):
        return "everywhere"
    tall = "upper" if down < -0.14 else "lower" if down > 0.14 else ""
    wide = "left" if right < -0.14 else "right" if right > 0.14 else ""
    if tall and wide:
        return f"{tall} {wide}"
    return {"upper": "top", "lower": "bottom"}.get(tall, "") or wide or "middle"


def _variance(profile: NDArray[np.integer]) -> float:
    place = (np.arange(profile.size) + 0.5) / profile.size
    mean = float((profile * place).sum() / profile.sum())
    return float((profile * (place - mean) ** 2).sum() / profile.sum())


def _fields(day: Day, fine: tuple[slice, slice], field: NDArray[np.bool_]) -> tuple[str, float, int]:
    """State of the annual fields, their mean size in hectares, and how many there are."""
    if field.mean() < _PRESENT_ELSE:
        return "", 0.0, 0
    green, dry, wet = (part[fine][field] for part in (day.greenness.green, day.greenness.dry, day.greenness.wet))
    parcels = day.place.land.parcels.ids[fine][field]
    pixels = np.bincount(parcels)
    pixels = pixels[pixels >= 40]
    hectares = float(pixels.mean() * (PIXEL / 2) ** 2 / 10_000) if pixels.size else 0.0
    snowy = float(day.snow[fine][field].mean())
    shares = {
        "flooded": float((wet > 0.4).mean()),
        "green": float((green > 0.5).mean()),
        "ripe": float(((dry > 0.45) & (green < 0.4)).mean()),
        "bare": float(((green < 0.3) & (dry < 0.45) & (wet < 0.4)).mean()),
    }
    best = max(shares, key=lambda key: shares[key])
    state = best if shares[best] > 0.6 and snowy < 0.4 else "mixed"
    return state, hectares, int(pixels.size)


def _counts(day: Day, window: Window) -> dict[str, int]:
    left, top = window.col * PIXEL, window.row * PIXEL
    wide, tall = window.width * PIXEL, window.height * PIXEL

    def inside(x: float, y: float, margin: float = 0.0) -> bool:
        return left - margin < x < left + wide + margin and top - margin < y < top + tall + margin

    counts = {"ships": sum(inside(x, y) for x, y, _ in day.ships)}
    for kind in ("bridge", "pivot", "airport", "harbour"):
        slack = {"pivot": -60.0, "airport": -150.0}.get(kind, 0.0)
        counts[kind] = sum(inside(s.x, s.y, slack) for s in day.place.land.structures if s.kind == kind)
    return counts


def _course(rivers: tuple[River, ...], window: Window, themes: NDArray[np.int32]) -> Course | None:
    """The way of the widest river arm through the window, whose (H, W) themes tell what lies beside it."""
    left, top = window.col * PIXEL, window.row * PIXEL
    extent = np.array([window.width, window.height]) * PIXEL
    best: Course | None = None
    for river in rivers:
        place = (river.points - (left, top)) / extent
        inside = ((place >= 0) & (place <= 1)).all(axis=1)
        if inside.sum() < 0.5 * window.width * PIXEL / 5 or not river.main:
            continue
        run = place[inside]
        length = float(np.hypot(*np.diff(run, axis=0).T).clip(max=0.02).sum())
        straight = float(np.hypot(*(run[-1] - run[0])))
        width = float(river.width[inside].mean())
        if best is None or width > best.width:
            banks = _on_both_sides(run, themes)
            best = Course(length > 1.22 * straight, width, _side(run[0]), _side(run[-1]), banks)
    return best


def _on_both_sides(run: NDArray[np.float64], themes: NDArray[np.int32]) -> tuple[str, ...]:
    """Themes of which a part worth speaking of lies on each side of a way, the largest first.

    Args:
        run: (P, 2) the way across the unit square.
        themes: (H, W) number of the theme at each place of it.
    """
    way = run[:: max(len(run) // 64, 1)]
    along = np.gradient(way, axis=0)
    seen = themes[::2, ::2]
    rows, cols = (np.arange(size) + 0.5 for size in seen.shape)
    places = np.stack(np.meshgrid(cols / seen.shape[1], rows / seen.shape[0]), axis=-1).reshape(-1, 1, 2)
    nearest = ((places - way) ** 2).sum(-1).argmin(1)
    away = places[:, 0] - way[nearest]
    left = along[nearest, 0] * away[:, 1] < along[nearest, 1] * away[:, 0]
    counts = np.stack([np.bincount(seen.ravel()[side], minlength=len(_NAMES)) for side in (left, ~left)])
    both = counts.min(0) >= np.maximum(_BANK * counts.sum(0), _PATCH * seen.size)
    return tuple(_NAMES[number] for number in np.argsort(-counts.sum(0), kind="stable").tolist() if both[number])


def _side(point: NDArray[np.float64]) -> str:
    """Compass name of the side or corner of the unit square nearest to a point on its border."""
    x, y = point
    tall = "north" if y < 0.25 else "south" if y > 0.75 else ""
    wide = "west" if x < 0.25 else "east" if x > 0.75 else ""
    return f"{tall}-{wide}" if tall and wide else tall or wide or "middle"


def _relief(steep: float, span: float) -> str:
    if steep > 0.42 and span > 150:
        return "mountainous"
    if steep > 0.17 and span > 40:
        return "hilly"
    return "gently rolling" if steep > 0.05 and span > 12 else "flat"
