"""What is known of one image inside a container file before its pixels are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from affine import Affine

MAX_VALUES = 1 << 27
"""Values of one image at most (512 MiB as float32)."""

SENSOR_TAG = "swath:sensor"
"""Tag that names the sensor, where the container says it."""


@dataclass(frozen=True, slots=True)
class Member:
    """The header of one image inside a container.

    Attributes:
        shape: (bands, H, W) as stored.
        dtype: numpy name of the pixel type.
        indexes: 1-based numbers of the stored bands that count.
        names: one name a band that counts; empty where the container names none.
        crs: ``EPSG:32633`` or WKT; None without georeference.
        transform: pixel (col, row) to CRS coordinates.
        datetime: acquisition time; None where unknown.
        tags: what else the container says.
    """

    shape: tuple[int, int, int]
    dtype: str
    indexes: tuple[int, ...]
    names: tuple[str, ...] = ()
    crs: str | None = None
    transform: Affine = Affine.identity()  # noqa: RUF009 - Affine is immutable
    datetime: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
