"""Examples for the OpenAPI document: parameters by their name, bodies and answers by their route."""

from __future__ import annotations

from typing import Any, NamedTuple


class Parameter(NamedTuple):
    """What is said of a parameter, wherever it stands."""

    description: str
    example: Any


_COLLECTION, _ITEM = "coast-s2-l2a", "5f0c9b1e2d3a4b5c6d7e8f9001122334"
_HERE = f"http://127.0.0.1:8080/collections/{_COLLECTION}"
_SHAPE = {"type": "Polygon", "coordinates": [[[-5, 48], [-3, 48], [-3, 49], [-5, 49], [-5, 48]]]}
_MODEL = "swath-mini@0123456789ab"
_CQL2 = {"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]}

PARAMETERS: dict[str, Parameter] = {
    "collection_id": Parameter("Id of a collection", _COLLECTION),
    "item_id": Parameter("Id of an item", _ITEM),
    "archive": Parameter("Name of an archive", "coast"),
    "z": Parameter("Zoom level", 12),
    "x": Parameter("Column of the tile, from the west", 2001),
    "y": Parameter("Row of the tile, from the north", 1418),
    "token": Parameter("Of the link to the next page, as it is", "eyJ2IjpbWzAsM11dLCJuIjoxMCwiYSI6WzAsIjVmMGMiXX0"),
    "limit": Parameter("How many items at most", 10),
    "bbox": Parameter("West, south, east, north in degrees", "-5,48,-3,49"),
    "intersects": Parameter(
        "GeoJSON geometry that footprints intersect", '{"type": "Point", "coordinates": [-4, 48.5]}'
    ),
    "datetime": Parameter("RFC 3339 instant or interval", "2020-01-01T00:00:00Z/.."),
    "collections": Parameter("Ids of collections, separated by commas", _COLLECTION),
    "ids": Parameter("Ids of items, separated by commas", _ITEM),
    "sensors": Parameter("Sensors or families, separated by commas", "s2,s1"),
    "filter": Parameter("CQL2", "eo:cloud_cover < 20 AND swath:sensor = 's2-l2a'"),
    "filter-lang": Parameter("Which CQL2 the filter is", "cql2-text"),
    "filter-crs": Parameter("Longitude, latitude only", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"),
    "q": Parameter("Terms that items must hold literally; a comma means or", "harbour,port of call"),
    "fields": Parameter("Fields to give, or with a minus to leave out", "properties.datetime,-assets"),
    "sortby": Parameter("Keys, descending with a minus", "-datetime"),
    "text": Parameter("What to look for", "harbour with ships"),
    "like": Parameter("An item to look like, COLLECTION/ID", f"{_COLLECTION}/{_ITEM}"),
    "near": Parameter("A place, LON,LAT", "-4.0,48.6"),
    "radius_km": Parameter("How near", 50),
    "like_place": Parameter("A place to look like, LON,LAT", "-4.0,48.6"),
    "positives": Parameter("COLLECTION/ID to favour; repeatable", [f"{_COLLECTION}/{_ITEM}"]),
    "negatives": Parameter("COLLECTION/ID to avoid; repeatable", [f"{_COLLECTION}/{_ITEM}"]),
    "positive_texts": Parameter("Words to favour; repeatable", ["boats"]),
    "negative_texts": Parameter("Words to avoid; repeatable", ["open sea"]),
    "weights": Parameter("What parts count", "text=2,negatives=1"),
    "min_confidence": Parameter("Of the best items, leave out those of lower confidence", 0.5),
    "per_sensor": Parameter("The best of each sensor", False),
    "similarity": Parameter("Cosine, or fused with local similarity", "global"),
    "rerank": Parameter("Sort the first hits again, asking back", "none"),
    "scope": Parameter("Look at the chip or its whole scene", "chip"),
    "f": Parameter("A picture, its peaks, or both to lie on a map", "geojson"),
    "side": Parameter("Longest side of the picture in pixels", 512),
}

_SEMANTIC = {
    "words": {"summary": "Words", "value": {"text": "harbour with ships", "limit": 5}},
    "filtered": {
        "summary": "Words, away from others, in a place and time",
        "value": {
            "text": "flooded fields", "negatives": [{"text": "open sea"}], "bbox": [-10, 35, 30, 60],
            "datetime": "2020-01-01T00:00:00Z/..", "filter": "eo:cloud_cover < 20", "min_confidence": 0.5,
        },
    },
    "example": {
        "summary": "Like an item, more like another",
        "value": {
            "like": {"collection": _COLLECTION, "id": _ITEM}, "weights": {"like": 2.0}, "sensors": ["s1"],
            "positives": [{"collection": _COLLECTION, "id": _ITEM}], "per_sensor": True,
        },
    },
    "place": {"summary": "Around a place", "value": {"near": [-4.0, 48.6], "radius_km": 20}},
}  # fmt: skip

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("/search", "application/json"): {
        "filtered": {
            "summary": "By CQL2, place and time, newest first",
            "value": {
                "collections": [_COLLECTION], "intersects": _SHAPE, "datetime": "2020-01-01T00:00:00Z/..",
                "filter": _CQL2, "filter-lang": "cql2-json", "limit": 10,
                "sortby": [{"field": "properties.datetime", "direction": "desc"}],
            },
        },
        "words": {
            "summary": "By words that items hold, only some fields",
            "value": {"q": ["harbour"], "fields": {"include": ["id", "properties.title"], "exclude": []}},
        },
    },
    ("/semantic-search", "application/json"): _SEMANTIC,
    ("/semantic-search", "multipart/form-data"): {
        "image": {"summary": "Like an image", "value": {"query": '{"limit": 10}', "image": "(a file)"}}
    },
}  # fmt: skip
"""By path and media type."""

_LINK = {"rel": "self", "href": f"{_HERE}/items/{_ITEM}", "type": "application/geo+json"}
_FEATURE = {
    "type": "Feature", "stac_version": "1.1.0", "id": _ITEM, "collection": _COLLECTION, "geometry": _SHAPE,
    "bbox": [-5, 48, -3, 49],
    "properties": {"datetime": "2020-06-01T11:06:21Z", "eo:cloud_cover": 3.1, "swath:sensor": "s2-l2a",
                   "swath:window": [0, 256, 256, 256]},
    "links": [_LINK],
    "assets": {"thumbnail": {"href": f"{_HERE}/items/{_ITEM}/thumbnail", "type": "image/jpeg"}},
}  # fmt: skip
_ITEMS = {"type": "FeatureCollection", "numberReturned": 1, "numberMatched": 1, "links": [], "features": [_FEATURE]}
_RANKED = {**_FEATURE, "properties": {**_FEATURE["properties"],  # type: ignore[dict-item]
           "swath:rank": 1, "swath:score": 0.31, "swath:confidence": 0.93}}  # fmt: skip
_FOUND = {
    "type": "FeatureCollection", "numberReturned": 1, "links": [], "features": [_RANKED],
    "swath:context": {"confidence": 0.97, "matches_well": True, "message": None, "model": [_MODEL], "took_ms": 21.4},
}  # fmt: skip
_COLLECTION_DOCUMENT = {
    "type": "Collection", "stac_version": "1.1.0", "id": _COLLECTION, "license": "other",
    "description": "1200 chips of s2-l2a in the archive coast, embedded by " + _MODEL + ".",
    "extent": {"spatial": {"bbox": [[-5, 48, -3, 49]]},
               "temporal": {"interval": [["2020-06-01T11:06:21Z", "2020-09-01T11:06:21Z"]]}},
    "swath:archive": "coast", "swath:sensor": "s2-l2a", "swath:rows": 1200, "swath:abilities": ["caption"],
    "emb:type": "chip", "emb:dimensions": 512, "links": [{"rel": "self", "href": _HERE, "type": "application/json"}],
}  # fmt: skip
_QUERYABLES = {
    "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "http://127.0.0.1:8080/queryables",
    "type": "object", "properties": {"eo:cloud_cover": {"type": "number", "minimum": 0, "maximum": 100}},
    "additionalProperties": True,
}  # fmt: skip
_CONFORMS = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
_OF_ITEM = "/collections/{collection_id}/items/{item_id}"

ANSWERS: dict[tuple[str, str], Any] = {
    ("get", "/"): {"type": "Catalog", "stac_version": "1.1.0", "id": "swath", "title": "swath",
                   "description": "Earth-observation archives, searched by meaning.", "conformsTo": _CONFORMS,
                   "links": [{"rel": "search", "href": "http://127.0.0.1:8080/search"}]},
    ("get", "/conformance"): {"conformsTo": _CONFORMS},
    ("get", "/collections"): {"collections": [_COLLECTION_DOCUMENT], "links": [], "numberMatched": 1,
                              "numberReturned": 1},
    ("get", "/collections/{collection_id}"): _COLLECTION_DOCUMENT,
    ("get", "/collections/{collection_id}/items"): _ITEMS,
    ("get", _OF_ITEM): _FEATURE,
    ("get", "/search"): _ITEMS,
    ("post", "/search"): _ITEMS,
    ("get", "/semantic-search"): _FOUND,
    ("post", "/semantic-search"): _FOUND,
    ("get", "/queryables"): _QUERYABLES,
    ("get", "/collections/{collection_id}/queryables"): _QUERYABLES,
    ("get", f"{_OF_ITEM}/embedding"): {"id": _ITEM, "model": _MODEL, "dimensions": 4,
                                       "embedding": [0.5, -0.5, 0.5, 0.5]},
    ("get", f"{_OF_ITEM}/tilejson.json"): {
        "tilejson": "3.0.0", "tiles": [f"{_HERE}/items/{_ITEM}/tiles/{{z}}/{{x}}/{{y}}.png"], "minzoom": 8,
        "maxzoom": 14, "bounds": [-5, 48, -3, 49], "center": [-4, 48.5, 8], "name": _ITEM,
    },
    ("get", f"{_OF_ITEM}/caption"): {"id": _ITEM, "caption": "several boats are in a harbour",
                                     "captioner": _MODEL + "+ba9876543210"},
    ("post", f"{_OF_ITEM}/ask"): {
        "id": _ITEM, "question": "how many ships are there?", "answer": "3", "confidence": 0.62, "type": "count",
        "answerer": _MODEL + "+answerer@ba9876543210", "then": [],
    },
    ("get", "/models/{archive}"): {
        "type": "Feature", "stac_version": "1.1.0", "id": "model-coast", "geometry": None,
        "properties": {"datetime": "2024-05-01T00:00:00Z", "mlm:name": _MODEL, "mlm:architecture": "DualEncoder",
                       "mlm:tasks": ["similarity-search"], "swath:abilities": []},
        "links": [{"rel": "self", "href": "http://127.0.0.1:8080/models/coast", "type": "application/geo+json"}],
        "assets": {},
    },
    ("get", "/page-settings"): {
        "version": "0.1.0", "title": "swath", "basemap": None, "needs_token": False, "max_upload_bytes": 16777216,
        "max_limit": 1000, "abilities": {"caption": True, "ask": False},
    },
    ("get", "/healthz"): {"status": "ok"},
    ("get", "/readyz"): {"status": "ready", "archives": {"coast": 1200}},
    ("get", "/_mgmt/ping"): {"message": "PONG"},
    ("get", "/_mgmt/health"): {"status": "UP"},
}  # fmt: skip
"""Of 200, by method and path."""
