"""From an image file to a `Chip`, by its header alone."""

from __future__ import annotations

import errno
import os
import warnings
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from swath.chips import Chip, Layer, SceneRef, Window
from swath.errors import DataError, MissingExtraError, SwathError
from swath.sensors import sensor as sensor_named

IMAGE_SUFFIXES = frozenset({".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings of the files that count as images, in lower case: those that `swath.raster` reads."""

MAX_PIXELS = 1 << 30
"""Images that claim more pixels than this are refused unread."""

# Pillow's mode of an 8-bit picture -> the number of its colours. Palettes are expanded when pixels are read.
_PICTURE_MODES = {"RGB": 3, "RGBA": 3, "P": 3, "L": 1, "LA": 1}
_PICTURE_SENSORS = frozenset({"rgb", "s2-tci"})


class UnreadableImageError(DataError):
    """One image file is not an image, is damaged, or does not fit its sensor."""


def image_chip(path: Path, name: str, sensor: str | None = None) -> Chip:
    """The chip of a whole image file. Reads the header, no pixels.

    8-bit pictures take about 50 microseconds a file; anything else (GeoTIFF, another sensor) goes through
    `swath.raster.scene_from_file`, which recognises the sensor and the footprint.

    Args:
        path: the image.
        name: what the data set calls it; becomes the scene's id.
        sensor: name of its sensor; recognised by default. Grey pictures pass as ``rgb``, their one band three times.

    Returns:
        A chip whose window is the whole image.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImageError: the file is no image, claims an absurd size, or does not fit `sensor`.
    """
    if not is_file(path):
        raise FileNotFoundError(path)
    header = _picture_header(path) if sensor is None or sensor in _PICTURE_SENSORS else None
    if header is None:
        return _raster_chip(path, name, sensor)
    (width, height), colours = header
    wanted = sensor_named(sensor or "rgb")
    href = os.path.realpath(path)
    layers = tuple(Layer(band.name, href, min(number, colours)) for number, band in enumerate(wanted.bands, 1))
    return Chip(SceneRef(name, href, wanted.name, layers), Window(0, 0, width, height))


@dataclass(frozen=True, slots=True)
class ScenePart:
    """A window of a larger scene.

    Attributes:
        file: the scene's raster, relative to the image folder.
        sensor: name of its sensor; empty to recognise it.
        window: the window, in pixels of the raster; None for all of it.
        datetime: acquisition time; None where unknown.
        layers: where each band lies, hrefs relative to the image folder, for scenes of several files; empty where
            `file` has all bands.
    """

    file: str
    sensor: str
    window: Window | None
    datetime: datetime | None = None
    layers: tuple[Layer, ...] = ()


def part_chip(root: Path, name: str, part: ScenePart) -> Chip:
    """The chip of a window of a scene.

    Args:
        root: the image folder.
        name: what the data set calls the window; becomes the scene's id, so that `Pair.name` finds it.
        part: which window, of which sensor.

    Returns:
        A chip with the footprint that the raster's georeference gives the window.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImageError: the raster cannot be read as that sensor, or the window reaches outside it.
        MissingExtraError: it lies in a container that needs a package which is not installed.
    """
    from swath.raster import footprint, scene_grid
    from swath.raster.hrefs import file_of, local_path

    path = root / part.file
    for file in dict.fromkeys((part.file, *(layer.href for layer in part.layers))):
        if not is_file(Path(file_of(str(root / file)))):
            raise FileNotFoundError(root / file)
    try:
        scene = _layered(root, part) if part.layers else _scene(local_path(path), part.sensor)
        grid = scene_grid(scene)
        window = part.window or Window(0, 0, grid.width, grid.height)
        place = footprint(grid, window) if part.window is not None else scene.footprint
    except MissingExtraError:
        raise
    except SwathError as error:
        raise UnreadableImageError(str(error)) from error
    if window.col + window.width > grid.width or window.row + window.height > grid.height:
        raise UnreadableImageError(
            f"{path}: window {window.to_list()} reaches outside the raster of {grid.width} x {grid.height} pixels"
        )
    return Chip(replace(scene, id=name, datetime=part.datetime or scene.datetime), window, place)


def _layered(root: Path, part: ScenePart) -> SceneRef:
    layers = tuple(replace(layer, href=_real(root / layer.href)) for layer in part.layers)
    return SceneRef("", layers[0].href, sensor_named(part.sensor).name, layers)


def _real(path: Path) -> str:
    from swath.raster.hrefs import local_path

    return local_path(path)


@lru_cache(maxsize=256)
def _scene(path: str, sensor: str) -> SceneRef:
    """A scene by its header; windows of one scene follow each other."""
    from swath.raster import scene_from_file

    return scene_from_file(path, sensor=sensor or None)


def is_file(path: Path) -> bool:
    """Whether there is a file at `path`; a path that the file system cannot have is simply not there."""
    try:
        return path.is_file()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


def _picture_header(path: Path) -> tuple[tuple[int, int], int] | None:
    """((width, height), colours) of an 8-bit picture; None for a file that Pillow does not read as one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                size, colours = image.size, _PICTURE_MODES.get(image.mode)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return None
    if size[0] * size[1] > MAX_PIXELS:
        raise UnreadableImageError(f"{path} claims {size[0]} x {size[1]} pixels; refused")
    return None if colours is None else (size, colours)


def _raster_chip(path: Path, name: str, sensor: str | None) -> Chip:
    from swath.raster import scene_from_file, scene_grid

    try:
        scene = scene_from_file(str(path), sensor=sensor, scene_id=name)
        grid = scene_grid(scene)
    except SwathError as error:
        raise UnreadableImageError(str(error)) from error
    return Chip(scene, Window(0, 0, grid.width, grid.height), scene.footprint)
