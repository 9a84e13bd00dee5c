"""Footprints on Earth: a window's outline in EPSG:4326, right at the antimeridian and at the poles.

Straight edges in a projection are curves in longitude and latitude, so edges are densified before they are transformed.
Longitudes are then unwrapped along the ring; a ring that leaves [-180, 180] is split at the antimeridian (RFC 7946,
section 3.1.9), and a ring that goes once around a pole is closed over the pole.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from swath.chips import Footprint, Window
from swath.errors import GeoreferenceError
from swath.raster.info import RasterInfo
from swath.raster.windows import to_crs, to_pixel

EDGE_POINTS = 21
"""Points on each edge; with 21 the outline of a 110 km Sentinel-2 tile is right to less than a metre."""

_MAX_EDGE_POINTS = 21 * 8**3

_SLACK = 1e-9

_STRAIGHT = 1e-7
"""Degrees (about a centimetre) by which a point may lie off the line between its neighbours and be left out."""

_TOGETHER = 4096
"""Windows whose outlines are made in one call: some 10 MB."""

_Area = tuple[float, float, float, float]
"""(col, row, width, height) in pixels, not bound to the grid."""


@dataclass(frozen=True, slots=True)
class _Projection:
    """How to get from a CRS to EPSG:4326, and where the poles lie in it.

    Attributes:
        to_degrees: from (x, y) to (lon, lat).
        poles: sign (1 north, -1 south) and place of each pole that is one point of the projection.
    """

    to_degrees: pyproj.Transformer
    poles: tuple[tuple[float, tuple[float, float]], ...]


class _Projections(threading.local):
    """One thread's projections: pyproj's transformers may not be shared between threads."""

    def __init__(self) -> None:
        self.known: dict[str, _Projection] = {}


_projections = _Projections()


def _projection(crs: str) -> _Projection:
    found = _projections.known.get(crs)
    if found is None:
        if len(_projections.known) > 256:
            _projections.known.clear()
        back = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        poles = []
        for sign in (1.0, -1.0):
            x, y = back.transform([0.0, 90.0], [90.0 * sign] * 2)
            if np.all(np.isfinite([*x, *y])) and np.hypot(x[0] - x[1], y[0] - y[1]) < 1e-3:
                poles.append((sign, (float(x[0]), float(y[0]))))
        found = _Projection(pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True), tuple(poles))
        _projections.known[crs] = found
    return found


def footprint(info: RasterInfo, window: Window | None = None) -> Footprint | None:
    """Where a scene, or a window of it, lies.

    Args:
        info: the scene's header.
        window: pixels of the scene; None for all of it.

    Returns:
        A polygon or multipolygon in EPSG:4326 (lon, lat); None where the file has no georeference.

    Raises:
        GeoreferenceError: the file's CRS or transform cannot be placed on Earth.
    """
    return footprints_of(info, [window or Window(0, 0, info.width, info.height)])[0]


def footprints_of(info: RasterInfo, windows: Sequence[Window]) -> list[Footprint] | list[None]:
    """Where many windows of a scene lie: each as `footprint` gives it, in a fraction of the time.

    Raises:
        GeoreferenceError: the file's CRS or transform cannot be placed on Earth.
    """
    if info.crs is None:
        return [None] * len(windows)
    try:
        found = outlines(info.crs, info.transform, windows)
    except (CRSError, ProjError) as error:
        raise GeoreferenceError(
            f"{info.href}: cannot use its CRS ({error}); assign one with gdal_edit.py -a_srs"
        ) from error
    except GeoreferenceError as error:
        raise GeoreferenceError(f"{info.href}: {error}") from error
    return [Footprint(geometry, info.crs) for geometry in found]


def outline(crs: str, transform: Affine, window: Window) -> BaseGeometry:
    """The outline of a window in EPSG:4326, see `footprint`.

    Raises:
        GeoreferenceError: no part of the outline lies on Earth.
    """
    return outlines(crs, transform, [window])[0]


def outlines(crs: str, transform: Affine, windows: Sequence[Window]) -> list[BaseGeometry]:
    """The outlines of windows in EPSG:4326.

    Raises:
        GeoreferenceError: no part of an outline lies on Earth.
    """
    projection = _projection(crs)
    areas = np.array([window.to_list() for window in windows], np.float64).reshape(-1, 4)
    found: list[BaseGeometry] = []
    for start in range(0, len(areas), _TOGETHER):
        block = areas[start : start + _TOGETHER]
        plain, usual = _outlines(projection, transform, block)
        found += [
            geometry if easy else _careful_outline(projection, transform, (col, row, width, height))
            for geometry, easy, (col, row, width, height) in zip(plain, usual, block.tolist(), strict=True)
        ]
    return found


def _outlines(
    projection: _Projection, transform: Affine, areas: NDArray[np.float64]
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Outlines of (n, 4) areas, and which of them are right: those far from the antimeridian and the poles."""
    lon, lat = _rings(projection.to_degrees, transform, areas, EDGE_POINTS)
    lon, lat = (np.concatenate([values, values[:, :1]], axis=1) for values in (lon, lat))
    with np.errstate(invalid="ignore"):  # infinite where there is no such place
        usual = (np.abs(lon).max(axis=1) <= 180.0) & (np.abs(lat).max(axis=1) <= 90.0)
        usual &= np.abs(np.diff(lon, axis=1)).max(axis=1) < 180.0
    for _, pole in projection.poles:
        usual &= ~_holds_pole(pole, transform, areas)
    found = np.full(len(areas), None, dtype=object)
    found[usual] = shapely.polygons(np.stack([lon[usual], lat[usual]], axis=2))
    usual[usual] = shapely.is_valid(found[usual])
    found[usual] = shapely.simplify(found[usual], _STRAIGHT)
    return found, usual


