"""Images in HDF5 files of CrisisLandMark's layout: ``crisislandmark.h5#key``.

Every key is a group with ``image`` (bands, H, W), ``coords`` (2, H, W) of x and y at the pixels' centres, and the
attributes ``crs`` (EPSG), ``timestamp`` and, in some, ``labels``. A main file links the groups of shards that lie in
its own folder. Files that swath writes also have ``bands``, ``sensor`` and ``transform``, which make reading exact.

Bands are told by the collection that a key's name tells, see `COLLECTIONS`; NaN is no data and stays NaN.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from swath.errors import GeoreferenceError, MissingExtraError, RasterError, UnsafeRasterError
from swath.raster.hrefs import inside, signature
from swath.raster.member import MAX_VALUES, SENSOR_TAG, Member

if TYPE_CHECKING:
    import h5py

SUFFIXES = (".h5", ".hdf5")

_S2 = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")


@dataclass(frozen=True, slots=True)
class Collection:
    """How one source of CrisisLandMark stores its images.

    Attributes:
        sign: what the keys of its images have in their names.
        radar: whether it is Sentinel-1.
        bands: names of the stored bands; an empty name is a band that does not count.
    """

    sign: str
    radar: bool
    bands: tuple[str, ...]


COLLECTIONS = (
    Collection("benv2s1", True, ("VH", "VV")),
    Collection("sen1flood", True, ("VH", "VV")),
    Collection("mmflood", True, ("VV", "VH")),
    Collection("quakeset", True, ("", "", "VV", "VH")),  # before, then after the event
    Collection("benv2s2", False, _S2),
    Collection("sen2flood", False, _S2),
    Collection("cabuar", False, _S2),
)
"""The sources, as the published reader treats them: it turns round the bands of two, and takes quakeset's last two."""

_OPEN = 8
_DEPTH = 8


def keys(path: str) -> Iterator[str]:
    """The keys of a file, in its order, without reading an image. Links to shards are not followed.

    Raises:
        RasterError: no HDF5 file.
    """
    yield from _keys(_file(path), "", path, 0)


def links_others(path: str) -> bool:
    """Whether the file's first entry is a link to another file.

    Raises:
        RasterError: no HDF5 file.
    """
    file = _file(path)
    first = next(iter(file), None)
    return first is not None and file.id.links.get_info(first.encode()).type == library().h5l.TYPE_EXTERNAL


def header(path: str, key: str) -> Member:
    """See `swath.raster.members.describe_member`."""
    where = f"{path}#{key}"
    group = _group(path, key, os.path.dirname(path))
    image, coords = _array(group, "image", where), _array(group, "coords", where)
    if image.ndim != 3 or not np.issubdtype(image.dtype, np.number) or 0 in image.shape:
        raise RasterError(f"{where}: image is {image.dtype} of shape {image.shape}; it must be numbers (bands, H, W)")
    if coords.shape != (2, *image.shape[1:]):
        raise RasterError(f"{where}: coords have shape {coords.shape}; an image of {image.shape} needs (2, H, W)")
    if image.size > MAX_VALUES:
        raise UnsafeRasterError(f"{where}: claims {image.shape} values; more than {MAX_VALUES} is refused")
    crs = _crs(group.attrs.get("crs"), where)
    names, indexes = _bands(group, key, image.shape[0], where)
    tags = {"labels": json.dumps(_texts(group.attrs["labels"]))} if "labels" in group.attrs else {}
    sensor = _text(group.attrs.get("sensor")) or _sensor_of(path, key, image.shape[0])
    return Member(
        (int(image.shape[0]), int(image.shape[1]), int(image.shape[2])),
        str(image.dtype),
        indexes,
        names,
        crs,
        _given(group, where) or _transform(_read(coords, where), where),
        _moment(group.attrs.get("timestamp")),
        tags | ({SENSOR_TAG: sensor} if sensor else {}),
    )


def pixels(path: str, key: str) -> NDArray[np.generic]:
    """(bands, H, W) of one image, as stored."""
    where = f"{path}#{key}"
    found = _read(_array(_group(path, key, os.path.dirname(path)), "image", where), where)
    return found.astype(np.float32) if found.dtype == np.float16 else found


def library() -> Any:  # noqa: ANN401 - a module without types
    """h5py, with the compression filters of hdf5plugin where that is installed.

    Raises:
        MissingExtraError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "landmark") from error
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401 - registers filters
    return h5py


class _Files(threading.local):
    """The open files of one thread, most recently used last; a forked process opens its own."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.open: OrderedDict[str, tuple[tuple[int, int], h5py.File]] = OrderedDict()


