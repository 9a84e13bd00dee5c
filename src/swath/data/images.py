"""From an image file to a `Chip`, by its header alone."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from swath.chips import Chip, Layer, SceneRef, Window
from swath.errors import DataError
from swath.sensors import sensor as sensor_named

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings of the files that count as images, in lower case."""

MAX_PIXELS = 1 << 30
"""Images that claim more pixels than this are refused unread."""


class UnreadableImageError(DataError):
    """One image file is not an image, is damaged, or does not fit its sensor."""


def image_chip(path: Path, name: str, sensor: str | None = None) -> Chip:
    """The chip of a whole image file. Reads the header, no pixels (about 50 microseconds a file).

    Args:
        path: the image.
        name: what the data set calls it; becomes the scene's id.
        sensor: name of its sensor; ``rgb`` by default. Grey images pass as ``rgb`` with their one band three times.

    Returns:
        A chip without footprint whose window is the image.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImageError: the file is no image, claims an absurd size, or has too few bands for `sensor`.
    """
    size, bands = _header(path)
    wanted = sensor_named(sensor or "rgb")
    count = len(wanted.bands)
    if count > bands and bands != 1:
        raise UnreadableImageError(f"{path} has {bands} band(s), sensor {wanted.name!r} needs {count}")
    href = str(path.absolute())
    layers = tuple(Layer(band.name, href, 1 if bands == 1 else number) for number, band in enumerate(wanted.bands, 1))
    return Chip(SceneRef(name, href, wanted.name, layers), Window(0, 0, *size))


def _header(path: Path) -> tuple[tuple[int, int], int]:
    """((width, height), number of bands) of an image file; palette images count as colour."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                size, bands = image.size, 3 if image.mode == "P" else len(image.getbands())
    except FileNotFoundError:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise UnreadableImageError(f"{path} cannot be read as an image: {error}") from error
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        raise UnreadableImageError(f"{path} claims {size[0]} x {size[1]} pixels; refused")
    return size, bands
