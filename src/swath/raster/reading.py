"""Pixels of chips: windows of one or many files brought onto one grid, with a mask of what is valid.

Nothing larger than the window asked for (times the bands, plus GDAL's bounded block cache) is held in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.windows import Window as GdalWindow

from swath.chips import Chip, Layer, Pixels, SceneRef, Window
from swath.errors import EmptyChipError, GeoreferenceError, RasterError, SwathError
from swath.raster.gdal import environment, handle, release
from swath.raster.info import RasterInfo, describe
from swath.raster.windows import to_crs, to_pixel
from swath.sensors import Sensor, sensor

MIN_VALID = 0.05
"""Share of valid pixels below which a chip says nothing: it is skipped and counted, not embedded."""

_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class _Part:
    """What one file gives.

    Attributes:
        data: (bands, H, W).
        missing: (bands, H, W) True where a value is none; None where the file cannot have such values.
        mask: (H, W) True where the file has data; None where it has data everywhere.
    """

    data: NDArray[np.generic]
    missing: NDArray[np.bool_] | None
    mask: NDArray[np.bool_] | None


def read_chip(chip: Chip, size: int | None = None, min_valid: float = MIN_VALID) -> Pixels:
    """Read a chip's pixels.

    Bands of coarser resolution are resampled (bilinear) onto the scene's finest grid. Safe to call from many threads.

    Args:
        chip: scene and window.
        size: longest side of the result in pixels, aspect kept (averaged down from overviews where the file has them,
            bilinear up); None for the window's own pixels.
        min_valid: share of valid pixels below which the chip counts as empty; 0 refuses only chips without any.

    Returns:
        (bands, H, W) in the sensor's units and band order. A pixel is valid where no band is NaN or infinite, alpha
        and file mask are set, and its stored values are not nodata (integers: in every band; floats: in any band):
        what the source or the file declares, else what the sensor's products use.

    Raises:
        EmptyChipError: fewer valid pixels than `min_valid`.
        RasterError: a file is missing, damaged, or does not hold what the scene says.
        GeoreferenceError: the scene's bands cannot be brought onto one grid.
    """
    pixels = _read(chip.scene, chip.window, size)
    share = pixels.valid_share
    if share == 0.0 or share < min_valid:
        raise EmptyChipError(
            f"{chip.scene.href}: window {chip.window.to_list()} has {share:.1%} valid pixels "
            f"(at least {max(min_valid, 0.0):.0%} wanted); it is left out"
        )
    return pixels


def quicklook(scene: SceneRef, size: int = 512) -> Pixels:
    """The whole scene, reduced to `size` pixels on its longest side; read from overviews where there are any.

    Raises:
        RasterError: a file is missing or damaged.
    """
    grid = scene_grid(scene)
    return _read(scene, Window(0, 0, grid.width, grid.height), min(size, max(grid.width, grid.height)))


def scene_grid(scene: SceneRef) -> RasterInfo:
    """The header of the scene's finest layer, whose pixel grid the scene's windows count in.

    Raises:
        RasterError: a file is missing or damaged.
    """
    headers = [describe(href) for href in dict.fromkeys(layer.href for layer in scene.layers)]
    return max(headers, key=lambda info: info.width * info.height)


def _read(scene: SceneRef, window: Window, size: int | None) -> Pixels:
    target = sensor(scene.sensor)
    if len(scene.layers) != len(target.bands):
        raise RasterError(
            f"{scene.href}: the scene has {len(scene.layers)} band(s), but sensor {target.name!r} has "
            f"{len(target.bands)} ({', '.join(target.band_names)}); index it again with the right --sensor"
        )
    grid = scene_grid(scene)
    if window.col + window.width > grid.width or window.row + window.height > grid.height:
        raise RasterError(
            f"{scene.href}: window {window.to_list()} reaches outside the scene of {grid.width} x {grid.height} px; "
            "the file has changed since it was indexed: index it again"
        )
    shape = _shape(window, size)
    bands: list[NDArray[np.generic] | None] = [None] * len(scene.layers)
    missing: list[NDArray[np.bool_] | None] = [None] * len(scene.layers)
    valid = np.ones(shape, dtype=np.bool_)
    floating = False
    for href in dict.fromkeys(layer.href for layer in scene.layers):
        places = [place for place, layer in enumerate(scene.layers) if layer.href == href]
        layers = [scene.layers[place] for place in places]
        part = _read_file(href, with_nodata(layers, describe(href), target), grid, window, shape)
        floating |= np.issubdtype(part.data.dtype, np.floating)
        if part.mask is not None:
            valid &= part.mask
        for row, place in enumerate(places):
            bands[place] = in_units(part.data[row], scene.layers[place], target)
            missing[place] = None if part.missing is None else part.missing[row]
    data = np.stack([band for band in bands if band is not None])
    known = [band for band in missing if band is not None]
    if floating:
        for band in known:
            valid &= ~band
    elif len(known) == len(missing):
        valid &= ~np.logical_and.reduce(known)
    return Pixels(data, valid, target)


def _shape(window: Window, size: int | None) -> tuple[int, int]:
    """(height, width) of the result."""
    if size is None:
        return window.height, window.width
    if size < 1:
        raise RasterError(f"cannot read a chip at {size} px; give a size of at least 1")
    scale = size / max(window.width, window.height)
    return max(1, round(window.height * scale)), max(1, round(window.width * scale))


def _read_file(href: str, layers: Sequence[Layer], grid: RasterInfo, window: Window, shape: tuple[int, int]) -> _Part:
    """Read the bands that one file holds, on the scene's grid."""
    info = describe(href)
    wanted = [layer.index for layer in layers]
    stored = 3 if info.palette else max(info.indexes)
    if max(wanted) > stored:
        raise RasterError(f"{href}: has {stored} band(s), but band {max(wanted)} is wanted; index the scene again")
    area, place = _window_in(info, grid, window, shape)
    if area is None:
        return _Part(
            np.zeros((len(layers), *shape), dtype=info.dtype),
            np.ones((len(layers), *shape), dtype=np.bool_),
            np.zeros(shape, dtype=np.bool_),
        )
    part = _read_area(info, layers, area, (place[1] - place[0], place[3] - place[2]))
    if place == (0, shape[0], 0, shape[1]):
        return part
    data = np.zeros((len(layers), *shape), dtype=part.data.dtype)
    missing = np.ones((len(layers), *shape), dtype=np.bool_)
    mask = np.zeros(shape, dtype=np.bool_)
    rows, cols = slice(place[0], place[1]), slice(place[2], place[3])
    data[:, rows, cols] = part.data
    missing[:, rows, cols] = False if part.missing is None else part.missing
    mask[rows, cols] = True if part.mask is None else part.mask
    return _Part(data, missing, mask)


