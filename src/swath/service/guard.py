"""What stands before the routes: names, tokens, rates, sizes, depths and time; and headers on every answer."""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections import OrderedDict
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from swath.service.problems import RequestError, answer
from swath.service.settings import LOOPBACK, Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OPEN = re.compile(r"/(healthz|readyz|static/.*)?")
"""Paths that need no token: health, and the page, which asks for the token."""

_JSON = ("application/json", "application/geo+json")
_FORMS = "/semantic-search"
"""The one address that reads forms."""

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_CLIENTS = 10_000


class Guard:
    """ASGI middleware: refuses what no route should see."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._buckets = Buckets(settings.rate_limit, settings.rate_burst)
        self._headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check(scope)
            body = await self._body(scope, receive)
            async with asyncio.timeout(self._settings.request_seconds):
                await self._app(scope, _replayed(body, receive), dressed)
        except RequestError as problem:
            await answer(problem.status, str(problem), problem.headers)(scope, receive, dressed)
        except TimeoutError:
            if begun:
                raise
            seconds = f"{self._settings.request_seconds:g}"
            await answer(503, f"the request took over {seconds} s and was given up; ask for less")(
                scope, receive, dressed
            )

    def _check(self, scope: Scope) -> None:
        """Refuse by what is known before the body."""
        headers = Headers(scope=scope)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > self._settings.max_url_bytes:
            raise RequestError(414, f"the address is longer than {self._settings.max_url_bytes} bytes; send a POST")
        if b"\0" in scope["path"].encode("utf-8", "replace"):
            raise RequestError(400, "the address holds a NUL character")
        self._check_host(headers.get("host", ""))
        client = scope.get("client")
        wait = self._buckets.take(client[0] if client else "")
        if wait > 0:
            seconds = str(max(1, round(wait + 0.5)))
            raise RequestError(429, "too many requests; slow down", {"Retry-After": seconds})
        # A browser's page cannot send a token with its first request: the page itself is open, its data is not.
        if self._settings.token is None or (_OPEN.fullmatch(scope["path"]) and scope["path"] != "/"):
            return
        if scope["path"] == "/" and "text/html" in headers.get("accept", ""):
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        wanted = self._settings.token.get_secret_value()
        if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), wanted.encode()):
            raise RequestError(401, "a token is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    def _check_host(self, host: str) -> None:
        """Refuse names that are not ours, so that no foreign page reaches a loopback service by its own name."""
        allowed = self._settings.allowed_hosts
        if "*" in allowed:
            return
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            name = ""
        # A rebound name stays a name: whoever addresses a machine by its number means it, as probes in a cluster do.
        if name not in {*LOOPBACK, *allowed, self._settings.host} and not _is_address(name):
            raise RequestError(400, "the service does not go by this name; its keeper can add it to allowed_hosts")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, refused as soon as it is too large, and JSON that nests too deeply."""
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return b""
        headers = Headers(scope=scope)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        form = kind == "multipart/form-data" and scope["path"].endswith(_FORMS)
        limit = self._settings.max_upload_bytes + 2**16 if form else self._settings.max_body_bytes
        declared = headers.get("content-length", "0")
        too_large = RequestError(413, f"the body is larger than {limit} bytes")
        if not declared.isdigit() or int(declared) > limit:
            raise too_large
        parts, size = [], 0
        async with asyncio.timeout(self._settings.request_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestError(400, "the body was cut off")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise too_large
                if not message.get("more_body", False):
                    break
        body = b"".join(parts)
        if not form and kind not in _JSON and (kind or body) and scope["method"] == "POST":
            raise RequestError(415, f"send application/json, not {kind[:60] or 'a body of no type'!r}")
        if not form and body.strip() and not body.lstrip().startswith(b"{"):
            raise RequestError(400, "the body is no JSON object")
        if not form and depth(body) > self._settings.max_json_depth:
            raise RequestError(400, f"the body nests deeper than {self._settings.max_json_depth} levels")
        return body


class Buckets:
    """A bucket of requests for each client, filled at a steady rate."""

    def __init__(self, rate: float, burst: int) -> None:
        """Set the rate.

        Args:
            rate: requests a second; 0 sets no limit.
            burst: how many at once.
        """
        self._rate = rate
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take one request; seconds to wait where none is left, else 0."""
        if self._rate == 0:
            return 0.0
        now = time.monotonic()
        left, since = self._left.pop(client, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._rate)
        granted = left >= 1
        self._left[client] = (left - 1 if granted else left, now)
        while len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return 0.0 if granted else (1 - left) / self._rate


def depth(body: bytes) -> int:
    """How deeply brackets of a JSON text nest, outside of its strings."""
    level = deepest = 0
    for sign in _STRINGS.sub(b"", body):
        if sign in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif sign in b"]}":
            level -= 1
    return deepest


def security_headers(settings: Settings) -> dict[str, str]:
    """Headers of every answer; a basemap's origin is the only foreign one that the page may load pictures from."""
    pictures = "'self' data: blob:"
    connections = "'self' blob: data:"
    if settings.basemap:
        parts = urlsplit(settings.basemap)
        origin = f"{parts.scheme}://{parts.netloc}".replace("{s}", "*")
        pictures, connections = f"{pictures} {origin}", f"{connections} {origin}"
    policy = (
        f"default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
        f"img-src {pictures}; connect-src {connections}; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "cross-origin" if settings.cors_origins else "same-origin",
        "Permissions-Policy": "geolocation=(self), camera=(), microphone=()",
        "Cache-Control": "no-cache",
    }


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
