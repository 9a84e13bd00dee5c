"""Rows of an archive as rows of a GeoParquet table, and back; see `swath.archive.exchange`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyproj
import shapely

from swath.archive import major_tom
from swath.archive.interval import rfc3339
from swath.chips import Chip, Footprint, Layer, SceneRef, Window
from swath.errors import SwathError
from swath.raster.hrefs import resolve

_OWN = [
    pa.field("swath:scene", pa.string()), pa.field("swath:sensor", pa.string()), pa.field("swath:href", pa.string()),
    pa.field("swath:window", pa.list_(pa.int32())), pa.field("swath:layers", pa.string()),
    pa.field("swath:crs", pa.string()), pa.field("swath:datetime", pa.timestamp("us", tz="UTC")),
    pa.field("swath:properties", pa.string()), pa.field("swath:tokens", pa.binary()),
    pa.field("swath:caption", pa.string()), pa.field("swath:captioner", pa.string()),
    pa.field("thumbnail", pa.binary()),
]  # fmt: skip
"""What an archive needs beyond the columns of a layout."""

_LINK = pa.struct([("href", pa.string()), ("rel", pa.string()), ("type", pa.string())])
_ASSET = pa.struct([("href", pa.string()), ("roles", pa.list_(pa.string()))])
_BOX = pa.struct([(name, pa.float64()) for name in ("xmin", "ymin", "xmax", "ymax")])


class RowError(SwathError):
    """A row of a table that cannot be used."""


def schema_of(layout: str, dim: int, known: Mapping[str, Any]) -> pa.Schema:
    """The Arrow schema of a table, with its metadata."""
    vector = pa.field("embedding", pa.list_(pa.float32(), dim))
    geo = {"version": "1.1.0", "primary_column": "geometry",
           "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}}}  # fmt: skip
    metadata = {"geo": json.dumps(geo), "swath": json.dumps(known)}
    if layout == "major-tom":
        fields = [
            pa.field("unique_id", pa.string()), vector, pa.field("timestamp", pa.timestamp("us", tz="UTC")),
            pa.field("product_id", pa.string()), pa.field("grid_cell", pa.string()),
            pa.field("grid_row_u", pa.int16()), pa.field("grid_col_r", pa.int16()), pa.field("geometry", pa.binary()),
            pa.field("centre_lat", pa.float32()), pa.field("centre_lon", pa.float32()),
            pa.field("utm_footprint", pa.string()), pa.field("utm_crs", pa.string()),
            pa.field("pixel_bbox", pa.list_(pa.int64())),
        ]  # fmt: skip
    else:
        metadata["stac-geoparquet"] = json.dumps({"version": "1.0.0"})
        fields = [
            pa.field("type", pa.string()), pa.field("stac_version", pa.string()),
            pa.field("stac_extensions", pa.list_(pa.string())), pa.field("id", pa.string()),
            pa.field("geometry", pa.binary()), pa.field("bbox", _BOX), pa.field("links", pa.list_(_LINK)),
            pa.field("assets", pa.struct([("data", _ASSET)])), pa.field("collection", pa.string()),
            pa.field("datetime", pa.timestamp("us", tz="UTC")), pa.field("start_datetime", pa.string()),
            pa.field("end_datetime", pa.string()), vector,
        ]  # fmt: skip
    return pa.schema([*fields, *_OWN], metadata=metadata)


def exported(row: Mapping[str, Any], layout: str) -> dict[str, Any]:
    """A row of a table for a row of an archive."""
    shape = None if row["geometry"] is None else shapely.from_wkb(row["geometry"])
    own = {
        "embedding": row["vector"], "geometry": row["geometry"], "swath:scene": row["scene_id"],
        "swath:sensor": row["sensor"], "swath:href": row["href"], "swath:window": row["window"],
        "swath:layers": row["layers"], "swath:crs": row["crs"], "swath:datetime": row["datetime"],
        "swath:properties": row["properties"], "swath:tokens": row["tokens"], "swath:caption": row.get("caption"),
        "swath:captioner": row.get("captioner"), "thumbnail": row["thumbnail"],
    }  # fmt: skip
    return own | (_major_tom(row, shape) if layout == "major-tom" else _item(row, shape))


def chip_of(row: Mapping[str, Any], sensor: str | None, base: str, root: str) -> Chip:
    """The chip of a row.

    Args:
        row: of a table.
        sensor: its sensor, where the row does not say.
        base: path of the table, from which relative paths count.
        root: the folder that local files must lie in.

    Raises:
        RowError: it cannot be used; the message says why.
    """
    try:
        name = row.get("swath:sensor") or sensor
        if not name:
            raise RowError("no column says its sensor; name it: --sensor NAME")
        footprint = _footprint(row)
        if row.get("swath:href") is None:
            return _foreign(row, name, footprint)
        layers = tuple(
            Layer(str(band), _inside(href, base, root), int(index), *map(_number, rest))
            for band, href, index, *rest in json.loads(row["swath:layers"])
        )
        properties = json.loads(row["swath:properties"] or "{}")
        if not isinstance(properties, dict):
            raise RowError("its properties are no JSON object")
        scene = SceneRef(
            id=str(row["swath:scene"]), href=_inside(row["swath:href"], base, root), sensor=name, layers=layers,
            datetime=_moment(row.get("swath:datetime")), properties=properties,
        )  # fmt: skip
        chip = Chip(scene, _window(row["swath:window"]), footprint)
        _ = chip.sensor
    except RowError:
        raise
    except SwathError as error:
        raise RowError(str(error)) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, shapely.errors.ShapelyError) as error:
        raise RowError(f"it holds what is not meant to be there ({type(error).__name__}: {error})") from error
    return chip


def _foreign(row: Mapping[str, Any], sensor: str, footprint: Footprint | None) -> Chip:
    """A chip of Major TOM: its vector, place and time; its pixels lie elsewhere."""
    product, square = str(row["product_id"]), str(row.get("grid_cell"))
    left, top, right, bottom = (int(value) for value in row["pixel_bbox"])
    scene = SceneRef(
        id=product, href=f"major-tom:{product}/{square}", sensor=sensor, layers=(),
        datetime=_moment(row.get("timestamp")),
        properties={"product_id": product, "grid_cell": square},
    )  # fmt: skip
    chip = Chip(scene, _window([left, top, right - left, bottom - top]), footprint)
    _ = chip.sensor
    return chip


def _major_tom(row: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401 - a geometry
    col, line, width, height = row["window"]
    found: dict[str, Any] = {
        "unique_id": row["id"], "timestamp": row["datetime"], "product_id": row["scene_id"],
        "pixel_bbox": [col, line, col + width, line + height],
    }  # fmt: skip
    if shape is None:
        return found
    point = shape.representative_point() if shape.geom_type == "MultiPolygon" else shape.centroid
    square = major_tom.cell(point.x, point.y)
    found |= {"centre_lat": point.y, "centre_lon": point.x, "utm_crs": row["crs"],
              "utm_footprint": _projected(shape, row["crs"])}  # fmt: skip
    if square is not None:
        found |= dict(zip(("grid_cell", "grid_row_u", "grid_col_r"), square, strict=True))
    return found


def _item(row: Mapping[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401 - a geometry
    time = row["datetime"]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": row["id"],
        "bbox": None if shape is None else dict(zip(("xmin", "ymin", "xmax", "ymax"), shape.bounds, strict=True)),
        "links": [],
        "assets": {"data": {"href": row["href"], "roles": ["data"]}},
        "collection": row["sensor"],
        "datetime": time,
        # Items without a time need an interval.
        "start_datetime": "0001-01-01T00:00:00Z" if time is None else rfc3339(time),
        "end_datetime": "9999-12-31T23:59:59Z" if time is None else rfc3339(time),
    }


def _projected(shape: Any, crs: str | None) -> str | None:  # noqa: ANN401 - a geometry
    """A footprint in the scene's own coordinates, as text; None where they are not known."""
    if not crs:
        return None
    try:
        turned = shapely.transform(shape, _from_degrees(crs).transform, interleaved=False)
    except pyproj.exceptions.ProjError:
        return None
    return str(turned.wkt) if np.isfinite(turned.bounds).all() else None


@lru_cache(maxsize=256)
def _from_degrees(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _footprint(row: Mapping[str, Any]) -> Footprint | None:
    written = row.get("geometry")
    if written is None:
        return None
    shape = shapely.from_wkb(written)
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90) or not shape.is_valid:
        raise RowError("its geometry is none on Earth, in degrees")
    return Footprint(shape, str(row.get("swath:crs") or row.get("utm_crs") or "EPSG:4326"))


def _inside(href: Any, base: str, root: str) -> str:  # noqa: ANN401 - a cell
    if not isinstance(href, str):
        raise RowError(f"{href!r} names no file")
    try:
        return resolve(href, base, root)
    except SwathError as error:
        raise RowError(f"{error}; or name the folder of its files: --root FOLDER") from error


def _window(values: Any) -> Window:  # noqa: ANN401 - a cell
    col, row, width, height = (int(value) for value in values)
    if min(col, row) < 0 or min(width, height) < 1 or max(col, row, width, height) >= 2**31:
        raise RowError(f"its window {values} is none")
    return Window(col, row, width, height)


def _number(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise RowError(f"{value!r} is no number of a layer")
    return value


def _moment(value: Any) -> datetime | None:  # noqa: ANN401 - a cell
    """A time that a table holds, in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