_files = _Files()


def _file(path: str) -> h5py.File:
    h5 = library()
    if _files.process != os.getpid():
        _files.__init__()  # type: ignore[misc]
    stamp = signature(path)
    held = _files.open.get(path)
    if held is not None and held[0] == stamp:
        _files.open.move_to_end(path)
        return held[1]
    if held is not None:
        _files.open.pop(path)[1].close()
    if not os.path.isfile(path):
        raise RasterError(f"{path}: no such file; check the path")
    try:
        file = h5.File(path, "r")
    except OSError as error:
        raise RasterError(f"{path}: is no HDF5 file, or damaged ({error}); fetch it again") from error
    _files.open[path] = (stamp, file)
    while len(_files.open) > _OPEN:
        _files.open.popitem(last=False)[1][1].close()
    return file


def close(path: str | None) -> None:
    """Close this thread's file at `path`, or all of its files."""
    for name in list(_files.open) if path is None else [path]:
        held = _files.open.pop(name, None)
        if held is not None:
            held[1].close()


def _group(path: str, key: str, folder: str, depth: int = 0) -> h5py.Group:
    """The group of a key; external links are followed here, so that they cannot leave the folder."""
    h5 = library()
    node: Any = _file(path)
    parts = [part for part in key.split("/") if part]
    if depth > _DEPTH or not parts:
        raise RasterError(f"{path}#{key}: {'links go round' if parts else 'names no key'}; check the file")
    for place, part in enumerate(parts):
        name = part.encode()
        if not isinstance(node, h5.Group) or not node.id.links.exists(name):
            raise RasterError(f"{path}: has no key {key!r}; fetch the file that holds it, or leave the key out")
        if node.id.links.get_info(name).type == h5.h5l.TYPE_EXTERNAL:
            file, inner = (os.fsdecode(value) for value in node.id.links.get_val(name))
            shard = _shard(path, file, key, folder)
            return _group(shard, "/".join([inner, *parts[place + 1 :]]), folder, depth + 1)
        try:
            node = node[part]
        except (KeyError, OSError) as error:
            raise RasterError(f"{path}: key {key!r} leads nowhere ({error}); fetch the file again") from error
    if not isinstance(node, h5.Group):
        raise RasterError(f"{path}: key {key!r} is an array; an image is a group with image and coords")
    return node


def _shard(path: str, file: str, key: str, folder: str) -> str:
    shard = os.path.realpath(os.path.join(os.path.dirname(path), file))
    if not inside(shard, folder):
        raise UnsafeRasterError(f"{path}#{key}: links to {file}, outside the folder {folder}; refused")
    if not os.path.isfile(shard):
        raise RasterError(f"{path}#{key}: links to {file}, which is not there; put that file beside {path}")
    return shard


def _keys(group: Any, before: str, path: str, depth: int) -> Iterator[str]:  # noqa: ANN401
    h5 = library()
    for name in group:
        link = group.id.links.get_info(name.encode()).type
        if link == h5.h5l.TYPE_EXTERNAL:
            yield f"{before}{name}"
            continue
        node = group.get(name)
        if isinstance(node, h5.Group):
            if "image" in node or depth >= _DEPTH:
                yield f"{before}{name}"
            else:
                yield from _keys(node, f"{before}{name}/", path, depth + 1)


def _array(group: h5py.Group, name: str, where: str) -> h5py.Dataset:
    found = group.get(name)
    if not isinstance(found, library().Dataset):
        raise RasterError(f"{where}: has no {name}; an image is a group with image, coords and the attribute crs")
    return found


def _read(array: h5py.Dataset, where: str) -> NDArray[Any]:
    try:
        found: NDArray[Any] = array[()]
    except OSError as error:
        raise RasterError(
            f"{where}: cannot be read ({error}); it is damaged, or needs the compression filters of hdf5plugin"
        ) from error
    return found


