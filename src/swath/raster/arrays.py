"""Images in numpy archives: ``patches.npz#12`` is row 12 of the only array, ``patches.npz#x/12`` of the array x.

An array is (N, bands, H, W) or (N, H, W, bands); its bands have the catalogue's order and no names.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from swath.errors import RasterError, UnsafeRasterError
from swath.raster.hrefs import signature
from swath.raster.member import Member

MAX_BYTES = 4 << 30
"""Decoded size of an array at most: archives are decoded whole."""

_BAND_COUNTS = (1, 2, 3, 4, 12, 13)


def keys(path: str) -> Iterator[str]:
    """The name of every image: its row, with the array's name before it where there are several arrays.

    Raises:
        RasterError: no numpy archive, or an array that holds no images.
    """
    names = _names(path)
    for name in names:
        for row in range(len(_images(path, name, signature(path)))):
            yield str(row) if len(names) == 1 else f"{name}/{row}"


def header(path: str, key: str) -> Member:
    """See `swath.raster.members.describe_member`."""
    image = _image(path, key)
    count, height, width = image.shape
    return Member((count, height, width), str(image.dtype), tuple(range(1, count + 1)))


def pixels(path: str, key: str) -> NDArray[np.generic]:
    """(bands, H, W) of one image."""
    return np.ascontiguousarray(_image(path, key))


def _image(path: str, key: str) -> NDArray[np.generic]:
    name, slash, row = key.rpartition("/")
    names = _names(path)
    if not slash:
        if len(names) != 1:
            raise RasterError(f"{path}#{key}: has the arrays {', '.join(names)}; name one: {path}#{names[0]}/{key}")
        name = names[0]
    if name not in names:
        raise RasterError(f"{path}#{key}: has no array {name!r}; it has {', '.join(names)}")
    images = _images(path, name, signature(path))
    if not row.isdecimal() or int(row) >= len(images):
        raise RasterError(f"{path}#{key}: array {name!r} has {len(images)} images, numbered from 0")
    found: NDArray[np.generic] = images[int(row)]
    return found


@lru_cache(maxsize=64)
def _listed(path: str, _signature: tuple[int, int]) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(path) as archive:
            large = next((entry for entry in archive.infolist() if entry.file_size > MAX_BYTES), None)
            names = tuple(entry.filename.removesuffix(".npy") for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise RasterError(f"{path}: is no numpy archive ({error}); check the file") from error
    if large is not None:
        raise UnsafeRasterError(f"{path}: array {large.filename} has {large.file_size} bytes, more than {MAX_BYTES}")
    if not names:
        raise RasterError(f"{path}: holds no array")
    return names


def _names(path: str) -> tuple[str, ...]:
    if not os.path.isfile(path):
        raise RasterError(f"{path}: no such file; check the path")
    return _listed(path, signature(path))


@lru_cache(maxsize=2)
def _images(path: str, name: str, _signature: tuple[int, int]) -> NDArray[np.generic]:
    """(N, bands, H, W) view of an array, decoded once."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found: NDArray[np.generic] = file[name]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RasterError(f"{path}: array {name!r} cannot be read ({error}); objects are refused") from error
    shape = found.shape
    first, last = len(shape) == 4 and shape[1] in _BAND_COUNTS, len(shape) == 4 and shape[3] in _BAND_COUNTS
    if first == last or not np.issubdtype(found.dtype, np.number):
        raise RasterError(
            f"{path}: array {name!r} is {found.dtype} of shape {shape}; images are numbers of (N, bands, H, W) or "
            f"(N, H, W, bands) with {', '.join(map(str, _BAND_COUNTS))} bands"
        )
    return found if first else np.moveaxis(found, 3, 1)