def _careful_outline(projection: _Projection, transform: Affine, area: _Area) -> BaseGeometry:
    """The outline of an area that may cross the antimeridian or hold a pole, or lie beyond the Earth in part."""
    poles = [sign for sign, pole in projection.poles if _holds_pole(pole, transform, np.array([area]))[0]]
    points = EDGE_POINTS
    if poles:
        # A pole on the border has no longitude: move the border a pixel outwards, and follow it closely.
        area, points = (area[0] - 1, area[1] - 1, area[2] + 2, area[3] + 2), 8 * EDGE_POINTS
    while True:
        lon, lat = _ring(projection.to_degrees, transform, area, points)
        turns = round((_unwrap(lon)[-1] - lon[0]) / 360.0)
        # A coarse ring may jump across a nearby pole; only a ring around exactly one pole goes around once.
        if (abs(turns) == 1) == (len(poles) == 1) or points >= _MAX_EDGE_POINTS:
            break
        points *= 8
    if abs(turns) == 1 and poles:
        geometry: BaseGeometry = _over_pole(lon, lat, poles[0])
    else:
        geometry = _split(Polygon(np.column_stack([_unwrap(lon), lat])))
    if not geometry.is_valid:
        geometry = _areas(shapely.make_valid(geometry))
    return geometry.simplify(_STRAIGHT)


def to_degrees(geometry: BaseGeometry, crs: str, transform: Affine) -> BaseGeometry:
    """A geometry in pixel coordinates (col, row), in EPSG:4326: its edges densified, split at the antimeridian.

    Args:
        geometry: a point, polygon or multipolygon away from the poles.
        crs: the CRS of `transform`.
        transform: from pixels to the CRS.

    Raises:
        GeoreferenceError: a part of it lies nowhere on Earth, or the CRS cannot be used.
    """
    try:
        projection = _projection(crs)
    except (CRSError, ProjError) as error:
        raise GeoreferenceError(f"cannot use the CRS {crs[:60]} ({error})") from error
    west, north, east, south = geometry.bounds
    extent = max(east - west, south - north)
    dense = geometry.segmentize(extent / (EDGE_POINTS - 1)) if extent > 0 else geometry

    def forward(points: NDArray[np.float64]) -> NDArray[np.float64]:
        lon, lat = projection.to_degrees.transform(*to_crs(transform, points[:, 0], points[:, 1]))
        if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
            raise GeoreferenceError("a part of it lies nowhere on Earth; check the CRS and the geotransform")
        return np.column_stack([_unwrap(np.asarray(lon)), lat])

    if geometry.geom_type == "Point":
        return shapely.transform(dense, forward)
    parts = [_split(shapely.transform(part, forward)) for part in shapely.get_parts(dense)]
    return _areas(shapely.union_all(parts)).simplify(_STRAIGHT)


