"""Where a map is high: scaled maps, and peaks as `swath` finds them and as the published evaluation does. Arrays only.

Pixel coordinates are continuous: pixel (row r, column c) spans r..r + 1 and c..c + 1, so its centre is (r + 0.5, c +
0.5). Only `published_peaks` speaks of whole pixels, as the published code does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from swath.errors import InputError
from swath.localize.filters import box_filter, maximum_filter, run_edges
from swath.localize.regions import Regions, find_regions

FLOOR = 0.5
"""Least scaled value (0 to 1) of a peak, as published."""

PROMINENCE = 0.15
"""How far (of the scaled range) one has to descend from a peak before one can climb to higher ground."""

_MOST_CANDIDATES = 256
_PUBLISHED_BOX, _PUBLISHED_ROUNDS, _PUBLISHED_REACH = 50, 5, 1000


@dataclass(frozen=True, slots=True)
class Peak:
    """A place where a map is high.

    Attributes:
        x: column of the centre of the highest ground, continuous.
        y: its row.
        value: the map there.
        relative: the map there, scaled so that its lowest value is 0 and its highest 1.
        outline: the ground around it that lies at most the prominence lower, in pixel coordinates (x, y).
    """

    x: float
    y: float
    value: float
    relative: float
    outline: BaseGeometry


def scaled(heat: NDArray[np.floating]) -> NDArray[np.floating]:
    """The map with its lowest value brought to 0 and its highest to 1; NaN stays, a flat map becomes 0.

    Raises:
        InputError: not a (H, W) map, or without any finite value.
    """
    finite = np.isfinite(heat)
    if heat.ndim != 2 or not finite.any():
        raise InputError(f"a heat map is (H, W) with at least one finite value, got shape {heat.shape}")
    whole = bool(finite.all())
    known = heat if whole else heat[finite]
    low, high = known.min(), known.max()
    spread = high - low
    level = (heat - low) / spread if spread > 0 else np.zeros_like(heat)
    return level.astype(heat.dtype, copy=False) if whole else np.where(finite, level, np.nan).astype(heat.dtype)


def find_peaks(
    heat: NDArray[np.floating],
    *,
    distance: float = 0.0,
    floor: float = FLOOR,
    prominence: float = PROMINENCE,
    limit: int = 20,
) -> list[Peak]:
    """The peaks of a map, highest first.

    A peak is ground no lower than its eight neighbours, at least `floor` high, at least `prominence` above the highest
    saddle towards higher ground (so that a bump on a slope is none), and at least `distance` from every higher peak.
    A flat map has none.

    Args:
        heat: (H, W) of any range; NaN where nothing is known.
        distance: least distance between two peaks, in pixels.
        floor: least scaled value.
        prominence: of the scaled range, above 0 and up to 1.
        limit: most peaks.

    Raises:
        InputError: no (H, W) map with a finite value, or a setting out of range.
    """
    if not 0 < prominence <= 1 or not 0 <= floor <= 1 or distance < 0 or limit < 1:
        raise InputError(
            f"peaks need prominence in (0, 1], floor in [0, 1], distance >= 0 and limit >= 1; "
            f"got {prominence}, {floor}, {distance}, {limit}"
        )
    level = scaled(heat)
    if not np.nanmax(level) > 0:
        return []
    rows, columns = run_edges(level, 0), run_edges(level, 1)
    cells = np.nan_to_num(level[rows[:-1]][:, columns[:-1]], nan=-1.0)
    found: list[Peak] = []
    for row, column in _candidates(cells, floor):
        height = cells[row, column]
        around = find_regions(cells >= height - prominence)
        here = around.at(row, column)
        assert here is not None  # noqa: S101 - the cell itself lies above the level
        inside = around.mask(here, cells.shape)
        top = inside & (cells == cells[inside].max())
        if not top[row, column] or any(top[at] for at in _cells_of(found, rows, columns)):
            continue
        y, x = _centre(find_regions(top), row, column, rows, columns)
        if any(np.hypot(peak.x - x, peak.y - y) < distance for peak in found):
            continue
        value = float(heat[rows[row], columns[column]])
        found.append(Peak(x, y, value, float(height), around.outline(here, rows, columns)))
        if len(found) == limit:
            break
    return found


def _candidates(cells: NDArray[np.floating], floor: float) -> list[tuple[int, int]]:
    """A cell of each local maximum, highest first, those of equal height in reading order."""
    highest = (cells == maximum_filter(cells, 3)) & (cells >= floor)
    plateaus = find_regions(highest)
    first = np.unique(plateaus.label, return_index=True)[1]
    places = [(int(plateaus.row[run]), int(plateaus.start[run])) for run in first]
    return sorted(places, key=lambda at: -cells[at])[:_MOST_CANDIDATES]


def _cells_of(peaks: list[Peak], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> list[tuple[int, int]]:
    return [
        (int(np.searchsorted(rows, peak.y, "right")) - 1, int(np.searchsorted(columns, peak.x, "right")) - 1)
        for peak in peaks
    ]


def _centre(
    plateaus: Regions, row: int, column: int, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[float, float]:
    """(y, x) of the middle of the plateau that holds a cell; where that lies beside it, the plateau's nearest point."""
    import shapely

    plateau = plateaus.outline(plateaus.at(row, column) or 0, rows, columns)
    middle = plateau.centroid
    if not plateau.contains(middle):
        middle = shapely.get_point(shapely.shortest_line(plateau.buffer(-0.5), middle), 0)
    return float(middle.y), float(middle.x)


def published_peaks(probability: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Peaks as the published evaluation finds them, highest first.

    The map is cut to 8 bits and smoothed five times by a box of 50; pixels equal to the maximum of a window of 1000
    and above 0 are peaks; of each 8-connected group the centroid, cut to whole pixels, is kept where the map is at
    least 0.5.

    Args:
        probability: (H, W) from 0 to 1.

    Returns:
        (x, y) in whole pixels.
    """
    grey = np.asarray(probability * 255.0, dtype=np.uint8)
    for _ in range(_PUBLISHED_ROUNDS):
        grey = box_filter(grey, _PUBLISHED_BOX)
    highest = (maximum_filter(grey, _PUBLISHED_REACH) == grey) & (grey > 0)
    centres = [(int(column), int(row)) for row, column in find_regions(highest).centroids()]
    centres.sort(key=lambda at: -probability[at[1], at[0]])
    return [(x, y) for x, y in centres if probability[y, x] >= FLOOR]
