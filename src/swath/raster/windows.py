"""Cutting a scene's pixel grid into windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from swath.chips import Window
from swath.errors import InputError

_Number = TypeVar("_Number", float, NDArray[np.float64])


def tile(width: int, height: int, size: int, stride: int | None = None) -> Iterator[Window]:
    """Windows of `size` that together cover every pixel, row by row.

    The last window of a row or column is shifted back to the border, so every window is full; where the scene is
    smaller than `size` there is one window of the scene's extent in that dimension.

    Args:
        width: columns of the scene.
        height: rows of the scene.
        size: side of a window in pixels.
        stride: step between windows in pixels, 1 to `size`; default `size` (no overlap).

    Raises:
        InputError: a size, stride or extent that cannot cover the scene.
    """
    step = size if stride is None else stride
    if size < 1 or not 1 <= step <= size:
        raise InputError(
            f"cannot tile with size {size} and stride {step}: size >= 1 and 1 <= stride <= size are needed"
        )
    if width < 1 or height < 1:
        raise InputError(f"cannot tile a scene of {width} x {height} px")
    columns = list(starts(width, size, step))
    for row in starts(height, size, step):
        for col in columns:
            yield Window(col, row, min(size, width), min(size, height))


def starts(extent: int, size: int, stride: int) -> Iterator[int]:
    """First pixels of the windows along one axis."""
    last = max(extent - size, 0)
    yield from range(0, last, stride)
    yield last


def to_crs(transform: Affine, col: _Number, row: _Number) -> tuple[_Number, _Number]:
    """CRS coordinates of pixel coordinates (corners of pixels are whole numbers)."""
    return (
        transform.a * col + transform.b * row + transform.c,
        transform.d * col + transform.e * row + transform.f,
    )


def to_pixel(transform: Affine, x: float, y: float) -> tuple[float, float]:
    """(col, row) of CRS coordinates: the inverse of `to_crs`."""
    return to_crs(~transform, x, y)
