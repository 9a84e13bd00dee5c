"""Map tiles of scenes in Web Mercator, through rio-tiler (an extra), from files opened by swath's own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform_bounds

from swath.chips import Layer, Pixels, SceneRef
from swath.errors import GeoreferenceError, InputError, MissingExtraError
from swath.raster.gdal import environment, handle
from swath.raster.info import describe
from swath.raster.reading import in_units, scene_grid, with_nodata
from swath.sensors import sensor

if TYPE_CHECKING:
    from rio_tiler.io.rasterio import Reader

_WEB = CRS.from_epsg(3857)

DEEPEST = 24
"""Highest zoom level."""


def web_tile(scene: SceneRef, x: int, y: int, z: int, side: int = 256) -> Pixels | None:
    """One tile of a scene.

    Only the bands that its picture needs are read; the others are zero.

    Args:
        scene: a georeferenced scene.
        x: column of the tile.
        y: row of the tile, from the north.
        z: zoom level.
        side: pixels.

    Returns:
        Pixels of the tile; None where the scene does not reach into it.

    Raises:
        InputError: no such tile.
        GeoreferenceError: the scene has no georeference.
        RasterError: a file cannot be read.
        MissingExtraError: rio-tiler is not installed.
    """
    if not (0 <= z <= DEEPEST and 0 <= x < 2**z and 0 <= y < 2**z):
        raise InputError(f"there is no tile {z}/{x}/{y}; zoom levels are 0 to {DEEPEST}, x and y below 2**z")
    target = sensor(scene.sensor)
    shown = [layer for layer in scene.layers if not target.rgb or layer.band in target.rgb]
    bands: dict[str, NDArray[np.generic]] = {}
    valid = np.ones((side, side), dtype=np.bool_)
    for href in dict.fromkeys(layer.href for layer in shown):
        layers = [layer for layer in shown if layer.href == href]
        found = _read(href, with_nodata(layers, describe(href), target), (x, y, z), side)
        if found is None:
            return None
        data, mask = found
        valid &= mask
        bands |= {layer.band: in_units(band, layer, target) for layer, band in zip(layers, data, strict=True)}
    some = next(iter(bands.values()))
    data = np.stack([bands.get(layer.band, np.zeros_like(some)) for layer in scene.layers])
    if np.issubdtype(data.dtype, np.floating):
        valid &= np.isfinite(data).all(axis=0)
        data = np.where(np.isfinite(data), data, 0).astype(data.dtype)
    return Pixels(data, valid, target)


def zoom_levels(scene: SceneRef) -> tuple[int, int]:
    """The zoom levels between which tiles of a scene make sense: all of it in one tile, and its own resolution.

    Raises:
        GeoreferenceError: the scene has no georeference.
        RasterError: its file cannot be read.
        MissingExtraError: rio-tiler is not installed.
    """
    href = scene_grid(scene).href
    with environment(href):
        reader = _reader(href)
        return int(reader.minzoom), min(DEEPEST, int(reader.maxzoom) + 1)


def _read(
    href: str, layers: list[Layer], tile: tuple[int, int, int], side: int
) -> tuple[NDArray[np.generic], NDArray[np.bool_]] | None:
    """((bands, side, side), (side, side) True where there is data) of one file; None outside of it."""
    info = describe(href)
    with environment(href):
        reader = _reader(href)
        if not reader.tile_exists(*tile):
            return None
        part = _part(reader, tile, side)
        if part is None:
            return None
        (top, left, rows, columns), bounds = part
        reads = {"width": columns, "height": rows, "bounds_crs": _WEB, "dst_crs": _WEB}
        if info.palette:
            image = reader.part(bounds, indexes=1, resampling_method="nearest", **reads)
            colours = np.array(
                [handle(href).colormap(1).get(value, (0, 0, 0, 0))[:3] for value in range(256)], np.uint8
            )
            stored = colours[np.asarray(image.array.filled(0))[0].astype(np.uint8)]
            picture: NDArray[np.generic] = np.moveaxis(stored, -1, 0)[[layer.index - 1 for layer in layers]]
        else:
            indexes = tuple(layer.index for layer in layers)
            image = reader.part(bounds, indexes=indexes, resampling_method="bilinear", nodata=layers[0].nodata, **reads)
            picture = np.asarray(image.array.filled(0))
    data = np.zeros((len(layers), side, side), picture.dtype)
    valid = np.zeros((side, side), np.bool_)
    data[:, top : top + rows, left : left + columns] = picture
    valid[top : top + rows, left : left + columns] = np.asarray(image.mask) > 0
    return data, valid


def _part(
    reader: Reader, tile: tuple[int, int, int], side: int
) -> tuple[tuple[int, int, int, int], tuple[float, float, float, float]] | None:
    """The pixels of a tile that a file reaches into: (top, left, rows, columns) and their bounds in Web Mercator.

    Of a tile that is much larger than the file, GDAL would else warp all of the tile at the file's own resolution.
    """
    west, south, east, north = reader.tms.xy_bounds(*tile)
    step = (east - west) / side
    try:
        bounds = np.array(transform_bounds(reader.dataset.crs, _WEB, *reader.dataset.bounds, densify_pts=21))
    except CRSError:
        bounds = np.full(4, np.nan)
    if not np.isfinite(bounds).all() or bounds[0] > bounds[2]:
        # A pole or the antimeridian is in it.
        bounds = np.array([west, south, east, north])
    size = bounds[2:] - bounds[:2]
    if step > size.max():
        # Less than a pixel can be seen of it.
        return None
    # A little more, for what is bent between the points that were looked at.
    bounds = bounds + np.concatenate([-size, size]) / 100
    left, right = (bounds[[0, 2]] - west) / step
    top, bottom = (north - bounds[[3, 1]]) / step
    first, last = max(0, int(np.floor(left))), min(side, int(np.ceil(right)))
    upper, lower = max(0, int(np.floor(top))), min(side, int(np.ceil(bottom)))
    if first >= last or upper >= lower:
        return None
    edges = (west + first * step, north - lower * step, west + last * step, north - upper * step)
    return (upper, first, lower - upper, last - first), edges


def _reader(href: str) -> Reader:
    try:
        from rio_tiler.io.rasterio import Reader
    except ImportError as error:
        raise MissingExtraError("rio-tiler", "serve") from error
    dataset: Any = handle(href)
    if dataset.crs is None:
        raise GeoreferenceError(f"{href}: has no georeference, so it has no tiles")
    return Reader(None, dataset=dataset)
