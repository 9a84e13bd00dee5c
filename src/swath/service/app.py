"""`create_app`: the service as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from stac_fastapi.api.app import StacApi
from stac_fastapi.api.models import (
    EmptyRequest,
    ItemCollectionUri,
    create_get_request_model,
    create_post_request_model,
    create_request_model,
)
from stac_fastapi.extensions import (
    FieldsExtension,
    FreeTextExtension,
    SortExtension,
    TokenPaginationExtension,
)
from stac_fastapi.extensions.filter import FilterConformanceClasses
from stac_fastapi.extensions.free_text import FreeTextConformanceClasses
from stac_fastapi.extensions.sort import SortConformanceClasses
from stac_fastapi.types.config import ApiSettings
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Match
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from swath._version import __version__
from swath.errors import SwathError
from swath.service import collections as collection_documents
from swath.service import cql2, media, ops, semantic, semantic_models, words
from swath.service.catalog import Catalog
from swath.service.documents import AbilitySettings, GeoJson, PageSettings
from swath.service.guard import Guard
from swath.service.items import GEOJSON, link
from swath.service.manual import render
from swath.service.openapi import describing
from swath.service.page_files import PageFiles
from swath.service.problems import RequestError, add_handlers
from swath.service.settings import Settings
from swath.service.stac import Client, FilterExtension, Queryables, SearchBody, Searches
from swath.service.workers import Workers

logger = logging.getLogger("swath.service")

STATIC = Path(str(files("swath.service") / "static"))
"""The page's files."""


def create_app(settings: Settings, catalog: Catalog | None = None) -> FastAPI:
    """The service.

    Args:
        settings: how it behaves.
        catalog: the archives, opened; by default those of the settings are opened.

    Raises:
        ArchiveError: an archive cannot be opened.
    """
    shelves = Catalog.open(settings.archives, settings.model) if catalog is None else catalog
    searches = Searches(shelves, settings)
    workers = Workers(settings.heavy_requests, settings.waiting_requests)
    metrics = ops.Metrics(shelves, workers)
    readiness: dict[str, str | None] = {"why": "models and vectors are being loaded" if settings.warm_up else None}
    app = FastAPI(
        title=settings.title,
        version=__version__,
        description=settings.description,
        root_path=settings.root_path,
        openapi_url="/api",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(shelves, settings, readiness),
    )

    @app.get("/api.html", include_in_schema=False, name="swagger_ui_html")
    async def manual() -> HTMLResponse:
        return HTMLResponse(render(app.openapi()))

    api = _stac_api(app, searches, settings)
    app.state.stac = api
    for router in (
        semantic.router(searches, workers),
        media.router(shelves, workers, settings),
        words.router(shelves, workers, settings),
        ops.router(shelves, lambda: metrics, lambda: readiness["why"]),
    ):
        app.include_router(router)
    _add_models(app, shelves)
    _add_page(app, settings, shelves)
    add_handlers(app)
    vars(app)["openapi"] = describing(app, settings.token is not None)
    app.user_middleware = [
        Middleware(ops.AccessLog, metrics=lambda: metrics),
        Middleware(Guard, settings=settings),
    ]  # fmt: skip
    if settings.cors_origins:
        origins = list(settings.cors_origins)
        headers = ["Authorization", "Content-Type"]
        app.user_middleware.insert(1, Middleware(CORSMiddleware, allow_origins=origins, allow_headers=headers))
    if settings.trusted_proxies:
        app.user_middleware.insert(0, Middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies)))
    return app


