"""Label rasters on the grid of a chip: the class under the centre of every pixel, never a mixture of two.

The label raster may have another CRS, resolution, rotation or extent than the chip's scene.
"""

from __future__ import annotations

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError
from rasterio.windows import Window as GdalWindow

from swath.chips import Chip
from swath.errors import GeoreferenceError, RasterError, SwathError
from swath.raster.gdal import environment, handle, release
from swath.raster.info import RasterInfo, describe
from swath.raster.reading import scene_grid
from swath.raster.windows import to_crs

MAX_PIXELS = 1 << 27
"""Pixels of a label raster that are read for one chip at most."""


def read_labels(href: str, chip: Chip) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The classes of a label raster's only band under a chip's pixels, by nearest neighbour.

    Args:
        href: the label raster. Without a georeference it must have the size of the chip's scene.
        chip: whose pixels; they are not read.

    Returns:
        (H, W) class codes, and (H, W) False outside the raster and where it has nodata, NaN or a mask.

    Raises:
        RasterError: missing or damaged, several bands, or values that are no whole numbers.
        GeoreferenceError: nothing says how raster and chip lie to each other.
    """
    info, grid = describe(href), scene_grid(chip.scene)
    if len(info.indexes) != 1 and not info.palette:
        raise RasterError(f"{href}: has {info.band_count} bands, but a label raster has one; choose one band of it")
    rows, cols = _places(info, grid, chip)
    inside = (rows >= 0) & (rows < info.height) & (cols >= 0) & (cols < info.width)
    codes = np.zeros(rows.shape, dtype=np.int64)
    if not inside.any():
        return codes, inside
    top, left = int(rows[inside].min()), int(cols[inside].min())
    area = GdalWindow(left, top, int(cols[inside].max()) - left + 1, int(rows[inside].max()) - top + 1)
    if area.width * area.height > MAX_PIXELS:
        raise RasterError(f"{href}: {area.width} x {area.height} pixels lie under one chip; reduce the label raster")
    values, known = _read(info, area)
    found = values[rows[inside] - top, cols[inside] - left]
    valid = inside.copy()
    valid[inside] = known[rows[inside] - top, cols[inside] - left] & np.isfinite(found)
    kept = np.where(valid[inside], found, 0)
    if np.any(kept != np.floor(kept)):
        raise RasterError(f"{href}: holds {kept[kept != np.floor(kept)][0]}, which is no class; give a raster of codes")
    codes[inside] = kept.astype(np.int64)
    return codes, valid


def _places(info: RasterInfo, grid: RasterInfo, chip: Chip) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(H, W) row and column of the label raster under the centre of each of the chip's pixels; -1 is nowhere."""
    window = chip.window
    across, down = np.meshgrid(np.arange(window.width) + window.col + 0.5, np.arange(window.height) + window.row + 0.5)
    if info.crs is None or grid.crs is None:
        if (info.width, info.height) != (grid.width, grid.height):
            raise GeoreferenceError(
                f"{info.href}: {info.width} x {info.height} px cannot be laid on {grid.href} of {grid.width} x "
                f"{grid.height} px, because {'it' if info.crs is None else 'the scene'} has no georeference; "
                "assign one with gdal_edit.py -a_srs -a_ullr"
            )
        return down.astype(np.int64), across.astype(np.int64)
    x, y = to_crs(grid.transform, across, down)
    if info.crs != grid.crs:
        try:
            x, y = pyproj.Transformer.from_crs(grid.crs, info.crs, always_xy=True).transform(x, y)
        except (CRSError, ProjError) as error:
            raise GeoreferenceError(f"{info.href}: cannot use its CRS {info.crs[:60]} ({error})") from error
    inverse: Affine = ~info.transform
    cols, rows = to_crs(inverse, np.asarray(x), np.asarray(y))
    away = ~(np.isfinite(cols) & np.isfinite(rows)) | (np.abs(cols) > 2**40) | (np.abs(rows) > 2**40)
    return (
        np.floor(np.where(away, -1.0, rows)).astype(np.int64),
        np.floor(np.where(away, -1.0, cols)).astype(np.int64),
    )


def _read(info: RasterInfo, area: GdalWindow) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Values as stored (palette entries are codes), and where the file has data."""
    dataset = handle(info.href)
    try:
        with environment(info.href):
            values = dataset.read(1, window=area)
            known = dataset.read_masks(1, window=area) > 0
    except SwathError:
        release(info.href)
        raise
    return values, known
