"""Reading the JSON documents of STAC: local files inside the source, and URLs with a time limit and a size cap."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from swath.errors import SourceError
from swath.raster.hrefs import is_remote, local_path, scheme_of

MAX_BYTES = 512 * 2**20
"""Largest JSON document that is read."""

TIMEOUT_S = 30.0


def read_json(href: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON at a local path or an http(s) URL.

    Raises:
        SourceError: missing, unreachable, too large or not JSON; the message names the document.
    """
    try:
        text = _read_url(href) if is_remote(href) else _read_file(local_path(href))
        return json.loads(text)
    except (OSError, URLError) as error:
        raise SourceError(f"{href}: cannot be read ({getattr(error, 'reason', error)}); check the address") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{href}: not JSON ({error}); give a STAC document") from error


def json_values(value: object) -> Any:  # noqa: ANN401 - JSON
    """`value` in JSON's own types: times in RFC 3339, NaN and infinity as null, bytes left out, all else as text."""
    if isinstance(value, Mapping):
        return {str(key): json_values(entry) for key, entry in value.items() if not isinstance(entry, bytes)}
    if isinstance(value, list | tuple):
        return [json_values(entry) for entry in value if not isinstance(entry, bytes)]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def _read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return _capped(path, file.read(MAX_BYTES + 1))


def _read_url(url: str) -> bytes:
    if scheme_of(url) not in ("http", "https"):
        raise SourceError(f"{url}: STAC documents are read over http(s) or from disk; copy it to disk first")
    request = Request(url, headers={"Accept": "application/geo+json, application/json"})  # noqa: S310 - scheme checked
    with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - scheme checked
        return _capped(url, response.read(MAX_BYTES + 1))


def _capped(href: str, text: bytes) -> bytes:
    if len(text) > MAX_BYTES:
        raise SourceError(f"{href}: more than {MAX_BYTES // 2**20} MiB of JSON; split it or use GeoParquet")
    return text