def _stac_api(app: FastAPI, searches: Searches, settings: Settings) -> StacApi:
    """The STAC API's routes, added to the application."""
    extensions = [
        FieldsExtension(
            conformance_classes=[
                "https://api.stacspec.org/v1.0.0/item-search#fields",
                "https://api.stacspec.org/v1.0.0/ogcapi-features#fields",
            ]
        ),
        FilterExtension(
            client=Queryables(catalog=searches.catalog),
            conformance_classes=[
                FilterConformanceClasses.FILTER.value,
                FilterConformanceClasses.SEARCH.value,
                FilterConformanceClasses.ITEMS.value,
                *cql2.CONFORMANCE,
            ],
        ),
        SortExtension(
            # Clients look for either version.
            conformance_classes=[
                SortConformanceClasses.ITEM_SEARCH_SORT.value,
                SortConformanceClasses.FEATURES_SORT.value,
                "https://api.stacspec.org/v1.0.0/item-search#sort",
                "https://api.stacspec.org/v1.0.0/ogcapi-features#sort",
            ]
        ),
        FreeTextExtension(
            conformance_classes=[FreeTextConformanceClasses.SEARCH.value, FreeTextConformanceClasses.ITEMS.value]
        ),
        TokenPaginationExtension(),
    ]
    client = Client(
        searches=searches,
        classes=(semantic_models.CONFORMANCE,),
        more_links=_more_links,
    )
    client.landing_page_id = "swath"
    return StacApi(
        settings=ApiSettings(
            stac_fastapi_title=settings.title,
            stac_fastapi_description=settings.description,
            stac_fastapi_version=__version__,
            stac_fastapi_landing_id="swath",
            openapi_url="/api",
            docs_url="/api.html",
            root_path=settings.root_path,
            _env_file=None,
        ),
        client=client,
        extensions=extensions,
        app=app,
        middlewares=[],
        search_get_request_model=create_get_request_model(extensions),
        search_post_request_model=create_post_request_model(extensions, SearchBody),
        items_get_request_model=create_request_model(
            "ItemCollectionUri", base_model=ItemCollectionUri, extensions=extensions, request_type="GET"
        ),
        collections_get_request_model=EmptyRequest,
    )


def _more_links(root: str) -> list[dict[str, Any]]:
    return [
        link("semantic-search", f"{root}semantic-search", GEOJSON, "Search by meaning [GET]") | {"method": "GET"},
        link("semantic-search", f"{root}semantic-search", GEOJSON, "Search by meaning [POST]") | {"method": "POST"},
    ]


def _add_models(app: FastAPI, catalog: Catalog) -> None:
    @app.get(
        "/models/{archive}", tags=["Core"], summary="The model of an archive, as a STAC item with MLM fields",
        response_class=GeoJson,
    )  # fmt: skip
    def model(archive: str, request: Request) -> dict[str, Any]:
        for each in catalog.collections():
            if each.shelf.name == archive:
                return collection_documents.model_document(archive, each, str(request.base_url))
        raise RequestError(404, f"there is no archive {archive[:64]!r} with chips")


def _add_page(app: FastAPI, settings: Settings, catalog: Catalog) -> None:
    """The page: its files under `/static`, and itself at `/` for clients that prefer HTML."""
    index = STATIC / "index.html"
    if STATIC.is_dir():
        app.mount("/static", PageFiles(directory=STATIC, follow_symlink=False), name="static")

    @app.get("/page-settings", tags=["Operations"], summary="What the page must know of the service")
    def page_settings() -> PageSettings:
        able = {name for shelf in catalog.shelves for name in shelf.abilities.names}
        return PageSettings(
            version=__version__,
            title=settings.title,
            basemap=settings.basemap,
            needs_token=settings.token is not None,
            max_upload_bytes=settings.max_upload_bytes,
            max_limit=settings.max_limit,
            abilities=AbilitySettings(caption="caption" in able, ask="ask" in able),
        )

    landing: Any = next(route for route in app.router.routes if _serves_landing(route))
    as_stac = landing.handle

    async def handle(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's values
        accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        if "text/html" in accept and index.is_file():
            response: Response = FileResponse(index, headers={"Vary": "Accept"})
            await response(scope, receive, send)
            return
        await as_stac(scope, receive, send)

    landing.handle = handle


def _serves_landing(route: Any) -> bool:  # noqa: ANN401 - any route
    found, _ = route.matches({"type": "http", "path": "/", "method": "GET", "headers": []})
    return bool(found == Match.FULL)


def _lifespan(catalog: Catalog, settings: Settings, readiness: dict[str, str | None]) -> Any:  # noqa: ANN401 - a context
    """Load models and vectors after the start, in the background."""

    def load() -> None:
        for shelf in catalog.shelves:
            try:
                shelf.archive.ensure_background()
                shelf.archive.load_ahead(catalog.extents)
            except SwathError:
                logger.exception("archive %s cannot be searched by meaning", shelf.name)
                readiness["why"] = f"the model of archive {shelf.name} cannot be loaded"
                return
        readiness["why"] = None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - the signature is FastAPI's
        task = asyncio.ensure_future(run_in_threadpool(load)) if settings.warm_up else None
        yield
        if task is not None and not task.done():
            task.cancel()

    return lifespan
