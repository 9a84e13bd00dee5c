"""Chips as STAC items, and what every answer of items has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from swath.archive import Hit
from swath.archive.stac import item as stac_item

if TYPE_CHECKING:
    from swath.service.catalog import Shelf

GEOJSON = "application/geo+json"
_TITLES = {
    "root": "The catalogue", "self": "This document", "parent": "What this belongs to", "items": "Items",
    "collection": "The collection", "next": "The next page",
    "http://www.opengis.net/def/rel/ogc/1.0/queryables": "What filters may name",
}  # fmt: skip
_RANKED = ("swath:rank", "swath:score", "swath:confidence")


def document(hit: Hit, shelf: Shelf, root: str, *, local_hrefs: bool = False) -> dict[str, Any]:
    """A chip as a STAC item with its links and assets.

    Args:
        hit: the chip, with score and confidence where it was ranked.
        shelf: its archive.
        root: address of the service, with a slash at its end.
        local_hrefs: whether to name the scene's file on this machine.
    """
    made = stac_item(hit).to_dict(include_self_link=False, transform_hrefs=False)
    properties = made["properties"]
    if hit.score is None:
        for name in _RANKED:
            properties.pop(name, None)
    else:
        properties |= {"swath:raw_score": hit.raw_score, "swath:calibrated_score": hit.calibrated_score}
    if hit.caption is not None:
        properties["swath:caption"] = hit.caption
    collection = shelf.collection_id(hit.sensor)
    here = f"{root}collections/{collection}/items/{hit.id}"
    assets = dict(made["assets"])
    if not local_hrefs and "://" not in hit.href:
        assets.pop("data", None)
    assets["thumbnail"] = {"href": f"{here}/thumbnail", "type": "image/jpeg", "roles": ["thumbnail"]}
    assets["embeddings"] = {
        "href": f"{here}/embedding",
        "type": "application/json",
        "title": "The chip's embedding",
        "roles": ["data"],
    }
    up = f"{root}collections/{collection}"
    links = [
        link("self", here, GEOJSON), link("collection", up), link("parent", up), link("root", root),
        link("emb:model", f"{root}models/{shelf.name}", GEOJSON, "The model of its embedding"),
        link("heatmap", f"{here}/heatmap", "image/png", "Where a text fits (parameter text)"),
    ]  # fmt: skip
    if "caption" in shelf.abilities.names:
        links.append(link("caption", f"{here}/caption", title="A caption by the model"))
    if "ask" in shelf.abilities.names:
        links.append(link("ask", f"{here}/ask", title="Answers to questions") | {"method": "POST"})
    if hit.geometry is not None:
        links.append(link("tilejson", f"{here}/tilejson.json", title="Tiles of the scene"))
    return {**made, "collection": collection, "links": links, "assets": assets}


def feature_collection(
    features: list[dict[str, Any]], links: Iterable[Mapping[str, Any]], matched: int | None = None
) -> dict[str, Any]:
    """An answer of items."""
    counts = {"numberReturned": len(features)} | ({} if matched is None else {"numberMatched": matched})
    return {"type": "FeatureCollection", **counts, "links": list(links), "features": features}


def trimmed(document: dict[str, Any], include: set[str], exclude: set[str]) -> dict[str, Any]:
    """An item with the fields that a client wants, by the STAC fields extension.

    Args:
        document: the item.
        include: fields (``properties.gsd``) to give; none gives all.
        exclude: fields to leave out; a field in both is given, and so are `type` and `id`.
    """
    if include:
        kept: dict[str, Any] = {name: document[name] for name in ("type", "id", "collection") if name in document}
        for path in sorted(include):
            _copy(document, kept, path.split("."))
    else:
        kept = {**document, "properties": dict(document["properties"]), "assets": dict(document["assets"])}
    for path in exclude - include - {"type", "id"}:
        _drop(kept, path.split("."))
    return kept


def link(rel: str, href: str, media_type: str = "application/json", title: str | None = None) -> dict[str, str]:
    """A link of a STAC document."""
    return {"rel": rel, "href": href, "type": media_type, "title": title or _TITLES.get(rel, rel)}


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: list[str]) -> None:
    name = path[0]
    if name not in source:
        # Names of properties may hold points.
        joined = ".".join(path)
        if joined in source:
            target[joined] = source[joined]
        return
    if len(path) == 1:
        target[name] = source[name]
    elif isinstance(source[name], Mapping):
        inside = target.setdefault(name, {})
        if isinstance(inside, dict):
            _copy(source[name], inside, path[1:])


def _drop(target: dict[str, Any], path: list[str]) -> None:
    if len(path) == 1 or path[0] not in target:
        target.pop(".".join(path), None)
    elif isinstance(target[path[0]], Mapping):
        target[path[0]] = dict(target[path[0]])
        _drop(target[path[0]], path[1:])
