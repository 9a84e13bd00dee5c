"""The STAC API: what stac-fastapi calls, translated to calls of archives."""

from __future__ import annotations

import base64
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, cast
from urllib.parse import urlencode

import attr
import shapely
from pydantic import Field, field_validator
from stac_fastapi.extensions import filter as filtering
from stac_fastapi.extensions.filter.client import BaseFiltersClient
from stac_fastapi.extensions.filter.request import FilterExtensionPostRequest
from stac_fastapi.types.core import BaseCoreClient
from stac_fastapi.types.search import BaseSearchPostRequest
from starlette.requests import Request

from swath.archive import Hit, Query
from swath.archive import conditions as made
from swath.archive.conditions import Condition, Name
from swath.archive.listing import NEWEST, Listing, Order, listing
from swath.archive.places import read_geometry
from swath.errors import QueryError, VersionGoneError
from swath.service import collections as collection_documents
from swath.service import cql2
from swath.service.asked import Asked, from_body, from_parameters
from swath.service.catalog import Catalog, Shelf
from swath.service.items import GEOJSON, document, feature_collection, link, trimmed
from swath.service.settings import Settings

_LISTINGS = 16
_SORTABLE = {"id": "id", "datetime": "datetime", "swath:sensor": "sensor", "scene_id": "scene_id"}