def _window_in(
    info: RasterInfo, grid: RasterInfo, window: Window, shape: tuple[int, int]
) -> tuple[GdalWindow | None, tuple[int, int, int, int]]:
    """The window on a file's own grid, clipped to the file, and the (top, bottom, left, right) it fills of `shape`."""
    whole = (0, shape[0], 0, shape[1])
    if (info.width, info.height) == (grid.width, grid.height) and info.transform == grid.transform:
        return GdalWindow(window.col, window.row, window.width, window.height), whole
    if info.crs is not None and grid.crs is not None:
        if info.crs != grid.crs:
            raise GeoreferenceError(
                f"{info.href}: its CRS ({info.crs[:60]}) differs from that of {grid.href} ({grid.crs[:60]}); "
                "reproject the scene's bands to one CRS first"
            )
        corners = [
            to_pixel(info.transform, *to_crs(grid.transform, float(col), float(row)))
            for col, row in (
                (window.col, window.row),
                (window.col + window.width, window.row),
                (window.col + window.width, window.row + window.height),
            )
        ]
        (left, top), (_, level), (right, bottom) = corners
        if abs(level - top) > _TOLERANCE * (bottom - top) or bottom <= top or right <= left:
            raise GeoreferenceError(
                f"{info.href}: is rotated or flipped against {grid.href}; resample the bands to one grid first"
            )
    else:
        across, down = info.width / grid.width, info.height / grid.height
        left, top = window.col * across, window.row * down
        right, bottom = left + window.width * across, top + window.height * down
    inner = (max(left, 0.0), max(top, 0.0), min(right, info.width), min(bottom, info.height))
    if inner[2] - inner[0] < _TOLERANCE or inner[3] - inner[1] < _TOLERANCE:
        return None, whole
    down, across = shape[0] / (bottom - top), shape[1] / (right - left)
    place = (
        round((inner[1] - top) * down),
        round((inner[3] - top) * down),
        round((inner[0] - left) * across),
        round((inner[2] - left) * across),
    )
    if place[1] <= place[0] or place[3] <= place[2]:
        return None, whole
    return GdalWindow(inner[0], inner[1], inner[2] - inner[0], inner[3] - inner[1]), place


