"""Places: distances on the sphere, boxes around a point, and geometries that users hand in.

The Earth is a sphere of the mean radius 6371.0088 km; against the WGS84 ellipsoid a distance is within 0.6 %.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from swath.errors import QueryError

EARTH_RADIUS_KM = 6371.0088
_FAR_KM = 15_000.0
_LARGEST_FILE = 64 * 2**20

Box = tuple[float, float, float, float]


def great_circle_km(
    lon: float, lat: float, lons: NDArray[np.floating], lats: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Great-circle distances in km from one point to many (haversine); all in degrees."""
    phi, phis = math.radians(lat), np.radians(np.asarray(lats, dtype=np.float64))
    step = np.radians(np.asarray(lons, dtype=np.float64) - lon)
    chord = np.sin((phis - phi) / 2) ** 2 + math.cos(phi) * np.cos(phis) * np.sin(step / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0))), dtype=np.float64)


def footprint_distance_km(lon: float, lat: float, footprints: ArrayLike) -> NDArray[np.float64]:
    """Distances in km from a point to footprints; 0 for a point inside.

    Footprints are projected azimuthally and equidistantly around the point, so a vertex keeps its exact distance, also
    across the antimeridian and near a pole.

    Args:
        lon: degrees.
        lat: degrees.
        footprints: (N,) shapely geometries in EPSG:4326.
    """

    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        phi0, phi, step = math.radians(lat), np.radians(points[:, 1]), np.radians(points[:, 0] - lon)
        x = np.cos(phi) * np.sin(step)
        y = math.cos(phi0) * np.sin(phi) - math.sin(phi0) * np.cos(phi) * np.cos(step)
        z = math.sin(phi0) * np.sin(phi) + math.cos(phi0) * np.cos(phi) * np.cos(step)
        sine = np.hypot(x, y)
        stretch = np.where(sine > 1e-12, np.arctan2(sine, z) / np.where(sine > 1e-12, sine, 1.0), 1.0)
        return EARTH_RADIUS_KM * np.column_stack([x * stretch, y * stretch])

    shapes = np.asarray(footprints, dtype=object)
    distance = np.asarray(shapely.distance(shapely.Point(0, 0), shapely.transform(shapes, project)), dtype=np.float64)
    # What lies around the opposite side of the Earth is projected to a ring around the point: there vertices count.
    corners, owner = shapely.get_coordinates(shapes, return_index=True)
    nearest = np.full(len(shapes), np.inf)
    np.minimum.at(nearest, owner, great_circle_km(lon, lat, corners[:, 0], corners[:, 1]))
    return np.where(nearest > _FAR_KM, nearest, distance)


def box_around(lon: float, lat: float, radius_km: float) -> Box:
    """(west, south, east, north) of the circle around a point; west > east if it crosses the antimeridian."""
    angle = min(radius_km / EARTH_RADIUS_KM, math.pi)
    south, north = lat - math.degrees(angle), lat + math.degrees(angle)
    if south <= -90 or north >= 90:
        return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
    reach = math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(lat)))))
    west, east = lon - reach, lon + reach
    return west + 360 if west < -180 else west, south, east - 360 if east > 180 else east, north


def covering_longitudes(west: NDArray[np.floating], east: NDArray[np.floating]) -> tuple[float, float]:
    """The shortest stretch of longitudes that covers all of many; west > east if it crosses the antimeridian.

    Args:
        west: (N,) western ends, -180 to 180.
        east: (N,) eastern ends, at least `west`; above 180 across the antimeridian.
    """
    order = np.argsort(west)
    west, reach = west[order], np.maximum.accumulate(east[order])
    # Gaps between what is covered so far and the next start; the last one goes round to the first start.
    gaps = np.append(west[1:], west[0] + 360.0) - reach
    if gaps.max() <= 0:
        return -180.0, 180.0
    widest = int(gaps.argmax())
    start = float(west[(widest + 1) % len(west)])
    end = float(reach[widest])
    return start, end - 360.0 if end > 180.0 else end


