"""`Filters`: what a hit must satisfy. One SQL text for Lance and its indexes, then an exact test on footprints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from swath.archive.conditions import Condition
from swath.archive.interval import Instant, Interval, parse_interval
from swath.archive.places import Box, box_around, box_geometry, footprint_distance_km, read_box, read_geometry
from swath.archive.where import compile_where
from swath.errors import InputError, QueryError, SensorError
from swath.sensors import matching


@dataclass(frozen=True, slots=True, eq=False)
class Circle:
    """All places within a distance of a point."""

    lon: float
    lat: float
    radius_km: float


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns that filters read, in memory.

    Attributes:
        bounds: (N, 4) minx, miny, maxx, maxy; NaN without georeference.
        times: (N,) microseconds since 1970; `NO_TIME` where unknown.
        sensors: (N,) names.
    """

    bounds: NDArray[np.float64]
    times: NDArray[np.int64]
    sensors: NDArray[np.str_]


NO_TIME = np.iinfo(np.int64).min


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """Conditions on rows; all of them must hold.

    Rows without georeference never satisfy a spatial condition, rows without a date never satisfy one on time.

    Attributes:
        box: the footprint touches this box.
        geometry: the footprint touches this geometry (EPSG:4326).
        circle: the footprint comes within a distance of a place.
        interval: the acquisition time lies in it, ends included.
        sensors: names of sensors.
        where: SQL made by `compile_where`.
    """

    box: Box | None = None
    geometry: BaseGeometry | None = None
    circle: Circle | None = None
    interval: Interval | None = None
    sensors: tuple[str, ...] = ()
    where: str | None = None

    @classmethod
    def read(
        cls,
        bbox: Sequence[float] | None = None,
        geometry: BaseGeometry | Mapping[str, Any] | str | Path | None = None,
        datetime: Instant | tuple[Instant | None, Instant | None] | None = None,
        sensor: str | Sequence[str] | None = None,
        where: str | Condition | None = None,
        circle: Circle | None = None,
    ) -> Filters:
        """Check what a user wrote.

        Raises:
            QueryError: with the value at fault and what to write instead.
        """
        wanted = [sensor] if isinstance(sensor, str) else list(sensor or [])
        try:
            sensors = tuple(dict.fromkeys(name for item in wanted for name in matching(item)))
        except SensorError as error:
            raise QueryError(str(error)) from error
        return cls(
            box=None if bbox is None else read_box(bbox),
            geometry=None if geometry is None else read_geometry(geometry),
            circle=circle,
            interval=None if datetime is None else parse_interval(datetime),
            sensors=sensors,
            where=where.sql if isinstance(where, Condition) else None if where is None else compile_where(where),
        )

    @property
    def is_spatial(self) -> bool:
        """Whether footprints must be tested after the SQL."""
        return self.box is not None or self.geometry is not None or self.circle is not None

    def sql(self) -> str | None:
        """The condition for Lance: exact but for space, where it lets through every footprint whose bounds may touch.

        Returns:
            SQL, or None where there is nothing to filter by.
        """
        parts = [_touches(box) for box in self._boxes()]
        if self.interval is not None:
            start, end = self.interval
            parts += [f"datetime >= TIMESTAMP '{start.isoformat()}'"] if start else []
            parts += [f"datetime <= TIMESTAMP '{end.isoformat()}'"] if end else []
        if self.sensors:
            parts.append("sensor IN ({})".format(", ".join(f"'{name}'" for name in self.sensors)))
        if self.where is not None:
            parts.append(self.where)
        return " AND ".join(parts) or None

    def only(self, sensor: str) -> Filters:
        """The same conditions for one sensor."""
        return replace(self, sensors=(sensor,))

    def _boxes(self) -> list[Box]:
        """Boxes that the bounds of a footprint must touch."""
        boxes = [] if self.box is None else [self.box]
        if self.geometry is not None:
            boxes.append(self.geometry.bounds)
        if self.circle is not None:
            boxes.append(box_around(self.circle.lon, self.circle.lat, self.circle.radius_km))
        return boxes

    def mask(self, columns: Columns) -> NDArray[np.bool_]:
        """What `sql` says, over columns that are in memory; it cannot evaluate `where`.

        Returns:
            (N,) True where a row satisfies it.

        Raises:
            InputError: there is a `where`.
        """
        if self.where is not None:
            raise InputError("a where filter is evaluated by Lance, not in memory")
        keep = np.full(len(columns.times), True)
        for box in self._boxes():
            west, south, east, north = box
            minx, miny, maxx, maxy = columns.bounds.T
            beside = (
                ((minx <= east) & (maxx >= west)) | (maxx >= west + 360)
                if west <= east
                else (maxx >= west) | (minx <= east)
            )
            keep &= (miny <= north) & (maxy >= south) & beside
        if self.interval is not None:
            start, end = self.interval
            keep &= columns.times != NO_TIME
            if start:
                keep &= columns.times >= microseconds(start)
            if end:
                keep &= columns.times <= microseconds(end)
        if self.sensors:
            keep &= np.isin(columns.sensors, self.sensors)
        return keep

    def keeps(self, footprints: NDArray[np.object_]) -> NDArray[np.bool_]:
        """The exact spatial test.

        Args:
            footprints: (N,) shapely geometries in EPSG:4326; None where there is no georeference.

        Returns:
            (N,) True where every spatial condition holds.
        """
        keep = np.full(len(footprints), True)
        if not self.is_spatial:
            return keep
        keep = np.array([footprint is not None for footprint in footprints], dtype=bool)
        for area in (None if self.box is None else box_geometry(self.box), self.geometry):
            if area is not None:
                shapely.prepare(area)
                keep &= shapely.intersects(area, footprints)
        if self.circle is not None:
            near = np.flatnonzero(keep)
            distance = footprint_distance_km(self.circle.lon, self.circle.lat, footprints[near])
            keep[near] = distance <= self.circle.radius_km
        return keep


def _touches(box: Box) -> str:
    """SQL for bounds that touch a box; `maxx` of a footprint across the antimeridian lies above 180."""
    west, south, east, north = box
    rows = f"miny <= {north!r} AND maxy >= {south!r}"
    if west <= east:
        return f"({rows} AND ((minx <= {east!r} AND maxx >= {west!r}) OR maxx >= {west + 360!r}))"
    return f"({rows} AND (maxx >= {west!r} OR minx <= {east!r}))"
