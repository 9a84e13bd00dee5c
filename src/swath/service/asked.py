"""What an item search asks for, read from parameters or from a body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swath.errors import QueryError
from swath.service import cql2
from swath.service.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """What an item search asks for, whichever way it came."""

    collections: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    bbox: tuple[float, ...] | None = None
    intersects: Any = None
    datetime: str | None = None
    limit: int = 10
    filter: Any = None
    q: tuple[str, ...] | None = None
    sortby: tuple[tuple[str, bool], ...] = ()
    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    token: str | None = None


def from_parameters(given: Mapping[str, Any], settings: Settings) -> Asked:
    """A search by parameters of an address.

    Raises:
        QueryError: one cannot be used.
    """
    if given.get("bbox") is not None and given.get("intersects") is not None:
        raise QueryError("give bbox or intersects, not both")
    tree = None
    if given.get("filter_expr") is not None:
        _check_crs(given.get("filter_crs"))
        tree = filter_tree(given["filter_expr"], given.get("filter_lang"), settings)
    signs = [name.strip() for name in given.get("fields") or () if name.strip()]
    return Asked(
        collections=_texts(given.get("collections")),
        ids=_texts(given.get("ids")),
        bbox=given.get("bbox"),
        intersects=given.get("intersects"),
        datetime=given.get("datetime"),
        limit=given.get("limit") or 10,
        filter=tree,
        q=_terms(given.get("q")),
        sortby=tuple(
            (name.strip().lstrip("+-"), name.strip().startswith("-"))
            for name in given.get("sortby") or ()
            if name.strip("+- ")
        ),
        include=frozenset(name.lstrip("+") for name in signs if not name.startswith("-")),
        exclude=frozenset(name[1:] for name in signs if name.startswith("-")),
        token=given.get("token"),
    )


def from_body(
    model: Any,  # noqa: ANN401 - a model made by stac-fastapi
    body: Mapping[str, Any],
    settings: Settings,
) -> Asked:
    """A search by a body.

    Raises:
        QueryError: a part cannot be used.
    """
    if body.get("filter") is not None:
        _check_crs(body.get("filter-crs"))
    fields = body.get("fields") or {}
    return Asked(
        collections=_texts(body.get("collections")),
        ids=_texts(body.get("ids")),
        bbox=body.get("bbox"),
        intersects=body.get("intersects"),
        datetime=body.get("datetime"),
        limit=model.limit or 10,
        filter=filter_tree(body.get("filter"), body.get("filter-lang"), settings),
        q=_terms(body.get("q")),
        sortby=tuple((each["field"], each["direction"] == "desc") for each in body.get("sortby") or ()),
        include=frozenset(fields.get("include") or ()),
        exclude=frozenset(fields.get("exclude") or ()),
        token=body.get("token"),
    )


def filter_tree(value: Any, language: str | None, settings: Settings) -> Any:  # noqa: ANN401 - any JSON value
    """The tree of a CQL2 filter: a text is read as one, in its language (by default CQL2 text), a tree is there.

    Raises:
        QueryError: a text that cannot be read.
    """
    if isinstance(value, str):
        return cql2.parse(value, language or "cql2-text", settings.max_filter_characters)
    return value


def _texts(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if not values else tuple(values)


def _terms(values: Sequence[str] | None) -> tuple[str, ...] | None:
    if values is None:
        return None
    terms = tuple(term.strip() for term in values if term.strip())
    if not terms or len(terms) > 20 or any(len(term) > 200 for term in terms):
        raise QueryError("q holds 1 to 20 terms of at most 200 characters, separated by commas")
    return terms


def _check_crs(crs: str | None) -> None:
    if crs not in (None, "", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"):
        raise QueryError("filter-crs must be http://www.opengis.net/def/crs/OGC/1.3/CRS84: longitude, latitude")
