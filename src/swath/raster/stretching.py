"""The range of a scene whose numbers have no known units: its stretch to 8 bits, kept in its layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from swath.chips import Chip, Layer, SceneRef, Window
from swath.errors import EmptyChipError
from swath.raster.reading import read_chip, scene_grid
from swath.sensors import Sensor

PERCENTILES = (2.0, 98.0)
"""Shares of a scene's values below and above which a stretch clips, as geographic information systems show images."""

_GRIDS = ((3, 512), (16, 128))
"""(Parts along each side of a scene, pixels along each side of a part): the second where the first finds nothing."""

_SAMPLE = 64


def stretched(layers: tuple[Layer, ...], target: Sensor) -> tuple[Layer, ...]:
    """The scaling that brings a scene of unknown calibration to 0 to 255; layers of other sensors stay as they are.

    One stretch serves all bands, so that colours stay, and all chips, so that they compare. It is found in nine parts
    spread over the scene, or in more where those are empty, and depends on the files alone.

    Args:
        layers: one a band of `target`, on any grids.
        target: their sensor.

    Raises:
        RasterError: a file cannot be read.
    """
    if target.units != "scene8":
        return layers
    plain = tuple(replace(layer, scale=1.0, offset=0.0) for layer in layers)
    scene = SceneRef(plain[0].href, plain[0].href, target.name, plain)
    grid = scene_grid(scene)
    found = (_values(scene, _parts(grid.width, grid.height, *each)) for each in _GRIDS)
    values = next((values for values in found if values.size), None)
    if values is None:
        values = _values(scene, [Window(0, 0, grid.width, grid.height)])
    if not values.size:
        return plain
    low, high = (float(value) for value in np.percentile(values, PERCENTILES))
    # A flat scene is shown as mid grey; a stretch would divide by nothing.
    span = high - low if high - low > 1e-6 * max(abs(low), abs(high)) else 2.0 * max(abs(low), 1.0)
    low = low if span == high - low else low - span / 2
    scale = float(np.float32(255.0 / span))
    return tuple(replace(layer, scale=scale, offset=round(-low * scale, 6)) for layer in plain)


def _parts(width: int, height: int, count: int, side: int) -> Iterator[Window]:
    """Windows of at most `side` pixels in the middle of each of count x count fields of a scene."""
    wide, tall = min(side, max(1, width // count)), min(side, max(1, height // count))
    for row in range(count):
        for column in range(count):
            left, top = (2 * column + 1) * width // (2 * count), (2 * row + 1) * height // (2 * count)
            yield Window(max(0, left - wide // 2), max(0, top - tall // 2), wide, tall)


def _values(scene: SceneRef, windows: Iterable[Window]) -> NDArray[np.float64]:
    """The valid values of windows, each read at a reduced size; it may be empty."""
    found = [np.empty(0)]
    for window in windows:
        size = min(_SAMPLE, max(window.width, window.height))
        try:
            pixels = read_chip(Chip(scene, window), size, min_valid=0.0)
        except EmptyChipError:
            continue
        found.append(pixels.data[:, pixels.valid].astype(np.float64).ravel())
    return np.concatenate(found)
