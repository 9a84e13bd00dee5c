"""`PageFiles`: the page's files, packed for browsers that unpack them: a third of the bytes on the line."""

from __future__ import annotations

import gzip
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.types import Scope

_PACKED_SUFFIXES = frozenset({".js", ".css", ".html", ".svg"})


class PageFiles(StaticFiles):
    """Files of a folder; each is packed once and kept in memory."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The answer for one file: as it is, packed, or that it has not changed."""
        response = await super().get_response(path, scope)
        if Path(path).suffix not in _PACKED_SUFFIXES:
            return response
        response.headers.add_vary_header("Accept-Encoding")
        asked = Headers(scope=scope).get("accept-encoding", "")
        accepted = {each.partition(";")[0].strip() for each in asked.split(",")}
        if "gzip" not in accepted or not isinstance(response, FileResponse) or response.status_code != 200:
            return response
        packed = await run_in_threadpool(_packed, str(response.path), os.stat(response.path).st_mtime_ns)
        headers = {name: response.headers[name] for name in ("etag", "last-modified", "vary")}
        return Response(packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=response.media_type)


@lru_cache(maxsize=64)
def _packed(path: str, changed: int) -> bytes:  # noqa: ARG001 - a file that has changed is packed anew
    return gzip.compress(Path(path).read_bytes(), compresslevel=9, mtime=0)
