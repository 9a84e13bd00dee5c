"""Hits as STAC items."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pystac

from swath.archive.hits import Hit, geojson

_MEDIA_TYPES = {
    ".tif": pystac.MediaType.GEOTIFF, ".tiff": pystac.MediaType.GEOTIFF, ".jp2": pystac.MediaType.JPEG2000,
    ".png": pystac.MediaType.PNG, ".jpg": pystac.MediaType.JPEG, ".jpeg": pystac.MediaType.JPEG,
}  # fmt: skip


def _is_text(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, str) and bool(value)


def _is_texts(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _never(value: Any) -> bool:  # noqa: ANN401, ARG001 - any JSON value
    return False


# Names that STAC gives a meaning in every item, and when a source's value has it. What does not fit, and what belongs
# to the scene rather than the chip, is kept as `source:NAME`.
_COMMON: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("title", "description", "platform", "constellation", "mission"), _is_text),
    **dict.fromkeys(("instruments", "keywords"), _is_texts),
    "license": lambda value: isinstance(value, str) and re.fullmatch(r"[\w\-.+]+", value) is not None,
    "gsd": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0,
    **dict.fromkeys(
        ("datetime", "start_datetime", "end_datetime", "created", "updated", "providers", "bands", "roles", "data_type",
         "statistics", "unit", "nodata"),
        _never,
    ),
}  # fmt: skip


def item_collection(hits: Sequence[Hit]) -> pystac.ItemCollection:
    """One valid STAC item a hit."""
    return pystac.ItemCollection([item(hit) for hit in hits])


def item(hit: Hit) -> pystac.Item:
    """A hit as a STAC item; see `Hits.to_stac`."""
    properties: dict[str, Any] = {}
    for key, value in hit.properties.items():
        fits = _COMMON.get(key, lambda _: True)(value)
        properties[key if fits else f"source:{key}"] = value
    properties |= {
        "swath:rank": hit.rank,
        "swath:score": hit.score,
        "swath:confidence": hit.confidence,
        "swath:sensor": hit.sensor,
        "swath:window": hit.window,
    }
    if hit.datetime is None:
        properties |= {
            "start_datetime": "0001-01-01T00:00:00Z",
            "end_datetime": "9999-12-31T23:59:59Z",
            "swath:datetime_unknown": True,
        }
    made = pystac.Item(
        id=hit.id,
        geometry=None if hit.geometry is None else geojson(hit.geometry),
        bbox=None if hit.bbox is None else list(hit.bbox),
        datetime=hit.datetime,
        properties=properties,
    )
    suffix = re.search(r"\.\w+$", hit.href.lower())
    media_type = _MEDIA_TYPES.get(suffix[0]) if suffix else None
    made.add_asset("data", pystac.Asset(hit.href, media_type=media_type, roles=["data"]))
    return made
