"""Running the service: health, readiness, metrics and structured logs."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from swath._version import __version__
from swath.errors import SwathError
from swath.service.documents import Health, Readiness
from swath.service.problems import METHODS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from swath.service.catalog import Catalog
    from swath.service.workers import Workers

access = logging.getLogger("swath.service.access")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """What Prometheus is told."""

    def __init__(self, catalog: Catalog, workers: Workers) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "swath_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "swath_request_seconds", "Time to answer", ("method", "route"), buckets=_SECONDS, registry=self.registry
        )
        self._readable = Gauge(
            "swath_archive_readable",
            "1 where an archive can be read, else 0",
            ("archive",),
            registry=self.registry,
        )
        self._rows = Gauge("swath_archive_rows", "Chips in an archive", ("archive",), registry=self.registry)
        self._version = Gauge("swath_archive_version", "Version of an archive", ("archive",), registry=self.registry)
        self._work = Gauge("swath_heavy_work", "Searches, heat maps and tiles", ("state",), registry=self.registry)
        Info("swath_build", "What runs", registry=self.registry).info({"version": __version__})
        ProcessCollector(registry=self.registry)
        self._catalog = catalog
        self._workers = workers

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        for shelf in self._catalog.shelves:
            try:
                snapshot = shelf.archive.snapshot()
            except SwathError:
                self._readable.labels(shelf.name).set(0)
                continue
            self._readable.labels(shelf.name).set(1)
            self._rows.labels(shelf.name).set(snapshot.rows)
            self._version.labels(shelf.name).set(snapshot.version)
        self._work.labels("running").set(self._workers.running)
        self._work.labels("waiting").set(self._workers.waiting)
        return generate_latest(self.registry)


class AccessLog:
    """ASGI middleware: an id for each request, a line in the log, and metrics by route."""

    def __init__(self, app: ASGIApp, metrics: Callable[[], Metrics]) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, name = time.perf_counter(), 500, uuid.uuid4().hex[:16]

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", name.encode())]
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            took = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", None) or "other"
            metrics = self._metrics()
            # A client may make up methods without end: each would be a series of its own.
            method = scope["method"] if scope["method"] in METHODS else "other"
            metrics.requests.labels(method, route, str(status)).inc()
            metrics.seconds.labels(method, route).observe(took)
            client = scope.get("client")
            path = quote(scope["path"][:500], safe="/:@!$&'()*+,;=~")  # no line of its own in a log of plain text
            facts = {
                "request": name, "client": client[0] if client else None, "method": scope["method"],
                "path": path, "status": status, "ms": round(1000 * took, 1),
            }  # fmt: skip
            access.info("%s %s %s", scope["method"], path, status, extra={"facts": facts})


class JsonLines(logging.Formatter):
    """A log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logs(form: str, level: str) -> None:
    """Log to standard error, as JSON lines or text."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
    logging.captureWarnings(True)
    # Every request is logged here already.
    logging.getLogger("uvicorn.access").disabled = True


def router(catalog: Catalog, metrics: Callable[[], Metrics], ready: Callable[[], str | None]) -> APIRouter:
    """The routes.

    Args:
        catalog: the archives.
        metrics: gives the metrics.
        ready: why the service is not ready yet; None once it is.
    """
    made = APIRouter(tags=["Operations"])

    @made.get("/healthz", summary="Whether the process answers")
    async def healthz() -> Health:
        return Health()

    @made.get(
        "/readyz", summary="Whether archives can be read and models are loaded", response_class=JSONResponse,
        responses={200: {"model": Readiness}, 503: {"model": Readiness, "description": "Not yet, or not any more"}},
    )  # fmt: skip
    async def readyz() -> JSONResponse:
        why = ready()
        try:
            found = await run_in_threadpool(lambda: {s.name: s.archive.snapshot().rows for s in catalog.shelves})
        except SwathError:
            found, why = {}, "an archive cannot be read"
        body = Readiness(status=why or "ready", archives=found)
        return JSONResponse(body.model_dump(), status_code=503 if why else 200)

    @made.get("/metrics", summary="Metrics for Prometheus", response_class=Response,
              responses={200: {"content": {"text/plain": {}}}})  # fmt: skip
    async def prometheus() -> Response:
        return Response(await run_in_threadpool(metrics().text), media_type=CONTENT_TYPE_LATEST)

    return made
