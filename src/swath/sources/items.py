"""From one STAC item to a scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pystac
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from swath.chips import Footprint, Layer, SceneRef
from swath.errors import SensorError, SourceError, SwathError
from swath.raster import describe, footprint, scene_from_file, stretched
from swath.raster.hrefs import without_signature
from swath.sensors import SENSORS, Sensor
from swath.sources.assets import AssetBand, item_bands, layer_of, layers_of, polarizations
from swath.sources.documents import json_values
from swath.sources.fitting import constellation_of, fit


def scene_from_item(
    item: pystac.Item,
    resolve: Callable[[str], str],
    *,
    sensor: str | None = None,
    collection: Callable[[], Mapping[str, Any]] = dict,
) -> SceneRef:
    """Describe a STAC item as a scene.

    Bands are found by name in ``bands``, ``eo:bands``, ``raster:bands``, ``sar:polarizations`` and the asset keys; an
    item with one unnamed asset is recognised from the file.

    Args:
        item: the item.
        resolve: turns an asset's href into an absolute path or URL, or raises.
        sensor: sensor or family to read the item as; None to recognise it.
        collection: gives the item's collection as a dictionary (empty where there is none); asked only where the item
            alone does not tell its bands.

    Raises:
        SourceError: the item has no data asset or no usable geometry.
        SensorError: no sensor fits the item's assets.
        RasterError: the item's file cannot be read.
    """
    bands = item_bands(item, resolve)
    if not bands:
        keys = ", ".join(item.assets) or "none"
        raise SourceError(f"STAC item {item.id!r}: has no image asset (assets: {keys}); drop the item or add its data")
    target, layers = _fit(item, bands, sensor, collection)
    return SceneRef(
        id=item.id,
        href=without_signature(layers[0].href),
        sensor=target.name,
        layers=layers,
        footprint=_footprint(item, layers),
        datetime=_moment(item),
        properties=_properties(item),
    )


def _fit(
    item: pystac.Item,
    bands: Sequence[AssetBand],
    declared: str | None,
    collection: Callable[[], Mapping[str, Any]],
) -> tuple[Sensor, tuple[Layer, ...]]:
    """The sensor and layers of an item: by names across assets, else from its only data file."""
    constellation = constellation_of(*(str(item.properties.get(key) or "") for key in ("constellation", "platform")))
    found = fit(bands, declared, constellation)
    if found is not None:
        target, chosen = found
        return target, layers_of(chosen, target, item.properties)
    files = list(dict.fromkeys(band.href for band in bands))
    if len(files) == 1:
        return _from_file(item, bands, declared, constellation, collection)
    offered = "; ".join(dict.fromkeys(f"{band.key} ({'/'.join(band.names)})" for band in bands))
    raise SensorError(
        f"STAC item {item.id!r}: no {'sensor' if declared is None else repr(declared)} fits its assets: {offered}; "
        f"name the --sensor (one of {', '.join(sorted(SENSORS))})"
    )


def _from_file(
    item: pystac.Item,
    bands: Sequence[AssetBand],
    declared: str | None,
    constellation: str,
    collection: Callable[[], Mapping[str, Any]],
) -> tuple[Sensor, tuple[Layer, ...]]:
    """Recognise an item whose metadata does not name its bands, from its only file and its collection's words."""
    href = bands[0].href
    info = describe(href)
    names: tuple[str, ...] = ()
    if not info.band_names and constellation == "sentinel-1":
        names = polarizations(item.properties)
        if not names:
            about = collection()
            words = [str(about.get("title") or ""), str(about.get("description") or "")]
            names = polarizations(about.get("summaries") or {}, *words)
    scene = scene_from_file(
        href, sensor=declared, bands=names if len(names) == info.band_count else None, constellation=constellation
    )
    target = SENSORS[scene.sensor]
    stored = {band.index: band for band in bands}
    layers = tuple(
        layer if layer.index not in stored else _scaled(layer, stored[layer.index], target, item.properties)
        for layer in scene.layers
    )
    return target, stretched(layers, target)


def _scaled(layer: Layer, band: AssetBand, target: Sensor, properties: Mapping[str, Any]) -> Layer:
    """A layer found in the file with the scaling its metadata declares, else the file's own."""
    silent = band.scale is None and band.offset is None
    if silent and layer.scale != 1.0:
        return layer if band.nodata is None else replace(layer, nodata=band.nodata)
    return layer_of(band, layer.band, target, properties)


def _footprint(item: pystac.Item, layers: Sequence[Layer]) -> Footprint | None:
    if item.geometry is None:
        return footprint(describe(layers[0].href))
    try:
        geometry: BaseGeometry = shape(item.geometry)
    except (ShapelyError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"STAC item {item.id!r}: unreadable geometry ({error}); correct the item") from error
    west, south, east, north = geometry.bounds if not geometry.is_empty else (0.0, 0.0, 0.0, 91.0)
    if not (-180.0 <= west <= east <= 180.0 and -90.0 <= south <= north <= 90.0):
        raise SourceError(
            f"STAC item {item.id!r}: geometry is empty or outside longitude and latitude "
            f"({west:g}, {south:g}, {east:g}, {north:g}); correct the item"
        )
    code = item.properties.get("proj:code")
    if not code and item.properties.get("proj:epsg"):
        code = f"EPSG:{item.properties['proj:epsg']}"
    return Footprint(without_crossings(geometry), str(code or "EPSG:4326"))


def without_crossings(geometry: BaseGeometry) -> BaseGeometry:
    """A geometry as a catalogue gives it, its border mended where it crosses itself: corners in the wrong order."""
    if geometry.is_valid:
        return geometry
    mended = shapely.make_valid(geometry).buffer(0)  # the areas alone, without lines and points that are left over
    return geometry if mended.is_empty else mended


def _moment(item: pystac.Item) -> datetime | None:
    moment = item.datetime or item.common_metadata.start_datetime
    if moment is None:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _properties(item: pystac.Item) -> dict[str, Any]:
    """The item's properties as JSON values, with its collection."""
    properties: dict[str, Any] = json_values(item.properties)
    if item.collection_id:
        properties.setdefault("collection", item.collection_id)
    return properties


def parse_item(document: Mapping[str, Any]) -> pystac.Item:
    """A STAC item from its JSON, whatever STAC version it was written in.

    Raises:
        SourceError: it is no STAC item.
    """
    name = document.get("id", "without id") if isinstance(document, Mapping) else "without id"
    try:
        return pystac.Item.from_dict(dict(document), preserve_dict=True, migrate=True)
    except SwathError:
        raise
    except (
        pystac.errors.STACError,
        pystac.errors.STACTypeError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise SourceError(
            f"STAC item {name!r}: not a valid item ({type(error).__name__}: {error}); correct it"
        ) from error
