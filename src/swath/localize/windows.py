"""Where to look: square windows of several sizes over a scene, and the average of what was seen in each.

The average of a score over all windows that hold a pixel is constant between the windows' borders. So a map of any
scene is a small table of cells, found with a summed-area table of differences, whatever the number of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.errors import InputError

PUBLISHED_SCALES = (256, 512, 768)
"""Sides of the windows in the published evaluation of semantic localisation, in pixels."""

ALL = slice(None)


def default_scales(height: int, width: int) -> tuple[int, ...]:
    """The published sides; in a scene too small for them a quarter, a half and the whole of its shorter side."""
    side = min(height, width)
    if side >= max(PUBLISHED_SCALES):
        return PUBLISHED_SCALES
    return tuple(sorted({max(1, side // 4), max(1, side // 2), side}))


def place_windows(height: int, width: int, scales: Sequence[int], *, offset: bool = True) -> NDArray[np.int64]:
    """Windows as the published evaluation places them: side by side, and once more shifted by half a side both ways.

    A window that reaches over the border is moved back inside; each place is taken once. A side longer than the
    scene's shorter side becomes that side (the published code has no answer there).

    Args:
        height: rows of the scene.
        width: columns of the scene.
        scales: sides in pixels.
        offset: whether to place the shifted windows too.

    Returns:
        (N, 4) top, left, bottom, right; bottom and right are one past the last pixel. Every pixel is in a window.

    Raises:
        InputError: no scale, or one below 1.
    """
    if not scales or min(scales) < 1:
        raise InputError(f"scales must be sides of windows in pixels, 1 or more, got {list(scales)}")
    found = []
    for side in sorted({min(scale, height, width) for scale in scales}):
        for start in (0, side - side // 2)[: 1 + offset]:
            tops = np.minimum(np.arange(start, height, side), height - side)
            lefts = np.minimum(np.arange(start, width, side), width - side)
            corners = np.stack(np.meshgrid(tops, lefts, indexing="ij"), axis=-1).reshape(-1, 2)
            found.append(np.concatenate([corners, corners + side], axis=1))
    return np.unique(np.concatenate(found), axis=0)


@dataclass(frozen=True, slots=True)
class CellMap:
    """Maps that are constant in each cell of a grid with uneven rows and columns.

    Attributes:
        rows: (R + 1,) pixel rows at which cells begin, the scene's height at the end.
        columns: (C + 1,) likewise.
        values: (maps, R, C) float32, NaN where no window was seen.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float32]

    def sample(self, rows: NDArray[np.integer], columns: NDArray[np.integer], maps: slice = ALL) -> NDArray[np.float32]:
        """(maps, len(rows), len(columns)) values at pixels, of all maps or some."""
        at_row = np.searchsorted(self.rows, rows, "right") - 1
        at_column = np.searchsorted(self.columns, columns, "right") - 1
        # Columns first: then rows, which are many times as many, are copied whole.
        return self.values[maps].take(at_column, axis=2).take(at_row, axis=1)


def average(boxes: NDArray[np.int64], scores: NDArray[np.floating], height: int, width: int) -> CellMap:
    """The mean score of all boxes that hold a pixel.

    Args:
        boxes: (N, 4) top, left, bottom, right within the scene.
        scores: (N, maps), one score a box and map.
        height: rows of the scene.
        width: columns of the scene.
    """
    rows = np.unique(np.concatenate([boxes[:, 0], boxes[:, 2], [0, height]]))
    columns = np.unique(np.concatenate([boxes[:, 1], boxes[:, 3], [0, width]]))
    top, bottom = np.searchsorted(rows, boxes[:, 0]), np.searchsorted(rows, boxes[:, 2])
    left, right = np.searchsorted(columns, boxes[:, 1]), np.searchsorted(columns, boxes[:, 3])
    weighed = np.concatenate([scores.astype(np.float64), np.ones((len(boxes), 1))], axis=1)
    steps = np.zeros((len(rows), len(columns), weighed.shape[1]))
    for row, column, sign in ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1)):
        np.add.at(steps, (row, column), sign * weighed)
    sums = steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    counts = np.rint(sums[..., -1])
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(counts[..., None] > 0, sums[..., :-1] / counts[..., None], np.nan)
    return CellMap(rows, columns, np.moveaxis(means, -1, 0).astype(np.float32))
