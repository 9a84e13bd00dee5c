"""The optical image of a radar chip: found by footprint and date, cut to the same ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely

from swath.chips import Chip, SceneRef
from swath.corpus.paired.matching import matching_window
from swath.errors import DataError
from swath.raster import footprint, scene_grid

_EMPTY = shapely.Polygon()


@dataclass(frozen=True, slots=True)
class Partner:
    """The optical chip of a radar chip.

    Attributes:
        chip: the same ground in the optical scene.
        days: days between the two; infinite where one has no date.
    """

    chip: Chip
    days: float


class Partners:
    """Optical scenes to choose from.

    Args:
        scenes: the scenes.
        days: days between the two images at most.
        overlap: share of the radar chip that the optical scene must cover.
    """

    def __init__(self, scenes: Sequence[SceneRef], days: float, overlap: float) -> None:
        self._scenes = [scene for scene in scenes if scene.footprint is not None]
        self._tree = shapely.STRtree(
            [scene.footprint.geometry if scene.footprint else _EMPTY for scene in self._scenes]
        )
        self._days, self._overlap = days, overlap

    def of(self, chip: Chip) -> Partner:
        """The optical chip nearest in time that covers the ground.

        Args:
            chip: the radar chip.

        Raises:
            DataError: the chip has no place, no optical scene covers it, or none of the date; the message says which.
            SourceError: the optical scene cannot be opened.
        """
        if chip.footprint is None:
            raise DataError(f"{chip.scene.id} has no footprint, so no optical image can be found for it")
        area = chip.footprint.geometry
        near = [self._scenes[index] for index in self._tree.query(area, predicate="intersects").tolist()]
        covers = {scene.id: _cover(scene, chip) for scene in near}
        over = [scene for scene in near if covers[scene.id] >= self._overlap]
        if not over:
            best = max(covers.values(), default=0.0)
            raise DataError(
                f"{chip.scene.id} {chip.window.to_list()}: no optical scene covers {self._overlap:.0%} of it (the best "
                f"covers {best:.0%})"
            )
        dated = sorted(
            ((_days(scene.datetime, chip.scene.datetime), scene.id, scene) for scene in over),
            key=lambda entry: entry[:2],
        )
        days, _, scene = dated[0]
        if days > self._days:
            apart = f"is {days:.0f} days away" if math.isfinite(days) else "or the chip has no date"
            raise DataError(
                f"{chip.scene.id} {chip.window.to_list()}: the nearest optical scene ({scene.id}) {apart}, and "
                f"{self._days:g} days are allowed; allow more with --days"
            )
        return Partner(_cut(scene, chip), days)


def _cover(scene: SceneRef, chip: Chip) -> float:
    """Share of a chip's ground that a scene covers."""
    if scene.footprint is None or chip.footprint is None:
        return 0.0
    area = chip.footprint.geometry
    return float(area.intersection(scene.footprint.geometry).area / area.area) if area.area else 0.0


def _days(one: datetime | None, other: datetime | None) -> float:
    """Days between two times; unknown ones are infinitely far."""
    if one is None or other is None:
        return float("inf")
    return abs((one - other).total_seconds()) / 86400


def _cut(scene: SceneRef, chip: Chip) -> Chip:
    grid = scene_grid(scene)
    window = matching_window(scene_grid(chip.scene), chip.window, grid)
    if window is None:
        raise DataError(f"{scene.id} does not cover all of {chip.scene.id} {chip.window.to_list()}")
    return Chip(scene, window, footprint(grid, window))
