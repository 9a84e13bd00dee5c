"""Reading option values: coordinates, boxes, geometries, time ranges. Wrong ones are bad usage (exit 2)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import typer


def numbers(text: str, count: int, form: str) -> tuple[float, ...]:
    """Split `text` at commas into `count` finite numbers.

    Raises:
        typer.BadParameter: it is not of the `form` shown in the message.
    """
    parts = text.replace(" ", "").split(",")
    try:
        values = tuple(float(part) for part in parts)
    except ValueError:
        values = ()
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise typer.BadParameter(f"{text!r} is not {form}")
    return values


def place(text: str) -> tuple[float, float]:
    """``lon,lat`` in degrees (WGS 84)."""
    lon, lat = numbers(text, 2, "lon,lat in degrees, for example -118.2,34.0")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        hint = "; lon comes first" if -90 <= lon <= 90 < abs(lat) <= 180 else ""
        raise typer.BadParameter(f"{text!r} is outside lon -180..180, lat -90..90{hint}")
    return lon, lat


def bbox(text: str) -> tuple[float, float, float, float]:
    """``west,south,east,north`` in degrees; west > east crosses the antimeridian."""
    west, south, east, north = numbers(text, 4, "west,south,east,north in degrees, for example -119,33,-117,35")
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise typer.BadParameter(f"{text!r} is not west,south,east,north with south <= north, inside -180,-90,180,90")
    return west, south, east, north


def geometry(path: Path) -> dict[str, Any]:
    """The GeoJSON geometry in a file: a geometry, a Feature, or all features of a FeatureCollection together.

    Raises:
        typer.BadParameter: the file is not GeoJSON with a geometry.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as failure:
        raise typer.BadParameter(f"{path} is not a readable GeoJSON file: {failure}") from None
    parts = _geometries(document)
    if not parts:
        raise typer.BadParameter(f"{path} holds no GeoJSON geometry")
    return parts[0] if len(parts) == 1 else {"type": "GeometryCollection", "geometries": parts}


def _geometries(document: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - whatever the JSON file holds
    if not isinstance(document, dict):
        return []
    kind = document.get("type")
    if kind == "FeatureCollection":
        return [part for feature in document.get("features") or [] for part in _geometries(feature)]
    if kind == "Feature":
        return _geometries(document.get("geometry"))
    return [document] if "coordinates" in document or "geometries" in document else []