class Searches:
    """Item searches over a catalogue. Listings are kept, so that further pages cost little."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self.catalog = catalog
        self.settings = settings
        self._kept: OrderedDict[tuple[Any, ...], Listing] = OrderedDict()
        self._lock = threading.Lock()

    def filters(self, shelf: Shelf, asked: Asked) -> Query | None:
        """The filters of a search in one archive; None where nothing there can satisfy them.

        Raises:
            QueryError: a filter that cannot be read.
        """
        owned = shelf.collections()
        if asked.collections is not None:
            owned = {sensor: name for sensor, name in owned.items() if name in asked.collections}
        if not owned:
            return None
        parts: list[Condition] = []
        geometry = None if asked.intersects is None else self.geometry(asked.intersects)
        if asked.filter is not None:
            found = cql2.read(
                asked.filter, shelf.archive, shelf.collections(), takes_geometry=geometry is None,
                max_vertices=self.settings.max_vertices,
            )  # fmt: skip
            geometry = found.geometry if geometry is None else geometry
            parts += [] if found.condition is None else [found.condition]
        if asked.ids is not None:
            parts.append(made.one_of(Name("id"), list(asked.ids)))
        if asked.q is not None:
            captioned = "caption" in shelf.archive.snapshot().table.schema.names
            parts.append(made.any_of([made.contains_term(term, captioned) for term in asked.q]))
        every = asked.collections is None or len(owned) == len(shelf.collections())
        return Query(
            bbox=None if asked.bbox is None else flat_box(asked.bbox),
            geometry=geometry,
            datetime=asked.datetime,
            sensor=None if every else list(owned),
            where=made.all_of(parts) if parts else None,
        )

    def geometry(self, value: Any) -> shapely.Geometry:  # noqa: ANN401 - GeoJSON, as text or not
        """A geometry that a client sent.

        Raises:
            QueryError: it is none, or has too many vertices.
        """
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise QueryError("intersects is not GeoJSON") from None
        if hasattr(value, "model_dump"):
            value = value.model_dump(mode="json", exclude_none=True)
        if not isinstance(value, Mapping):
            raise QueryError("intersects is not a GeoJSON geometry")
        try:
            _check_numbers(value)
        except ValueError as error:
            raise QueryError(f"intersects is not a GeoJSON geometry: {error}") from None
        found = read_geometry(value)
        if shapely.get_num_coordinates(found) > self.settings.max_vertices:
            raise QueryError(f"the geometry has over {self.settings.max_vertices} vertices; simplify it")
        return found

    def answer(
        self, asked: Asked, root: str, here: str, body: dict[str, Any] | None = None, query: str = ""
    ) -> dict[str, Any]:
        """One page of items.

        Args:
            asked: the search.
            root: address of the service.
            here: address of the search, to which links lead.
            body: what was sent, for POST.
            query: the parameters of the address, for GET.
        """
        limit = min(asked.limit, self.settings.max_limit)
        state = _read_token(asked.token) if asked.token else {}
        found, start, page = self._page(asked, state, limit)
        features = []
        for number, hit in page:
            shelf = self.catalog.shelves[number]
            item = document(hit, shelf, root, local_hrefs=self.settings.local_hrefs)
            features.append(
                trimmed(item, set(asked.include), set(asked.exclude)) if asked.include or asked.exclude else item
            )
        links: list[dict[str, Any]] = [link("root", root), link("self", f"{here}?{query}" if query else here, GEOJSON)]
        if start + len(page) < len(found) and page:
            number, last = page[-1]
            token = _write_token(found, start + len(page), number, last.id)
            if body is None:
                links.append(link("next", f"{here}?{_with(query, token)}", GEOJSON) | {"method": "GET"})
            else:
                links.append(link("next", here, GEOJSON) | {"method": "POST", "body": {**body, "token": token}})
        return feature_collection(features, links, len(found))

    def _page(self, asked: Asked, state: Mapping[str, Any], limit: int) -> tuple[Listing, int, list[tuple[int, Hit]]]:
        """The listing of a search, where its page begins, and the page; anew where a version was removed meanwhile."""
        try:
            found, start = self._listing(asked, state)
            return found, start, found.page(start, limit)
        except VersionGoneError:
            found, start = self._listing(asked, state, gone=True)
            return found, start, found.page(start, limit)

    def _listing(self, asked: Asked, state: Mapping[str, Any], gone: bool = False) -> tuple[Listing, int]:
        """The listing of a search, and where its page begins; `gone` tells that of its versions one is not kept."""
        order = tuple(Order(_sort_name(name), descending) for name, descending in asked.sortby) or NEWEST
        pairs = [(shelf, query) for shelf in self.catalog.shelves if (query := self.filters(shelf, asked)) is not None]
        shelves, queries = [shelf for shelf, _ in pairs], [query for _, query in pairs]
        numbers = [shelf.number for shelf in shelves]
        versions: dict[int, int] = {int(number): version for number, version in state.get("v", [])}
        start = int(state.get("n", 0))
        if versions:
            # A collection that appeared meanwhile is not part of the pages that were begun.
            kept = [place for place, number in enumerate(numbers) if number in versions]
            shelves, queries = [shelves[place] for place in kept], [queries[place] for place in kept]
            numbers = [numbers[place] for place in kept]
            if not gone:
                with suppress(QueryError):
                    return self._made(asked, shelves, queries, order, [versions[number] for number in numbers]), start
            found = self._made(asked, shelves, queries, order, None)
            after = found.place_of(int(state["a"][0]), str(state["a"][1]))
            if after is None:
                raise QueryError("the pages of this token are not kept any more; begin the search again")
            return found, after + 1
        return self._made(asked, shelves, queries, order, None), start

    def _made(
        self, asked: Asked, shelves: Sequence[Shelf], queries: Sequence[Query], order: Sequence[Order],
        versions: Sequence[int] | None,
    ) -> Listing:  # fmt: skip
        archives = [shelf.archive for shelf in shelves]
        numbers = [shelf.number for shelf in shelves]
        wanted = versions or [archive.snapshot().version for archive in archives]
        plain = replace(asked, token=None, limit=0, include=frozenset(), exclude=frozenset())
        key = (repr(plain), tuple(numbers), tuple(wanted))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = listing(archives, queries, order, wanted, numbers)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _LISTINGS:
                self._kept.popitem(last=False)
        return found


class SearchBody(BaseSearchPostRequest):  # type: ignore[misc]
    """The body of an item search; numbers are numbers, where pydantic would take ``false`` and ``"1"`` for some."""

    @field_validator("bbox", "intersects", mode="before")
    @classmethod
    def _check(cls, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        _check_numbers(value)
        return value


class FilterBody(FilterExtensionPostRequest):  # type: ignore[misc]
    """A filter in a body, as a tree or, as pystac-client sends it, as a text."""

    filter_expr: dict[str, Any] | str | None = Field(
        None, alias="filter", description="CQL2, JSON or text, see filter-lang"
    )
    filter_lang: Literal["cql2-json", "cql2-text"] | None = Field(
        None, alias="filter-lang", description="By default text if filter is a text"
    )


class FilterExtension(filtering.FilterExtension):  # type: ignore[misc]
    """The filter extension, with filters in both languages in bodies too.

    It keeps its name: stac-fastapi links queryables where an extension is called so.
    """

    POST = FilterBody


def _check_numbers(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Refuse a box or geometry with coordinates that are no numbers.

    Raises:
        ValueError: it has such.
    """
    if isinstance(value, Mapping):
        for name in ("coordinates", "bbox", "geometries"):
            _check_numbers(value.get(name))
    for each in value if isinstance(value, list) else ():
        if isinstance(each, (bool, str)):
            raise ValueError(f"{each!r:.40} is no number")
        _check_numbers(each)


def flat_box(values: Sequence[float]) -> list[float]:
    """A box without its heights."""
    return [values[0], values[1], values[3], values[4]] if len(values) == 6 else list(values)


def _sort_name(field: str) -> Name:
    field = field.removeprefix("properties.")
    if field in _SORTABLE:
        return Name(_SORTABLE[field])
    if field == "collection":
        return Name("sensor")
    return Name(field, is_property=True)


def _with(query: str, token: str) -> str:
    kept = [part for part in query.split("&") if part and not part.startswith("token=")]
    return "&".join([*kept, urlencode({"token": token})])


