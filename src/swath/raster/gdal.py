"""GDAL's settings and the only place that opens a dataset: an allow-list of drivers, and handles kept per thread.

A GDAL dataset may only be used by one thread at a time, so every thread keeps its own most recently used handles.
Sidecar files (``.aux.xml``, world files, external masks) are never read: what a chip looks like depends on one file.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.env import set_gdal_config
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from swath.errors import RasterError, UnsafeRasterError
from swath.raster import safety
from swath.raster.hrefs import gdal_path, is_remote, member_of, signature
from swath.raster.members import open_member, release_container

DRIVERS = ("GTiff", "JP2OpenJPEG", "PNG", "JPEG", "WEBP")
"""GDAL drivers that swath opens files with. Never VRT, WMS, derived or script-like formats: they reach other files."""

SUFFIXES = (".tif", ".tiff", ".jp2", ".png", ".jpg", ".jpeg", ".webp")
"""File names that sources look at, in lower case."""

CACHE_BYTES = 320 * 2**20
"""GDAL's block cache for the whole process, unless $GDAL_CACHEMAX is set; GDAL's own default is 5 % of the memory."""

HANDLES = 24
"""Open datasets kept per thread: the bands of two Sentinel-2 scenes that come one file a band."""

# Both are set once for the process: rasterio's Env would restore them after every read, under other threads' reads too.
if "GDAL_CACHEMAX" not in os.environ:
    set_gdal_config("GDAL_CACHEMAX", CACHE_BYTES)
# Photographs have no georeference; that is no reason to warn.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module=r"swath\.")

_LOCAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",
    # The whole-image shortcut returns what it has of a truncated PNG without an error.
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO",
    "VSI_CACHE": "NO",
}

_REMOTE = {
    **_LOCAL,
    "VSI_CACHE": "YES",
    "VSI_CACHE_SIZE": 4 * 2**20,
    "GDAL_INGESTED_BYTES_AT_OPEN": 32768,
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_TIMEOUT": 60,
    "GDAL_HTTP_MAX_RETRY": 3,
    "GDAL_HTTP_RETRY_DELAY": 0.5,
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
}

_AWS_SIGNS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI")


def settings(href: str) -> dict[str, object]:
    """GDAL's configuration for reading `href`; requests to object stores go unsigned where no login is set up."""
    if not is_remote(href):
        return dict(_LOCAL)
    options: dict[str, object] = dict(_REMOTE)
    signed_in = any(os.environ.get(name) for name in _AWS_SIGNS) or (Path.home() / ".aws" / "credentials").exists()
    if not signed_in:
        options["AWS_NO_SIGN_REQUEST"] = "YES"
    return options


@contextmanager
def environment(href: str) -> Iterator[None]:
    """GDAL configured for `href`, and rasterio's errors turned into `RasterError` that names the file.

    Raises:
        RasterError: whatever GDAL could not do, with its reason.
    """
    try:
        with rasterio.Env(**settings(href)):
            yield
    except (RasterioError, CPLE_BaseError) as error:
        raise RasterError(f"{href}: {reason(error)}; the file is damaged or no raster that swath reads") from error


def reason(error: BaseException) -> str:
    """GDAL's own words: the message of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().rstrip(".") or type(error).__name__


def open_dataset(href: str) -> DatasetReader:
    """Open `href` with an allowed driver and refuse what its header makes implausible.

    Raises:
        RasterError: missing, empty or unreadable.
        UnsafeRasterError: a forbidden format, or a size that is a decompression bomb.
    """
    if member_of(href) is not None:
        with environment(href):
            return open_member(href)
    path = gdal_path(href)
    if not is_remote(href):
        safety.check_format(href, path)
    with environment(href):
        dataset = DatasetReader(path, driver=list(DRIVERS))
        try:
            if dataset.driver not in DRIVERS:
                raise UnsafeRasterError(f"{href}: driver {dataset.driver} is not allowed; convert the file to GeoTIFF")
            safety.check_plausible(href, dataset, None if is_remote(href) else os.path.getsize(path))
        except BaseException:
            dataset.close()
            raise
    return dataset


class _Handles(threading.local):
    """The open datasets of one thread, most recently used last."""

    def __init__(self) -> None:
        self.open: OrderedDict[str, tuple[tuple[int, int], DatasetReader]] = OrderedDict()


_handles = _Handles()

_inherited: list[_Handles] = []


def _forget_after_fork() -> None:
    """Let a forked worker open files anew: parent and child would move the same file position.

    The parent's handles are kept unused, because closing them could wait for a lock that a thread of the parent held.
    """
    global _handles
    _inherited.append(_handles)
    _handles = _Handles()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def handle(href: str) -> DatasetReader:
    """This thread's dataset for `href`, opened on first use and again when the file has changed.

    Raises:
        RasterError: see `open_dataset`.
    """
    stamp = signature(href)
    held = _handles.open.get(href)
    if held is not None and held[0] == stamp:
        _handles.open.move_to_end(href)
        return held[1]
    _close(href)
    dataset = open_dataset(href)
    _handles.open[href] = (stamp, dataset)
    while len(_handles.open) > HANDLES:
        _handles.open.popitem(last=False)[1][1].close()
    return dataset


def release(href: str | None = None) -> None:
    """Close this thread's dataset for `href`, or all of this thread's datasets and containers."""
    _close(href)
    release_container(href)


def _close(href: str | None) -> None:
    names = list(_handles.open) if href is None else [href] if href in _handles.open else []
    for name in names:
        _handles.open.pop(name)[1].close()