def _bands(group: h5py.Group, key: str, count: int, where: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names and 1-based numbers of the bands that count."""
    if "bands" in group.attrs:
        stored = tuple(_texts(group.attrs["bands"]))
    else:
        known = collection_of(key)
        stored = known.bands if known is not None else ()
        if known is not None and not known.radar and count == len(_S2) + 1:
            stored = (*_S2[:10], "B10", *_S2[10:])
    if stored and len(stored) != count:
        raise RasterError(f"{where}: image has {count} bands, but {len(stored)} are expected ({', '.join(stored)})")
    if not stored:
        return (), tuple(range(1, count + 1))
    chosen = [(name, number) for number, name in enumerate(stored, 1) if name]
    return tuple(name for name, _ in chosen), tuple(number for _, number in chosen)


def collection_of(key: str) -> Collection | None:
    """The collection that a key's name tells; None for other names."""
    return next((entry for entry in COLLECTIONS if entry.sign in key.lower()), None)


def _sensor_of(path: str, key: str, count: int) -> str:
    """The sensor of a published collection; decibel is told from power by one image for all of a file."""
    known = collection_of(key)
    if known is None:
        return ""
    if not known.radar:
        return "s2-l1c" if count == len(_S2) + 1 else "s2-l2a"
    asked = (path, signature(path), known.sign)
    if asked not in _UNITS:
        values = pixels(path, key)
        good = values[np.isfinite(values)]
        if not good.size:
            return "s1-grd"
        _UNITS[asked] = "s1-grd-linear" if good.min() >= 0 else "s1-grd"
    return _UNITS[asked]


_UNITS: dict[tuple[str, tuple[int, int], str], str] = {}
"""File and collection -> the sensor of its radar images, once one with data has told."""


def _crs(value: object, where: str) -> str:
    """``EPSG:code`` or WKT."""
    from pyproj.exceptions import CRSError

    try:
        return _named_crs(_text(value))
    except (CRSError, ValueError) as error:
        text = f"{_text(value)!r:.60}"
        raise GeoreferenceError(f"{where}: attribute crs is {text}; it must be an EPSG code ({error})") from error


@lru_cache(maxsize=512)
def _named_crs(text: str) -> str:
    import pyproj

    crs = pyproj.CRS.from_user_input(int(text) if text.isdecimal() else text)
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())


def _given(group: h5py.Group, where: str) -> Affine | None:
    """The exact transform that swath's own files have."""
    if "transform" not in group.attrs:
        return None
    values = np.asarray(group.attrs["transform"], dtype=np.float64)
    if values.shape != (6,) or not np.isfinite(values).all():
        raise GeoreferenceError(f"{where}: attribute transform must be six numbers; found {values.tolist()}")
    return Affine(*values.tolist())


def _transform(coords: NDArray[Any], where: str) -> Affine:
    """The grid of (2, H, W) coordinates x, y of pixel centres.

    Raises:
        GeoreferenceError: not finite, no regular grid, or x and y are swapped.
    """
    x, y = coords.astype(np.float64)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise GeoreferenceError(f"{where}: coords are not finite")
    height, width = x.shape
    (xc, xr), (yc, yr) = (_steps(plane, width, height) for plane in (x, y))
    if abs(xr) > abs(xc) and abs(yc) > abs(yr):
        raise GeoreferenceError(f"{where}: coords change as y, x do: they look swapped; the order is x, y (lon, lat)")
    rows, cols = np.arange(height, dtype=np.float64)[:, None], np.arange(width, dtype=np.float64)
    x, y = x - (xc * cols + xr * rows), y - (yc * cols + yr * rows)
    left, top = float(x.mean()), float(y.mean())
    off = max(x.max() - left, left - x.min(), y.max() - top, top - y.min())
    pixel = max(abs(xc) + abs(xr), abs(yc) + abs(yr))
    if xc * yr == xr * yc or off > pixel:
        raise GeoreferenceError(f"{where}: coords are no regular grid; resample the image to one first")
    return Affine(xc, xr, left, yc, yr, top) @ Affine.translation(-0.5, -0.5)


def _steps(plane: NDArray[np.float64], width: int, height: int) -> tuple[float, float]:
    """Mean change from column to column, and from row to row."""
    across = float((plane[:, -1] - plane[:, 0]).mean()) / max(1, width - 1)
    down = float((plane[-1] - plane[0]).mean()) / max(1, height - 1)
    return across, down


def _moment(value: object) -> datetime | None:
    text = _text(value)
    if not text:
        return None
    try:
        found = datetime.fromtimestamp(float(text), UTC) if _is_number(text) else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and len(text.partition(".")[0]) > 8


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _texts(value: object) -> list[str]:
    """The texts of an attribute: an array of strings, or one string."""
    if isinstance(value, str | bytes):
        return [_text(value)]
    return [_text(item) for item in np.asarray(value).ravel().tolist()]
