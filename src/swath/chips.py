"""The image values that cross rooms: `SceneRef`, `Window`, `Footprint`, `Chip`, `Pixels`. numpy only, no file access.

A `Chip` is a *reference* to pixels (scene, window, sensor) that can be hashed, sent to another process and read later;
`swath.raster.read_chip` turns it into `Pixels`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from swath.sensors import Sensor, sensor


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels: (col, row) of its upper left corner, width and height, all in pixels of the scene grid."""

    col: int
    row: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.col < 0 or self.row < 0 or self.width < 1 or self.height < 1:
            raise ValueError(f"not a window: {self}")

    def to_list(self) -> list[int]:
        """The window as ``[col, row, width, height]``."""
        return [self.col, self.row, self.width, self.height]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where a chip or scene lies.

    Attributes:
        geometry: polygon or multipolygon in EPSG:4326 (lon, lat); split at the antimeridian.
        crs: the scene's own CRS (``EPSG:32611`` or WKT).
    """

    geometry: BaseGeometry
    crs: str

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees; west > east across the antimeridian (RFC 7946)."""
        west, south, east, north = self.geometry.bounds
        if self.crosses_antimeridian:
            parts = [part.bounds for part in getattr(self.geometry, "geoms", [self.geometry])]
            west = min(b[0] for b in parts if b[0] >= 0)
            east = max(b[2] for b in parts if b[0] < 0)
        return west, south, east, north

    @property
    def crosses_antimeridian(self) -> bool:
        """Whether the footprint lies on both sides of 180 degrees."""
        west, _, east, _ = self.geometry.bounds
        return bool(self.geometry.geom_type == "MultiPolygon" and west == -180.0 and east == 180.0)

    @property
    def centre(self) -> tuple[float, float]:
        """(lon, lat) of a point inside the footprint."""
        point = self.geometry.representative_point()
        return float(point.x), float(point.y)


@dataclass(frozen=True, slots=True)
class Layer:
    """Where one band of a scene lies.

    Attributes:
        band: the band's name in the scene's sensor.
        href: path or URL of the file that holds it.
        index: 1-based band number in that file; in a palette image 1, 2, 3 are red, green, blue.
        scale: factor from stored numbers to the sensor's units.
        offset: what is added after scaling (-1000 for Sentinel-2 of processing baseline 04.00 and later).
        nodata: stored number that means no data, where the source declares one; None leaves it to the file.
    """

    band: str
    href: str
    index: int
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None


@dataclass(frozen=True, slots=True)
class SceneRef:
    """One scene in a source: enough to find, read and describe it; no pixels.

    Attributes:
        id: the scene's name in its source (STAC item id, relative path).
        href: path or URL of the main file: the first layer's.
        sensor: name of its sensor.
        layers: one entry a band, in the sensor's band order.
        footprint: None for images without georeference.
        datetime: acquisition time (timezone aware); None where unknown.
        properties: what the source says of the scene (STAC properties, class folder); JSON values only.
    """

    id: str
    href: str
    sensor: str
    layers: tuple[Layer, ...]
    footprint: Footprint | None = None
    datetime: datetime | None = None
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Chip:
    """A window of a scene: the unit that is embedded, stored and found.

    Attributes:
        scene: the scene it is cut from.
        window: its rectangle on the scene's pixel grid.
        footprint: where it lies; None for images without georeference.
    """

    scene: SceneRef
    window: Window
    footprint: Footprint | None = None

    @property
    def sensor(self) -> Sensor:
        """The chip's sensor."""
        return sensor(self.scene.sensor)

    @property
    def id(self) -> str:
        """A stable name: 128 bits of SHA-256 over source, window and sensor, in hexadecimal."""
        key = "\n".join([self.scene.href, self.scene.sensor, *map(str, self.window.to_list())])
        return hashlib.sha256(key.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Pixels:
    """A chip's pixels.

    Attributes:
        data: (bands, H, W) in the sensor's units and band order.
        valid: (H, W) False where there is no data.
        sensor: what the numbers mean.
    """

    data: NDArray[np.generic]
    valid: NDArray[np.bool_]
    sensor: Sensor
    _rgb: list[NDArray[np.uint8]] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.sensor.check(self.data)
        if self.valid.shape != self.data.shape[1:]:
            raise ValueError(f"valid has shape {self.valid.shape}, pixels {self.data.shape}")

    @property
    def valid_share(self) -> float:
        """Share of valid pixels, 0 to 1."""
        return np.count_nonzero(self.valid) / max(1, self.valid.size)

    def to_rgb(self) -> NDArray[np.uint8]:
        """(3, H, W) uint8 picture, see `Sensor.to_rgb`; rendered once for all who ask, so it is read-only."""
        if not self._rgb:
            picture = self.sensor.to_rgb(self.data, self.valid).view()  # its flags are not those of `data`
            picture.flags.writeable = False
            self._rgb.append(picture)
        return self._rgb[0]
