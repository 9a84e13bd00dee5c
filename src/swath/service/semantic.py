"""Semantic search, an extension of its own beside STAC's literal `q`: GET and POST `/semantic-search`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse

from swath.archive import Archive, Hits
from swath.archive import Query as ArchiveQuery
from swath.archive.query import Words
from swath.chips import Pixels
from swath.errors import QueryError
from swath.sensors import matching
from swath.service.asked import Asked, filter_tree
from swath.service.catalog import Shelf
from swath.service.items import GEOJSON, document, feature_collection, link
from swath.service.problems import RequestError
from swath.service.semantic_models import Example, SemanticAnswer, SemanticQuery, TextExample
from swath.service.stac import Searches
from swath.service.uploads import read_upload

if TYPE_CHECKING:
    from swath.service.workers import Workers

NO_MATCH = "nothing in this archive matches well"

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/SemanticQuery"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "query": {"type": "string", "description": "A SemanticQuery as JSON text"},
                        "image": {"type": "string", "format": "binary", "description": "An image to look like"},
                    },
                    "required": ["image"],
                }
            },
        },
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": SemanticAnswer, "content": {GEOJSON: {}}},
    400: {"description": "The query cannot be used; the description says why"},
    404: {"description": "An item to look like is not there"},
    413: {"description": "The image is too large"},
    415: {"description": "Neither JSON nor multipart, or no image"},
    422: {"description": "The image cannot be read"},
    429: {"description": "Too many requests"},
}


def router(searches: Searches, workers: Workers) -> APIRouter:
    """The routes of the extension."""
    made = APIRouter(tags=["Semantic Search"])

    @made.get("/semantic-search", responses=_ANSWERS, summary="Find items by meaning", response_model=None)
    async def get_semantic_search(
        request: Request,
        text: Annotated[str | None, Query(description="What to look for", examples=["harbour with ships"])] = None,
        like: Annotated[str | None, Query(description="An item to look like, COLLECTION/ID")] = None,
        near: Annotated[str | None, Query(description="A place, LON,LAT")] = None,
        radius_km: Annotated[float | None, Query(description="How near")] = None,
        like_place: Annotated[str | None, Query(description="A place to look like, LON,LAT")] = None,
        positives: Annotated[list[str] | None, Query(description="COLLECTION/ID to favour; repeatable")] = None,
        negatives: Annotated[list[str] | None, Query(description="COLLECTION/ID to avoid; repeatable")] = None,
        positive_texts: Annotated[list[str] | None, Query(description="Words to favour; repeatable")] = None,
        negative_texts: Annotated[list[str] | None, Query(description="Words to avoid; repeatable")] = None,
        weights: Annotated[str | None, Query(description="text=1,near=0.5", examples=["text=2,negatives=1"])] = None,
        min_confidence: Annotated[float | None, Query(ge=0, le=1)] = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 20,
        per_sensor: Annotated[bool, Query(description="The best of each sensor")] = False,
        similarity: Annotated[str, Query(pattern="^(global|fused)$")] = "global",
        rerank: Annotated[str, Query(pattern="^(none|bank)$")] = "none",
        bbox: Annotated[str | None, Query(description="West,south,east,north")] = None,
        intersects: Annotated[str | None, Query(description="GeoJSON geometry")] = None,
        datetime: Annotated[str | None, Query(description="RFC 3339 instant or interval")] = None,
        collections: Annotated[str | None, Query(description="Ids, separated by commas")] = None,
        sensors: Annotated[str | None, Query(description="Sensors or families, separated by commas")] = None,
        filter: Annotated[str | None, Query(description="CQL2")] = None,  # noqa: A002 - the name is STAC's
        filter_lang: Annotated[str, Query(alias="filter-lang", pattern="^cql2-(text|json)$")] = "cql2-text",
    ) -> Any:  # noqa: ANN401 - a JSON document
        given = {
            "text": text, "like": _item(like), "near": _numbers(near), "radius_km": radius_km,
            "like_place": _numbers(like_place), "positives": _examples(positives, positive_texts),
            "negatives": _examples(negatives, negative_texts), "weights": _weights(weights),
            "min_confidence": min_confidence, "limit": limit, "per_sensor": per_sensor, "similarity": similarity,
            "rerank": rerank, "bbox": _numbers(bbox), "intersects": _json(intersects), "datetime": datetime,
            "collections": collections.split(",") if collections else None,
            "sensors": sensors.split(",") if sensors else None, "filter": filter,
            "filter-lang": filter_lang if filter else None,
        }  # fmt: skip
        query = _checked({name: value for name, value in given.items() if value is not None})
        return await workers.run(lambda: JSONResponse(answer(searches, query, None, str(request.base_url))))

    @made.post(
        "/semantic-search", responses=_ANSWERS, summary="Find items by meaning, also by an uploaded image",
        response_model=None, openapi_extra=_BODY,
    )  # fmt: skip
    async def post_semantic_search(request: Request) -> Any:  # noqa: ANN401 - a JSON document
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        image: bytes | None = None
        if kind == "multipart/form-data":
            text, image = await _form(request)
        elif kind in ("application/json", "application/geo+json"):
            text = (await request.body()).decode("utf-8", "replace")
        else:
            raise RequestError(415, "send application/json, or multipart/form-data with an image")
        query = _checked(_json(text) if text.strip() else {})
        root = str(request.base_url)

        def work() -> JSONResponse:
            pixels = None if image is None else read_upload(image, query.image_sensor, searches.settings)
            # Written here: FastAPI would copy a document that is JSON already, in the thread of all requests.
            return JSONResponse(answer(searches, query, pixels, root))

        return await workers.run(work)

    return made


def answer(searches: Searches, query: SemanticQuery, image: Pixels | None, root: str) -> dict[str, Any]:
    """Answer a semantic search.

    Args:
        searches: gives the archives and reads filters.
        query: what to look for.
        image: an uploaded image to look like.
        root: address of the service.

    Raises:
        QueryError: a part cannot be used.
    """
    started = time.perf_counter()
    _check(query, image, searches)
    asked = _asked(query, searches)
    limit = min(query.limit, searches.settings.max_limit)
    found: list[tuple[Shelf, Hits]] = []
    for shelf in searches.catalog.shelves:
        filters = searches.filters(shelf, asked)
        if filters is None or len(shelf.archive) == 0:
            continue
        whole = _whole(query, filters, image, shelf, searches)
        hits = shelf.archive.search(
            whole, k=limit, similarity=query.similarity, rerank=None if query.rerank == "none" else "bank",
            per_sensor=query.per_sensor,
        )  # fmt: skip
        found.append((shelf, hits))
    ranked = merged(found, limit, query.per_sensor)
    least = query.min_confidence
    if least is not None:
        ranked = [(shelf, hit) for shelf, hit in ranked if hit.confidence is not None and hit.confidence >= least]
    features = []
    for rank, (shelf, hit) in enumerate(ranked, 1):
        item = document(hit, shelf, root, local_hrefs=searches.settings.local_hrefs)
        item["properties"]["swath:rank"] = hit.rank if query.per_sensor else rank
        features.append(item)
    sure = [hits.confidence for _, hits in found if hits.confidence is not None]
    well = any(hits.matches_well for _, hits in found) and bool(features)
    context = {
        "confidence": max(sure, default=None),
        "matches_well": well,
        "message": None if well else NO_MATCH,
        "model": sorted({shelf.archive.model_id for shelf, _ in found}),
        "took_ms": round(1000 * (time.perf_counter() - started), 1),
    }
    links = [link("root", root), link("self", f"{root}semantic-search", GEOJSON)]
    return feature_collection(features, links) | {"swath:context": context}


def merged(found: Sequence[tuple[Shelf, Hits]], limit: int, per_sensor: bool) -> list[tuple[Shelf, Any]]:
    """Hits of several archives in one order.

    Scores of one model compare. Those of different models do not: then the best of each model come first, then the
    second best, and so on.
    """
    pairs = [(shelf, hit) for shelf, hits in found for hit in hits]
    if per_sensor or len(found) < 2:
        return pairs
    pairs.sort(key=lambda pair: -(pair[1].score or 0.0))
    seen: dict[str, int] = {}
    placed = []
    for shelf, hit in pairs:
        seen[shelf.archive.model_id] = place = seen.get(shelf.archive.model_id, 0) + 1
        placed.append((place, shelf, hit))
    placed.sort(key=lambda entry: entry[0])
    return [(shelf, hit) for _, shelf, hit in placed[:limit]]


def _whole(
    query: SemanticQuery, filters: ArchiveQuery, image: Pixels | None, shelf: Shelf, searches: Searches
) -> ArchiveQuery:
    """The query with its filters, as one archive understands it."""
    like: Any = image
    if query.like is not None:
        like = _example(query.like, shelf, searches)
    return ArchiveQuery(
        text=query.text,
        like=like,
        near=query.near,
        radius_km=query.radius_km,
        like_place=query.like_place,
        positives=[_example(each, shelf, searches) for each in query.positives],
        negatives=[_example(each, shelf, searches) for each in query.negatives],
        weights=query.weights.model_dump(exclude_none=True),
        bbox=filters.bbox,
        geometry=filters.geometry,
        datetime=filters.datetime,
        sensor=filters.sensor,
        where=filters.where,
    )


def _example(example: Example, shelf: Shelf, searches: Searches) -> Any:  # noqa: ANN401 - a hit, pixels or words
    if isinstance(example, TextExample):
        return Words(example.text.strip() or "?")
    collection, hit = searches.catalog.item(example.collection, example.id)
    if collection.shelf is shelf or _holds(shelf.archive, hit.id):
        return hit
    from swath.raster import read_chip  # GDAL is slow to import

    return read_chip(hit.to_chip(), size=1024)


def _holds(archive: Archive, chip: str) -> bool:
    return len(archive.get([chip])) > 0


def _check(query: SemanticQuery, image: Pixels | None, searches: Searches) -> None:
    limits = searches.settings
    texts = [query.text or "", *(e.text for e in (*query.positives, *query.negatives) if isinstance(e, TextExample))]
    if any(len(text) > limits.max_text_characters for text in texts):
        raise QueryError(f"a text has over {limits.max_text_characters} characters; shorten it")
    if len(query.positives) + len(query.negatives) > limits.max_examples:
        raise QueryError(f"there are over {limits.max_examples} examples; give fewer")
    if image is not None and query.like is not None:
        raise QueryError("give an item to look like or an image, not both")
    ranks = (query.text, query.like, image, query.near, query.like_place)
    if all(part is None for part in ranks) and not query.positives:
        raise QueryError(
            "nothing to search by: give a text, an item, an image, a place or positives; item search lists"
        )
    if query.bbox is not None and query.intersects is not None:
        raise QueryError("give bbox or intersects, not both")
    for name in query.sensors or ():
        matching(name)


def _asked(query: SemanticQuery, searches: Searches) -> Asked:
    wanted = query.collections
    if query.sensors is not None:
        sensors = {sensor for name in query.sensors for sensor in matching(name)}
        own = [each.id for each in searches.catalog.collections() if each.sensor in sensors]
        wanted = own if wanted is None else [name for name in wanted if name in own]
    return Asked(
        collections=None if wanted is None else tuple(wanted),
        bbox=None if query.bbox is None else tuple(query.bbox),
        intersects=query.intersects,
        datetime=query.datetime,
        filter=filter_tree(query.filter, query.filter_lang, searches.settings),
    )


async def _form(request: Request) -> tuple[str, bytes]:
    form = await request.form(max_files=1, max_fields=4)
    text, image = form.get("query"), form.get("image")
    if not isinstance(image, UploadFile):
        raise RequestError(400, "the form holds no image; send it as a file named image")
    data = await image.read()
    await run_in_threadpool(image.file.close)
    if text is not None and not isinstance(text, str):
        raise RequestError(400, "the form's query must be JSON text")
    return text or "", data


def _checked(given: Any) -> SemanticQuery:  # noqa: ANN401 - any JSON value
    try:
        return SemanticQuery.model_validate(given)
    except ValidationError as error:
        told = [
            f"{'.'.join(str(part) for part in each['loc'])[:100]}: {each['msg']}"
            for each in error.errors(include_url=False, include_input=False, include_context=False)[:5]
        ]
        raise QueryError("; ".join(told)) from None


def _json(text: str | None) -> Any:  # noqa: ANN401 - any JSON value
    if text is None:
        return None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"this is not JSON: {text[:40]!r} ({str(error)[:100]})") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _numbers(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise QueryError(f"{text[:60]!r} are no numbers separated by commas") from None


def _item(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    collection, slash, name = text.rpartition("/")
    if not (slash and collection and name):
        raise QueryError(f"{text[:80]!r} names no item; write COLLECTION/ID")
    return {"collection": collection, "id": name}


def _examples(items: Sequence[str] | None, texts: Sequence[str] | None) -> list[dict[str, str]] | None:
    found: list[dict[str, str]] = [{"text": text} for text in texts or ()]
    found += [named for text in items or () if (named := _item(text)) is not None]
    return found or None


def _weights(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not (name and value) for name, _, value in pairs):
        raise QueryError(f"{text[:80]!r} are no weights; write text=1,near=0.5")
    return {name.strip(): value for name, _, value in pairs}