def _rings(
    forward: pyproj.Transformer, transform: Affine, areas: NDArray[np.float64], points: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes along the outlines of (n, 4) areas, (n, 4 (points - 1)) each; infinite off the Earth."""
    step = np.linspace(0.0, 1.0, points)[:-1]
    one, zero = np.ones_like(step), np.zeros_like(step)
    col, row, width, height = (areas[:, [place]] for place in range(4))
    cols = col + width * np.concatenate([zero, step, one, 1 - step])
    rows = row + height * np.concatenate([step, one, 1 - step, zero])
    lon, lat = forward.transform(*to_crs(transform, cols.ravel(), rows.ravel()))
    return np.reshape(lon, cols.shape), np.reshape(lat, cols.shape)


def _ring(
    forward: pyproj.Transformer, transform: Affine, area: _Area, points: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes along the window's outline, first point repeated at the end."""
    (lon,), (lat,) = _rings(forward, transform, np.array([area]), points)
    good = np.isfinite(lon) & np.isfinite(lat)
    lon, lat = lon[good], lat[good]
    if lon.size < 3:
        raise GeoreferenceError("its corners lie nowhere on Earth; check the CRS and the geotransform")
    if np.abs(lat).max() > 90.0 + 1e-6 or np.abs(lon).max() > 720.0:
        raise GeoreferenceError(
            f"its corners have longitude {lon[0]:g} and latitude {lat[0]:g}; "
            "its coordinates do not fit the CRS it declares"
        )
    lat = np.clip(lat, -90.0, 90.0)
    return np.append(lon, lon[0]), np.append(lat, lat[0])


def _unwrap(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes without jumps of 360 degrees between neighbours."""
    return np.unwrap(lon, period=360.0)


def _holds_pole(pole: tuple[float, float], transform: Affine, areas: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a pole lies in each of (n, 4) areas or within half a pixel of it."""
    col, row = to_pixel(transform, *pole)
    left, top, width, height = areas.T
    across = (left - 0.5 <= col) & (col <= left + width + 0.5)
    holds: NDArray[np.bool_] = across & (top - 0.5 <= row) & (row <= top + height + 0.5)
    return holds


def _over_pole(lon: NDArray[np.float64], lat: NDArray[np.float64], sign: float) -> BaseGeometry:
    """Close a ring that goes once around a pole: a band from -180 to 180 that reaches the pole."""
    wrapped = (lon[:-1] + 180.0) % 360.0 - 180.0
    order = np.argsort(wrapped)
    x, y = wrapped[order], lat[:-1][order]
    edge = np.interp(180.0, [x[-1], x[0] + 360.0], [y[-1], y[0]])
    pole = 90.0 * sign
    ring = [(-180.0, edge), *zip(x, y, strict=True), (180.0, edge), (180.0, pole), (-180.0, pole)]
    return Polygon(ring)


def _split(polygon: Polygon) -> BaseGeometry:
    """Bring a polygon with unwrapped longitudes into [-180, 180], in parts where it crosses the antimeridian."""
    west, _, east, _ = polygon.bounds
    if west >= -180.0 - _SLACK and east <= 180.0 + _SLACK:
        return shapely.transform(polygon, lambda ring: np.clip(ring, (-180.0, -90.0), (180.0, 90.0)))
    if not polygon.is_valid:
        polygon = _areas(shapely.make_valid(polygon))
    parts: list[BaseGeometry] = []
    for turn in range(int(np.floor((west + 180.0) / 360.0)), int(np.ceil((east + 180.0) / 360.0))):
        part = polygon.intersection(box(360.0 * turn - 180.0, -90.0, 360.0 * turn + 180.0, 90.0))
        if part.area > 0:
            parts.append(translate(part, xoff=-360.0 * turn))
    return _areas(shapely.union_all(parts))


def _areas(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of a geometry, without the points and lines that cutting leaves."""
    polygons = [part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"]
    if not polygons and geometry.geom_type == "GeometryCollection":
        polygons = [
            p for part in shapely.get_parts(geometry) for p in shapely.get_parts(part) if p.geom_type == "Polygon"
        ]
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
