"""The bands that a STAC item's assets hold: names, pixel type, scaling, and which assets are data at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pystac

from swath.chips import Layer
from swath.raster import SUFFIXES, stretched
from swath.sensors import Sensor

_RASTER_TYPES = ("image/tiff", "image/jp2", "image/png", "image/jpeg", "image/webp", "application/x-geotiff")

_OTHER_ROLES = frozenset(
    {"thumbnail", "overview", "metadata", "mask", "data-mask", "cloud", "cloud-shadow", "snow-ice", "water-mask"}
    | {"saturation", "land-water", "labels", "label", "iso-19115", "documentation"}
)

_POLARIZATIONS = ("VV", "VH", "HH", "HV")


@dataclass(frozen=True, slots=True)
class AssetBand:
    """One band of one asset.

    Attributes:
        key: the asset's key in the item.
        href: absolute path or URL of the file.
        index: 1-based place of the band in the asset, as its metadata lists bands.
        names: every name the metadata gives it, most telling first; empty where it gives none.
        visual: whether it belongs to a picture for the eye (8-bit true colour) and not to measured data.
        scale: declared factor to physical units, or None.
        offset: declared offset in physical units, or None.
        nodata: declared no-data value, or None.
        rank: (is JPEG 2000, ground sampling distance): the lowest wins where a band is offered twice.
    """

    key: str
    href: str
    index: int
    names: tuple[str, ...]
    visual: bool = False
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    rank: tuple[bool, float] = (False, 0.0)


def item_bands(item: pystac.Item, resolve: Callable[[str], str]) -> list[AssetBand]:
    """Every band of an item's data assets, best offers first.

    Args:
        item: the item.
        resolve: turns an asset's href into an absolute path or URL, or raises.

    Raises:
        UnsafeRasterError: from `resolve`: a data asset outside the source.
    """
    bands = [band for key, asset in item.assets.items() if is_data(asset) for band in _bands(item, key, asset, resolve)]
    return sorted(bands, key=lambda band: band.rank)


def is_data(asset: pystac.Asset) -> bool:
    """Whether an asset is an image to search, by its roles, media type and file name."""
    if _OTHER_ROLES & {role.lower() for role in asset.roles or ()}:
        return False
    if asset.media_type:
        return asset.media_type.split(";")[0].strip().lower() in _RASTER_TYPES
    return asset.href.split("?")[0].lower().endswith(SUFFIXES)


def _bands(item: pystac.Item, key: str, asset: pystac.Asset, resolve: Callable[[str], str]) -> Iterator[AssetBand]:
    entries = _entries(asset)
    fields = asset.extra_fields
    roles = {role.lower() for role in asset.roles or ()}
    count = max(len(entries), 1)
    types = {str(entry.get("data_type") or fields.get("data_type") or "") for entry in entries or [{}]}
    visual = "visual" in roles or re.fullmatch(r"(visual|tci|true.?colou?r)([-_].*)?", key, re.IGNORECASE) is not None
    visual = visual or (count == 3 and types == {"uint8"})
    gsd = fields.get("gsd") or fields.get("raster:spatial_resolution") or item.properties.get("gsd") or 0.0
    rank = ("jp2" in (asset.media_type or ""), float(gsd) if isinstance(gsd, int | float) else 0.0)
    href = resolve(asset.href)
    for index, entry in enumerate(entries or [{}], start=1):
        names = [
            entry.get("name"),
            entry.get("eo:common_name"),
            entry.get("common_name"),
            *entry.get("sar:polarizations", []),
        ]
        if count == 1:
            # A key such as B04, B04_10m or vv names the only band of its asset.
            names += [*(fields.get("sar:polarizations") or []), key, re.split(r"[_\-. ]", key)[0]]
        yield AssetBand(
            key=key,
            href=href,
            index=index,
            names=tuple(dict.fromkeys(str(name) for name in names if name)),
            visual=visual,
            scale=_number(entry, fields, "scale"),
            offset=_number(entry, fields, "offset"),
            nodata=_nodata(entry.get("nodata", fields.get("nodata"))),
            rank=rank,
        )


def _entries(asset: pystac.Asset) -> list[dict[str, Any]]:
    """One mapping a band, from ``bands`` (STAC 1.1) or from ``eo:bands`` and ``raster:bands`` (STAC 1.0)."""
    lists = [asset.extra_fields.get(key) for key in ("raster:bands", "eo:bands", "bands")]
    known = [[entry for entry in entries if isinstance(entry, dict)] for entries in lists if isinstance(entries, list)]
    count = max((len(entries) for entries in known), default=0)
    merged: list[dict[str, Any]] = [{} for _ in range(count)]
    for entries in known:
        for place, entry in enumerate(entries):
            merged[place].update(entry)
    return merged


def _number(entry: Mapping[str, Any], fields: Mapping[str, Any], name: str) -> float | None:
    for value in (entry.get(f"raster:{name}"), entry.get(name), fields.get(f"raster:{name}")):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def _nodata(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    # STAC writes the values that JSON lacks as strings; NaN is never valid anyway.
    return {"inf": float("inf"), "-inf": float("-inf")}.get(value) if isinstance(value, str) else None


def polarizations(texts: Mapping[str, Any], *others: str) -> tuple[str, ...]:
    """The polarisations of a radar product, from ``sar:polarizations``, else from the words of a description.

    Args:
        texts: an item's properties or a collection's summaries.
        others: titles and descriptions, read only where the field is absent.
    """
    declared = texts.get("sar:polarizations")
    if isinstance(declared, list):
        return tuple(str(name).upper() for name in declared)
    words = {word.upper() for text in others for word in re.findall(r"\b(?:VV|VH|HH|HV)\b", text, re.IGNORECASE)}
    return tuple(name for name in _POLARIZATIONS if name in words)


def layers_of(bands: Sequence[AssetBand], target: Sensor, properties: Mapping[str, Any]) -> tuple[Layer, ...]:
    """The layers of a sensor whose bands were found, in its order; see `layer_of` and `swath.raster.stretched`."""
    named = zip(bands, target.band_names, strict=True)
    return stretched(tuple(layer_of(band, name, target, properties) for band, name in named), target)


def layer_of(band: AssetBand, name: str, target: Sensor, properties: Mapping[str, Any]) -> Layer:
    """The layer of a sensor's band, with the scaling that brings stored numbers to the sensor's units.

    Reflectance is kept as 10,000 times reflectance: a declared scale and offset are multiplied by that. Sentinel-2
    products of processing baseline 04.00 and later carry 1,000 more than that (ESA, Sentinel-2 products specification,
    ``BOA_ADD_OFFSET``); where an item says its pixels were corrected already (``...:boa_offset_applied``), a declared
    offset is not applied again.
    """
    if target.units != "reflectance1e4":
        return Layer(name, band.href, band.index, nodata=band.nodata)
    applied = any(key.endswith("boa_offset_applied") and value is True for key, value in properties.items())
    if band.scale is None and band.offset is None and target.stored != (1.0, 0.0):
        return Layer(name, band.href, band.index, *target.stored, band.nodata)
    scale = 1.0 if band.scale is None else round(band.scale * 1e4, 9)
    if applied:
        offset = 0.0
    elif band.offset is not None:
        offset = round(band.offset * 1e4, 6)
    else:
        offset = -1000.0 if band.scale is None and _baseline(properties) >= 4.0 else 0.0
    return Layer(name, band.href, band.index, scale, offset, band.nodata)


def _baseline(properties: Mapping[str, Any]) -> float:
    """Sentinel-2's processing baseline (5.11 for ``05.11``); 0 where the item does not say."""
    for key in ("s2:processing_baseline", "sentinel:processing_baseline", "sentinel2:processing_baseline"):
        match = re.fullmatch(r"N?(\d\d)\.?(\d\d)", str(properties.get(key, "")))
        if match is not None:
            return int(match[1]) + int(match[2]) / 100
    return 0.0