def _write_token(found: Listing, start: int, number: int, chip: str) -> str:
    versions = [[at, version] for at, version in zip(found.numbers, found.versions, strict=True)]
    text = json.dumps({"v": versions, "n": start, "a": [number, chip]}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str) -> dict[str, Any]:
    try:
        state = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        numbers = [int(value) for pair in state["v"] for value in pair] + [int(state["n"]), int(state["a"][0])]
        if (
            len(token) > 2000
            or any(not 0 <= number < 2**62 for number in numbers)
            or not isinstance(state["a"][1], str)
        ):
            raise ValueError(token)
        if any(len(pair) != 2 for pair in state["v"]) or not state["v"]:
            raise ValueError(token)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise QueryError("the token is none that this service gave; begin the search again") from None
    return cast(dict[str, Any], state)


@attr.s
class Client(BaseCoreClient):  # type: ignore[misc]
    """What stac-fastapi asks for."""

    searches: Searches = attr.ib(kw_only=True)
    classes: tuple[str, ...] = attr.ib(kw_only=True, default=())
    more_links: Any = attr.ib(kw_only=True)

    def conformance_classes(self) -> list[str]:
        """Exactly what is implemented."""
        return sorted({*super().conformance_classes(), *self.classes})

    def landing_page(self, **kwargs: Any) -> Any:  # noqa: ANN401 - the signature is stac-fastapi's
        """The catalogue, with a link to each collection."""
        root = str(kwargs["request"].base_url)
        page = super().landing_page(**kwargs)
        page["links"] += [
            link("child", f"{root}collections/{each.id}", title=each.id)
            for each in self.searches.catalog.collections()
        ]  # fmt: skip
        page["links"] += self.more_links(root)
        return page

    def all_collections(self, **kwargs: Any) -> Any:  # noqa: ANN401
        """All collections."""
        root = str(kwargs["request"].base_url)
        found = [collection_documents.document(each, root) for each in self.searches.catalog.collections()]
        links = [link("root", root), link("parent", root), link("self", f"{root}collections")]
        return {"collections": found, "links": links, "numberMatched": len(found), "numberReturned": len(found)}

    def get_collection(self, collection_id: str, **kwargs: Any) -> Any:  # noqa: ANN401
        """One collection."""
        root = str(kwargs["request"].base_url)
        return collection_documents.document(self.searches.catalog.collection(collection_id), root)

    def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> Any:  # noqa: ANN401
        """One item."""
        root = str(kwargs["request"].base_url)
        collection, hit = self.searches.catalog.item(collection_id, item_id)
        return document(hit, collection.shelf, root, local_hrefs=self.searches.settings.local_hrefs)

    def item_collection(self, collection_id: str, **kwargs: Any) -> Any:  # noqa: ANN401
        """Items of one collection."""
        request: Request = kwargs.pop("request")
        self.searches.catalog.collection(collection_id)
        asked = replace(from_parameters(kwargs, self.searches.settings), collections=(collection_id,))
        root = str(request.base_url)
        here = f"{root}collections/{collection_id}/items"
        return self.searches.answer(asked, root, here, query=request.url.query)

    def get_search(self, **kwargs: Any) -> Any:  # noqa: ANN401 - the signature is stac-fastapi's
        """Item search by parameters."""
        request: Request = kwargs.pop("request")
        asked = from_parameters(kwargs, self.searches.settings)
        root = str(request.base_url)
        return self.searches.answer(asked, root, f"{root}search", query=request.url.query)

    def post_search(self, search_request: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - a model made by stac-fastapi
        """Item search by a body."""
        root = str(kwargs["request"].base_url)
        body = search_request.model_dump(mode="json", by_alias=True, exclude_unset=True)
        asked = from_body(search_request, body, self.searches.settings)
        return self.searches.answer(asked, root, f"{root}search", body=body)


@attr.s
class Queryables(BaseFiltersClient):  # type: ignore[misc]
    """What filters may name."""

    catalog: Catalog = attr.ib(kw_only=True)

    def get_queryables(self, collection_id: str | None = None, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """A JSON schema of the queryables."""
        root = str(kwargs["request"].base_url)
        here = f"{root}queryables"
        if collection_id is not None:
            self.catalog.collection(collection_id)
            here = f"{root}collections/{collection_id}/queryables"
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": here,
            "type": "object",
            "title": "Queryables",
            "description": "What filters may name, besides any text, number or truth value among the properties.",
            "properties": {
                "id": {"type": "string", "description": "The item's id"},
                "collection": {"type": "string", "description": "The collection's id"},
                "geometry": {"$ref": "https://geojson.org/schema/Geometry.json"},
                "datetime": {"type": "string", "format": "date-time", "description": "Acquisition time"},
                "swath:sensor": {"type": "string", "description": "The sensor's name"},
                "scene_id": {"type": "string", "description": "The scene that the chip was cut from"},
                "title": {"type": "string"},
                "description": {"type": "string"},
                "gsd": {"type": "number", "description": "Ground sampling distance in metres"},
                "eo:cloud_cover": {"type": "number", "minimum": 0, "maximum": 100},
            },
            "additionalProperties": True,
        }
