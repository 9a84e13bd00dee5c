"""Rasters inside container files: ``corpus.h5#key`` is an image of an HDF5 file, ``patches.npz#12`` a row of an array.

GDAL's own HDF5 driver stays forbidden (see `swath.raster.safety`): a member is read by h5py or numpy, checked, and
handed on as a dataset in memory, so that windows, masks and resampling are the same as for every other raster.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader, DatasetWriter

from swath.errors import UnsafeRasterError
from swath.raster import arrays, hdf5
from swath.raster.hrefs import member_of
from swath.raster.member import MAX_VALUES, Member


class _Container(Protocol):
    """What a kind of container file offers."""

    def header(self, path: str, key: str) -> Member: ...

    def pixels(self, path: str, key: str) -> NDArray[np.generic]: ...


_CONTAINERS: dict[str, _Container] = {".h5": hdf5, ".hdf5": hdf5, ".npz": arrays}


def describe_member(href: str) -> Member:
    """The header of one image in a container; its pixels are not read.

    Raises:
        RasterError: no such file or key, a broken external link, a wrong shape.
        GeoreferenceError: coordinates that are no grid, or look swapped.
        MissingExtraError: HDF5 without h5py.
    """
    path, key = _parts(href)
    return _CONTAINERS[path[path.rindex(".") :].lower()].header(path, key)


def open_member(href: str) -> DatasetReader:
    """One image of a container as a dataset in memory, in the stored band order; NaN stays NaN.

    Raises:
        RasterError: see `describe_member`; or its pixels are damaged.
    """
    path, key = _parts(href)
    container = _CONTAINERS[path[path.rindex(".") :].lower()]
    member = container.header(path, key)
    count, height, width = member.shape
    if count * height * width > MAX_VALUES:
        raise UnsafeRasterError(
            f"{href}: claims {count} x {height} x {width} values; more than {MAX_VALUES} is refused"
        )
    values = container.pixels(path, key)
    place = {} if member.crs is None else {"crs": member.crs, "transform": member.transform}
    dataset = DatasetWriter(
        "member", "w+", driver="MEM", count=count, height=height, width=width, dtype=str(values.dtype), **place
    )
    dataset.write(values)
    return dataset


def release_container(href: str | None) -> None:
    """Close this thread's container of `href`, or all of this thread's containers."""
    found = None if href is None else member_of(href)
    if href is None or found is not None:
        hdf5.close(found[0] if found is not None else None)


def _parts(href: str) -> tuple[str, str]:
    found = member_of(href)
    if found is None:
        raise ValueError(f"{href} names no member of a container")
    return found
