"""What an archive holds of each sensor: how many chips, where, and from when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from swath.archive.places import covering_longitudes
from swath.archive.schema import BOUNDS
from swath.archive.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Extent:
    """What there is of one sensor.

    Attributes:
        rows: chips.
        bbox: (west, south, east, north) of what is georeferenced; west > east across the antimeridian.
        interval: first and last acquisition time, of those that are known.
    """

    rows: int
    bbox: tuple[float, float, float, float] | None
    interval: tuple[datetime, datetime] | None


def extents(snapshot: Snapshot) -> dict[str, Extent]:
    """The extent of each sensor that has rows, by name."""
    query = snapshot.table.search().select(["sensor", "datetime", *BOUNDS]).limit(None)
    with snapshot.reading():
        found = query.to_arrow()
    return {name: _extent(found.filter(pc.equal(found["sensor"], name))) for name in snapshot.sensors}


def bounding_box(found: pa.Table) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) around the bounds of rows; west > east across the antimeridian."""
    located = found.filter(pc.is_valid(found["minx"]))
    if located.num_rows == 0:
        return None
    west, south, east, north = (located[name].to_numpy() for name in BOUNDS)
    low, high = covering_longitudes(west, east)
    return low, float(south.min()), high, float(north.max())


def _extent(found: pa.Table) -> Extent:
    times = pc.min_max(found["datetime"]).as_py()
    interval = None if times["min"] is None else (times["min"], times["max"])
    return Extent(found.num_rows, bounding_box(found), interval)