def _read_area(info: RasterInfo, layers: Sequence[Layer], area: GdalWindow, shape: tuple[int, int]) -> _Part:
    """Read an area that lies inside the file at the given (height, width)."""
    indexes = [1] if info.palette else list(dict.fromkeys(layer.index for layer in layers))
    resampling = Resampling.nearest
    if not info.palette and (area.height, area.width) != shape:
        shrinks = area.height > shape[0] or area.width > shape[1]
        resampling = Resampling.average if shrinks else Resampling.bilinear
    dataset = handle(info.href)
    mask: NDArray[np.bool_] | None = None
    try:
        with environment(info.href):
            data = dataset.read(indexes, window=area, out_shape=(len(indexes), *shape), resampling=resampling)
            if info.alpha is not None:
                mask = dataset.read(info.alpha, window=area, out_shape=shape) > 0
            elif info.masked:
                mask = dataset.read_masks(1, window=area, out_shape=shape) > 0
            table = dataset.colormap(1) if info.palette else {}
    except SwathError:
        release(info.href)
        raise
    if info.palette:
        colours = np.zeros((256, 4), dtype=np.uint8)
        for entry, colour in table.items():
            if 0 <= entry < 256:
                colours[entry] = colour
        expanded = colours[data[0].astype(np.uint8)]
        data = np.moveaxis(expanded, -1, 0)[[layer.index - 1 for layer in layers]]
        return _Part(data, None, expanded[..., 3] > 0)
    order = [indexes.index(layer.index) for layer in layers]
    data = data if order == list(range(len(indexes))) else data[order]
    return _Part(data, _missing(data, info, layers), mask)


def with_nodata(layers: Sequence[Layer], info: RasterInfo, target: Sensor) -> list[Layer]:
    """A file's layers with the no-data value of the sensor's products, where nothing else says what is none."""
    silent = info.nodata is None and info.alpha is None and not info.masked and not info.dtype.startswith("float")
    if target.nodata is None or not silent:
        return list(layers)
    return [layer if layer.nodata is not None else replace(layer, nodata=target.nodata) for layer in layers]


def _missing(data: NDArray[np.generic], info: RasterInfo, layers: Sequence[Layer]) -> NDArray[np.bool_] | None:
    """(bands, H, W) True where a value is nodata, NaN or infinite; None where none can be."""
    if np.iscomplexobj(data):
        raise RasterError(f"{info.href}: holds complex numbers; detect it to amplitude or power first")
    floating = np.issubdtype(data.dtype, np.floating)
    declared = [info.nodata if layer.nodata is None else layer.nodata for layer in layers]
    if not floating and all(nodata is None or not np.isfinite(nodata) for nodata in declared):
        return None
    missing = ~np.isfinite(data) if floating else np.zeros(data.shape, dtype=np.bool_)
    for row, nodata in enumerate(declared):
        if nodata is not None and np.isfinite(nodata):
            missing[row] |= data[row] == nodata
    return missing


def in_units(band: NDArray[np.generic], layer: Layer, target: Sensor) -> NDArray[np.generic]:
    """Stored numbers times scale plus offset: the sensor's units."""
    dtype = band.dtype
    if layer.scale != 1.0 or layer.offset != 0.0:
        if layer.scale == 1.0 and layer.offset.is_integer() and np.issubdtype(dtype, np.integer):
            limits = np.iinfo(str(dtype))
            band = np.clip(band.astype(np.int64) + int(layer.offset), max(limits.min, 0), limits.max).astype(dtype)
        else:
            band = (band.astype(np.float32) * np.float32(layer.scale) + np.float32(layer.offset)).astype(np.float32)
    if target.units != "dn8" or band.dtype == np.uint8:
        return band
    if dtype != np.uint8 and layer.scale == 1.0:
        raise RasterError(
            f"{layer.href}: holds {dtype} values, but sensor {target.name!r} has 8 bits; "
            "scale it to 8 bits (gdal_translate -ot Byte -scale) or name the right --sensor"
        )
    return np.clip(np.rint(band.astype(np.float32)), 0, 255).astype(np.uint8)
