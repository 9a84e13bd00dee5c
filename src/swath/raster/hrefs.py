"""Addresses of rasters: what is local, what is remote, and what is refused.

An href comes from a person (a path on the command line) or from metadata (a STAC item, a parquet row). Metadata is not
trusted: it may name files inside its own source and remote files over http(s) or object stores, nothing else. GDAL's
``/vsi`` prefixes are only ever written here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit, urlunsplit
from urllib.request import url2pathname

from swath.errors import RasterError, UnsafeRasterError

VSI_PREFIXES = {"http": "/vsicurl/", "https": "/vsicurl/", "s3": "/vsis3/", "gs": "/vsigs/"}
"""URL schemes that swath reads, and GDAL's prefix for each."""

_SIGNATURE_KEYS = frozenset(
    {"sig", "signature", "expires", "key-pair-id", "token", "awsaccesskeyid", "googleaccessid", "policy"}
)


def scheme_of(href: str) -> str:
    """The URL scheme of `href` in lower case; empty for a path (a Windows drive letter is not a scheme)."""
    scheme = urlsplit(href).scheme.lower() if "://" in href else ""
    return "" if len(scheme) == 1 else scheme


_MEMBER = re.compile(r"(.+?\.(?:h5|hdf5|npz))#(.+)", re.IGNORECASE | re.DOTALL)


def member_of(href: str) -> tuple[str, str] | None:
    """(file, key) of an image inside a container file (``corpus.h5#key``); None for other hrefs."""
    found = _MEMBER.fullmatch(href)
    return (found[1], found[2]) if found is not None else None


def file_of(href: str) -> str:
    """The file that holds a raster: the href itself, or the container of ``corpus.h5#key``."""
    found = member_of(href)
    return found[0] if found is not None else href


def is_remote(href: str) -> bool:
    """Whether `href` is a URL that swath reads over the network."""
    return scheme_of(href) in VSI_PREFIXES


def local_path(href: str | Path) -> str:
    """The absolute path of a local file with links resolved: one spelling for every way to name it.

    Raises:
        UnsafeRasterError: `href` is a GDAL virtual path or has a scheme that swath does not read.
    """
    text = os.fspath(href)
    scheme = scheme_of(text)
    if scheme == "file":
        text = url2pathname(urlsplit(text).path)
    elif scheme:
        known = ", ".join(sorted([*VSI_PREFIXES, "file"]))
        raise UnsafeRasterError(f"{text}: scheme {scheme!r} is refused; give a path or a URL of {known}")
    if text.startswith("/vsi") or "\0" in text:
        raise UnsafeRasterError(f"{text!r}: GDAL virtual paths are refused; give a plain path or a URL")
    found = member_of(text)
    return os.path.realpath(text) if found is None else f"{os.path.realpath(found[0])}#{found[1]}"


def gdal_path(href: str) -> str:
    """What GDAL opens for `href`: an existing regular file, or a URL behind the right ``/vsi`` prefix.

    Raises:
        RasterError: a local file that is missing, empty or no regular file.
        UnsafeRasterError: a scheme or virtual path that is refused.
    """
    if is_remote(href):
        scheme = scheme_of(href)
        rest = href if scheme in ("http", "https") else href.split("://", 1)[1]
        return VSI_PREFIXES[scheme] + rest
    path = local_path(href)
    if not os.path.exists(path):
        raise RasterError(f"{href}: no such file; check the path, or remove the entry that names it")
    if not os.path.isfile(path):
        raise RasterError(f"{href}: not a regular file; give the path of one raster")
    if os.path.getsize(path) == 0:
        raise RasterError(f"{href}: the file is empty (0 bytes); fetch it again")
    return path


def signature(href: str) -> tuple[int, int]:
    """(size, modification time in ns) of a local file, so that caches notice a rewritten file; (0, 0) for a URL."""
    if is_remote(href):
        return 0, 0
    try:
        status = os.stat(file_of(href))
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def resolve(href: str, base: str, root: str) -> str:
    """Turn an href found in metadata into an absolute one, and refuse what leaves the source.

    Args:
        href: as written in the metadata: relative, absolute, or a URL.
        base: path or URL of the document that holds it.
        root: local folder that local files must lie in; empty where the source is remote and has no local files.

    Raises:
        UnsafeRasterError: a local file outside `root`, a local file named by a remote document, or a refused scheme.
    """
    if is_remote(href):
        return href
    if is_remote(base):
        if scheme_of(href):
            raise UnsafeRasterError(f"{href}: a remote document ({base}) may not name local files")
        return urljoin(base, href)
    joined = href if scheme_of(href) or href.startswith("/vsi") else os.path.join(os.path.dirname(base), href)
    path = local_path(joined)
    if not root or not inside(path, root):
        raise UnsafeRasterError(
            f"{href}: lies outside its source ({root or 'no local folder'}); move the file into the source's folder"
        )
    return path


def inside(path: str, root: str) -> bool:
    """Whether `path`, with links resolved, lies in the folder `root`."""
    real, top = os.path.realpath(path), os.path.realpath(root)
    return os.path.commonpath([real, top]) == top


def without_signature(href: str) -> str:
    """A URL without the signature that expires, so that a scene keeps its id when it is signed anew."""
    if not is_remote(href):
        return href
    parts = urlsplit(href)
    keys = {key.lower() for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if keys & _SIGNATURE_KEYS or any(key.startswith(("x-amz-", "x-goog-")) for key in keys):
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    return href
