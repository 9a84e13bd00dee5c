"""Which scenes show one place at one time, and which windows of them are the same ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely

from swath.chips import SceneRef, Window
from swath.errors import GeoreferenceError, InputError
from swath.raster import RasterInfo
from swath.raster.windows import to_crs, to_pixel

SECONDS_OF_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class SceneGroup:
    """Scenes of one place and time, of different sensors.

    Attributes:
        scenes: the reference scene, whose grid is cut, then its partners.
    """

    scenes: tuple[SceneRef, ...]

    @property
    def name(self) -> str:
        """The reference scene's id."""
        return self.scenes[0].id


def co_located(scenes: Sequence[SceneRef], max_days: float = 10.0, min_overlap: float = 0.5) -> list[SceneGroup]:
    """Find scenes of different sensors that show one place within some days.

    The sensor with the most scenes gives the references (among equals an optical one, then by name). Every other
    sensor's scenes are dealt out, each once: the smallest time apart first, then the largest overlap.

    Args:
        scenes: scenes of any sensors; those without footprint match nothing.
        max_days: most days between a reference and its partner; scenes without a date match at any time.
        min_overlap: least share of the smaller footprint that both must cover, over 0 to 1.

    Returns:
        Groups of two scenes or more, in the order of their references.

    Raises:
        InputError: `max_days` or `min_overlap` cannot be meant.
    """
    if not max_days >= 0 or not 0.0 < min_overlap <= 1.0:
        raise InputError(
            f"scenes are matched within max_days >= 0 and 0 < min_overlap <= 1, not {max_days}, {min_overlap}"
        )
    by_sensor: dict[str, list[SceneRef]] = {}
    for scene in scenes:
        if scene.footprint is not None:
            by_sensor.setdefault(scene.sensor, []).append(scene)
    if len(by_sensor) < 2:
        return []
    first = min(by_sensor, key=lambda name: (-len(by_sensor[name]), name.startswith(("s1", "sar")), name))
    references = by_sensor.pop(first)
    partners: dict[int, list[SceneRef]] = {}
    for name in sorted(by_sensor):
        for at, scene in _dealt(references, by_sensor[name], max_days, min_overlap).items():
            partners.setdefault(at, []).append(scene)
    return [SceneGroup((references[at], *partners[at])) for at in sorted(partners)]


def _dealt(
    references: Sequence[SceneRef], others: Sequence[SceneRef], max_days: float, min_overlap: float
) -> dict[int, SceneRef]:
    """Reference -> its partner among the scenes of one other sensor."""
    shapes = [scene.footprint.geometry for scene in others if scene.footprint is not None]
    tree = shapely.STRtree(shapes)
    found: list[tuple[float, float, int, int]] = []
    for at, reference in enumerate(references):
        own = reference.footprint.geometry if reference.footprint is not None else shapely.Polygon()
        for other in tree.query(own, predicate="intersects").tolist():
            share = own.intersection(shapes[other]).area / max(min(own.area, shapes[other].area), 1e-300)
            days = _days(reference, others[other])
            if share >= min_overlap and days <= max_days:
                found.append((days, -share, at, other))
    dealt: dict[int, SceneRef] = {}
    used = set[int]()
    for _, _, at, other in sorted(found):
        if at not in dealt and other not in used:
            dealt[at] = others[other]
            used.add(other)
    return dealt


def _days(a: SceneRef, b: SceneRef) -> float:
    if a.datetime is None or b.datetime is None:
        return 0.0
    return abs((a.datetime - b.datetime).total_seconds()) / SECONDS_OF_DAY


def matching_window(reference: RasterInfo, window: Window, other: RasterInfo) -> Window | None:
    """The window of another scene that covers the same ground, to the nearest pixel.

    Args:
        reference: the grid that `window` counts in.
        window: a window of it.
        other: the other scene's grid, in the same CRS; its pixels may have another size.

    Returns:
        The window, or None where the other scene does not cover all of it.

    Raises:
        GeoreferenceError: the grids are in different CRSs, turned against each other, or without georeference.
    """
    if reference.crs is None or reference.crs != other.crs:
        raise GeoreferenceError(
            f"{other.href} is in {other.crs or 'no CRS'}, {reference.href} in {reference.crs or 'none'}; "
            "bring both into one CRS (gdalwarp -t_srs)"
        )
    corners = [
        to_pixel(other.transform, *to_crs(reference.transform, float(col), float(row)))
        for col, row in (
            (window.col, window.row),
            (window.col + window.width, window.row),
            (window.col + window.width, window.row + window.height),
        )
    ]
    (left, top), (right, turned), (edge, bottom) = corners
    if abs(turned - top) > 0.5 or abs(edge - right) > 0.5 or right <= left or bottom <= top:
        raise GeoreferenceError(f"{other.href} is turned against {reference.href}; bring both onto one grid (gdalwarp)")
    col, row = round(left), round(top)
    width, height = round(right - left), round(bottom - top)
    if width < 1 or height < 1 or col < 0 or row < 0 or col + width > other.width or row + height > other.height:
        return None
    return Window(col, row, width, height)