def box_geometry(box: Box) -> BaseGeometry:
    """The box as polygon; two polygons where west > east (across the antimeridian)."""
    west, south, east, north = box
    if west <= east:
        return shapely.box(west, south, east, north)
    return shapely.MultiPolygon([shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)])


def read_box(value: Any) -> Box:  # noqa: ANN401 - whatever the caller has
    """Check a bounding box (west, south, east, north) in degrees; west > east crosses the antimeridian.

    Raises:
        QueryError: not four numbers, out of range, or south above north.
    """
    try:
        west, south, east, north = (float(number) for number in value)
    except (TypeError, ValueError):
        raise QueryError(f"a bbox is four numbers west,south,east,north, got {value!r}") from None
    box = west, south, east, north
    if not all(math.isfinite(number) for number in box) or max(abs(west), abs(east)) > 180:
        raise QueryError(f"bbox longitudes must lie within -180 to 180, got {box}; the order is west,south,east,north")
    if max(abs(south), abs(north)) > 90:
        raise QueryError(f"bbox latitudes must lie within -90 to 90, got {box}; the order is west,south,east,north")
    if south > north:
        raise QueryError(f"bbox has south {south} above north {north}; the order is west,south,east,north")
    return box


def read_point(value: Any) -> tuple[float, float]:  # noqa: ANN401 - whatever the caller has
    """Check a place (lon, lat) in degrees.

    Raises:
        QueryError: not two numbers, or out of range; swapped axes get a hint.
    """
    try:
        lon, lat = (float(number) for number in value)
    except (TypeError, ValueError):
        raise QueryError(f"a place is two numbers lon,lat, got {value!r}") from None
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        swapped = abs(lat) <= 180 and abs(lon) <= 90
        hint = f"; the order is lon,lat: did you mean {lat:g},{lon:g}?" if swapped else ""
        raise QueryError(f"no such place: lon {lon:g} (-180 to 180), lat {lat:g} (-90 to 90){hint}")
    return lon, lat


def read_geometry(value: Any) -> BaseGeometry:  # noqa: ANN401 - whatever the caller has
    """Read a geometry in EPSG:4326: shapely, GeoJSON as a mapping, or the path of a GeoJSON file.

    Raises:
        QueryError: unreadable, empty, invalid (self-intersecting), or outside longitudes and latitudes.
    """
    name = "the geometry"
    if isinstance(value, (str, Path)):
        name, value = f"geometry file {value}", _load(Path(value))
    elif hasattr(value, "__geo_interface__") and not isinstance(value, BaseGeometry):
        value = value.__geo_interface__
    if isinstance(value, Mapping):
        value = _from_geojson(name, value)
    if not isinstance(value, BaseGeometry):
        raise QueryError(f"{name} must be a shapely geometry, GeoJSON or a GeoJSON file, got {type(value).__name__}")
    if value.is_empty:
        raise QueryError(f"{name} is empty")
    west, south, east, north = value.bounds
    if not all(map(math.isfinite, value.bounds)) or west < -180 or east > 180 or south < -90 or north > 90:
        raise QueryError(
            f"{name} reaches from {west:g},{south:g} to {east:g},{north:g}, outside lon -180 to 180, lat -90 to 90; "
            f"give it in EPSG:4326 as lon,lat, split at the antimeridian"
        )
    if not value.is_valid:
        raise QueryError(f"{name} is not valid: {shapely.is_valid_reason(value)}; repair it (shapely.make_valid)")
    return shapely.force_2d(value)


def _load(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise QueryError(f"geometry file {path} is larger than 64 MiB; simplify it")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise QueryError(f"geometry file {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise QueryError(f"geometry file {path} is not GeoJSON: {error}") from error


def _from_geojson(name: str, document: Mapping[str, Any]) -> BaseGeometry:
    kind = document.get("type")
    try:
        if kind == "FeatureCollection":
            shapes = [shape(feature["geometry"]) for feature in document["features"] if feature.get("geometry")]
            return shapely.union_all(shapes)
        return shape(document["geometry"] if kind == "Feature" else document)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, shapely.errors.ShapelyError) as error:
        raise QueryError(f"{name} is not GeoJSON: {type(error).__name__} {error}") from error
