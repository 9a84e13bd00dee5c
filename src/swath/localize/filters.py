"""Window filters on arrays, to the last bit as OpenCV and SciPy compute them; no loop over pixels.

The published evaluation of semantic localisation is defined by what these libraries return, and neither is a
dependency. Tests hold each filter against an independent implementation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from swath.errors import InputError

_TILE = 128
"""Side of the squares in which the median is found; fewer grey values occur in a small square."""

_AT_ONCE = 2**22
"""Counts held at a time by the median."""


def box_filter(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Mean over a square window: OpenCV's ``boxFilter`` of 8-bit images.

    Args:
        image: (H, W) uint8.
        size: side of the window; an even one reaches one pixel further up and left. The border is mirrored
            (BORDER_REFLECT_101).

    Returns:
        (H, W) uint8, rounded half to even in single precision.
    """
    wide = np.int64 if max(image.shape) * size > 2**22 else np.int32
    sums: NDArray[Any] = image
    for _ in range(2):
        # Along rows, then turned: adding up along columns takes four times as long.
        reach = ((0, 0), (size // 2 + 1, size - 1 - size // 2))
        padded = np.pad(sums, reach, mode="reflect" if sums.shape[1] > 1 else "edge")
        total: NDArray[Any] = np.cumsum(padded, axis=1, dtype=wide)
        sums = np.ascontiguousarray((total[:, size:] - total[:, :-size]).T)
    scaled = sums.astype(np.float32) * np.float32(1.0 / (size * size))
    out: NDArray[np.uint8] = np.rint(scaled).astype(np.uint8)
    return out


def maximum_filter(image: NDArray[Any], size: int) -> NDArray[Any]:
    """Maximum over a square window cut off at the border: SciPy's ``maximum_filter``, whose mirrored border adds none.

    Args:
        image: (H, W), without NaN.
        size: side of the window; an even one reaches one pixel further up and left.
    """
    lowest = np.finfo(image.dtype).min if image.dtype.kind == "f" else np.iinfo(image.dtype).min
    best = image
    for axis in (0, 1):
        reach = [(0, 0), (0, 0)]
        reach[axis] = (size // 2, size - 1 - size // 2)
        best = np.moveaxis(np.pad(best, reach, constant_values=lowest), axis, 0)
        width = 1
        while width < size:
            # Two windows of `width` that overlap or touch make one of up to twice that.
            step = min(width, size - width)
            best = np.maximum(best[:-step], best[step:])
            width += step
        best = np.moveaxis(best, 0, axis)
    return np.ascontiguousarray(best)


def median_blur(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Median over a square window: OpenCV's ``medianBlur``, the border repeated.

    Exact for any image. Runs of equal rows and columns are worked on as one, which makes it fast on maps that are
    averages of rectangles: how many pixels of a window lie at or below a value is a product of two small matrices.

    Args:
        image: (H, W) uint8.
        size: side of the window, odd.

    Raises:
        InputError: `size` is even or below 1.
    """
    if size < 1 or size % 2 == 0:
        raise InputError(f"a median needs a window of odd size, got {size}")
    padded = np.pad(image, size // 2, mode="edge")
    rows, cols = run_edges(padded, 0), run_edges(padded, 1)
    cells = padded[rows[:-1]][:, cols[:-1]]
    out = np.empty_like(image)
    height, width = image.shape
    for top in range(0, height, _TILE):
        down, first_row, last_row = _overlaps(rows, top, min(top + _TILE, height), size)
        for left in range(0, width, _TILE):
            across, first_col, last_col = _overlaps(cols, left, min(left + _TILE, width), size)
            part = cells[first_row:last_row, first_col:last_col]
            out[top : top + _TILE, left : left + _TILE] = _median(part, down, across, size * size // 2)
    return out


def run_edges(image: NDArray[np.generic], axis: int) -> NDArray[np.intp]:
    """Where runs of equal rows (axis 0) or columns (axis 1) begin, with the extent at the end; NaN equals NaN."""
    lines = np.moveaxis(image, axis, 0)
    differs = lines[1:] != lines[:-1]
    if image.dtype.kind == "f":
        differs &= ~(np.isnan(lines[1:]) & np.isnan(lines[:-1]))
    begins = np.flatnonzero(differs.reshape(len(lines) - 1, -1).any(axis=1)) + 1
    return np.concatenate([[0], begins, [len(lines)]]).astype(np.intp)


def _overlaps(edges: NDArray[np.intp], start: int, stop: int, size: int) -> tuple[NDArray[np.float32], int, int]:
    """How many pixels windows that begin at start..stop-1 share with each run, and the (first, last) runs counted."""
    first = int(np.searchsorted(edges, start, "right")) - 1
    last = int(np.searchsorted(edges, stop - 1 + size, "left"))
    begins = np.arange(start, stop)[:, None]
    ends = np.minimum(edges[None, first + 1 : last + 1], begins + size)
    shared = np.clip(ends - np.maximum(edges[None, first:last], begins), 0, None)
    return shared.astype(np.float32), first, last


def _median(
    cells: NDArray[np.uint8], down: NDArray[np.float32], across: NDArray[np.float32], half: int
) -> NDArray[np.uint8]:
    """The values at which more than `half` of each window's pixels lie at or below."""
    values = np.unique(cells)
    place = np.zeros((len(down), len(across)), dtype=np.intp)
    many = max(1, _AT_ONCE // max(place.size, cells.size))
    for start in range(0, len(values) - 1, many):
        levels = values[start : min(start + many, len(values) - 1)]
        below = (cells[None] <= levels[:, None, None]).astype(np.float32)
        # Counts stay below 2^24, where single precision is exact.
        place += (down @ below @ across.T <= half).sum(axis=0)
    found: NDArray[np.uint8] = values[place]
    return found
