"""The sandbox as a static STAC catalogue: one collection a sensor, one item a scene and date, all marked synthetic.

Items carry fields of the projection, eo, sar and raster extensions by their prefixes but do not list the extensions'
schemas, so that a catalogue made on a machine without network also validates there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from affine import Affine
from shapely.geometry import mapping

from swath.chips import Footprint, Window
from swath.corpus.sandbox.classes import LOOKS
from swath.raster.footprints import outline
from swath.sensors import sensor

VERSION = "1.1.0"
"""STAC version of the catalogue."""

SENSORS = {"s2-l2a": "s2", "s1-grd": "s1", "rgb": "rgb"}
"""Sensors of the sandbox and the ending of their items' ids."""

_TITLES = {
    "s2-l2a": "Synthetic Sentinel-2 L2A (12 bands, 10 m)",
    "s1-grd": "Synthetic Sentinel-1 GRD (VV and VH in decibel, 10 m)",
    "rgb": "Synthetic aerial RGB pictures (5 m)",
}
_NOTICE = (
    "SYNTHETIC data: drawn by `swath sandbox` from random numbers and simple physics. No satellite took these "
    "pictures, and the coordinates only say where such a landscape might lie. For demonstration and tests."
)
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a raster lies.

    Attributes:
        crs: ``EPSG:32615``.
        transform: from pixels to the CRS.
        size: rows and columns.
    """

    crs: str
    transform: Affine
    size: int

    def footprint(self, window: Window | None = None) -> Footprint:
        """Outline of the raster, or of a window of it, in longitude and latitude."""
        return Footprint(outline(self.crs, self.transform, window or Window(0, 0, self.size, self.size)), self.crs)


def item(
    name: str,
    grid: Grid,
    kind: str,
    when: datetime,
    about: Mapping[str, Any],
    assets: Mapping[str, str],
    cloud: float = 0.0,
) -> dict[str, Any]:
    """A STAC item.

    Args:
        name: the item's id.
        grid: where its picture lies.
        kind: name of its sensor.
        when: acquisition time.
        about: the scene's own properties (``swath:...``).
        assets: relative hrefs: ``data``, and ``landcover`` and ``cloud`` where there are any.
        cloud: share of the picture under cloud, 0 to 1.
    """
    place = grid.footprint()
    moment = when.isoformat().replace("+00:00", "Z")
    properties = {
        "datetime": moment,
        "title": f"Synthetic {sensor(kind).title}: {about['swath:scene']}, {when.date().isoformat()}",
        "description": _NOTICE,
        **_INSTRUMENTS[kind],
        "gsd": 5.0 if kind == "rgb" else 10.0,
        "proj:code": grid.crs,
        "proj:shape": [grid.size, grid.size],
        "proj:transform": list(grid.transform)[:6],
        "swath:synthetic": True,
        **about,
    }
    if kind == "s2-l2a":
        properties["eo:cloud_cover"] = round(100 * cloud, 2)
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [],
        "id": name,
        "collection": collection_id(kind),
        "geometry": mapping(place.geometry),
        "bbox": [round(value, 7) for value in place.bbox],
        "properties": properties,
        "links": [
            _link("root", "../catalog.json", "application/json"),
            _link("parent", "./collection.json", "application/json"),
            _link("collection", "./collection.json", "application/json"),
        ],
        "assets": {key: _asset(key, href, kind) for key, href in assets.items()},
    }


def collection(kind: str, items: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The collection of a sensor's items."""
    times = sorted(entry["properties"]["datetime"] for entry in items)
    boxes = [list(entry["bbox"]) for entry in items]
    spans = [_overall(boxes), *boxes] if len(boxes) > 1 else boxes
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": [],
        "id": collection_id(kind),
        "title": _TITLES[kind],
        "description": _NOTICE,
        "license": "CC0-1.0",
        "keywords": ["synthetic", kind],
        "providers": [{"name": "swath sandbox (synthetic)", "roles": ["producer"]}],
        "extent": {"spatial": {"bbox": spans}, "temporal": {"interval": [[times[0], times[-1]]]}},
        "summaries": {"gsd": [5.0 if kind == "rgb" else 10.0], "swath:synthetic": [True]},
        "swath:settings": dict(settings),
        "links": [
            _link("root", "../catalog.json", "application/json"),
            _link("parent", "../catalog.json", "application/json"),
            *(_link("item", f"./{entry['id']}.json", "application/geo+json") for entry in items),
        ],
    }


def catalog(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The root of the catalogue."""
    return {
        "type": "Catalog",
        "stac_version": VERSION,
        "stac_extensions": [],
        "id": "swath-sandbox",
        "title": f"swath sandbox: a synthetic world (seed {settings['seed']})",
        "description": _NOTICE,
        "swath:synthetic": True,
        "swath:settings": dict(settings),
        "links": [
            _link("root", "./catalog.json", "application/json"),
            *(_link("child", f"./{kind}/collection.json", "application/json") for kind in SENSORS),
        ],
    }


def collection_id(kind: str) -> str:
    """Id of a sensor's collection."""
    return f"sandbox-{kind}"


_INSTRUMENTS: dict[str, dict[str, Any]] = {
    "s2-l2a": {"platform": "sentinel-2a", "constellation": "sentinel-2", "instruments": ["msi"]},
    "s1-grd": {
        "platform": "sentinel-1a", "constellation": "sentinel-1", "instruments": ["c-sar"],
        "sar:instrument_mode": "IW", "sar:frequency_band": "C", "sar:polarizations": ["VV", "VH"],
        "sar:product_type": "GRD", "sat:orbit_state": "descending",
    },
    "rgb": {"platform": "synthetic-aerial", "instruments": ["camera"]},
}  # fmt: skip


def _asset(key: str, href: str, kind: str) -> dict[str, Any]:
    asset: dict[str, Any] = {"href": href, "type": _COG}
    if key == "data":
        product = sensor(kind)
        dtype = {"s2-l2a": "uint16", "s1-grd": "float32", "rgb": "uint8"}[kind]
        bands = []
        for band in product.bands:
            entry: dict[str, Any] = {"name": band.name, "data_type": dtype}
            if kind == "s2-l2a":
                entry |= {"eo:center_wavelength": band.wavelength / 1000, "raster:scale": 0.0001, "nodata": 0}
            if kind == "s1-grd":
                entry |= {"unit": "dB", "nodata": "nan", "sar:polarizations": [band.name]}
            if kind == "rgb":
                entry |= {"eo:common_name": band.name}
            bands.append(entry)
        return asset | {"title": f"{_TITLES[kind]}: picture", "roles": ["data"], "bands": bands}
    if key == "landcover":
        classes = [
            {"value": int(cover), "name": look.title.replace(" ", "-"), "color_hint": bytes(look.colour).hex().upper()}
            for cover, look in LOOKS.items()
        ]
        return asset | {
            "title": "Synthetic land cover of the day",
            "roles": ["labels"],
            "classification:classes": classes,
        }
    return asset | {"title": "Opacity of the synthetic clouds, percent", "roles": ["cloud"]}


def _link(rel: str, href: str, media: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": media}


def _overall(boxes: Sequence[Sequence[float]]) -> list[float]:
    """One box around all; the whole circle of longitudes where a box crosses the antimeridian."""
    crossing = any(west > east for west, _, east, _ in boxes)
    west = -180.0 if crossing else min(box[0] for box in boxes)
    east = 180.0 if crossing else max(box[2] for box in boxes)
    return [west, min(box[1] for box in boxes), east, max(box[3] for box in boxes)]
