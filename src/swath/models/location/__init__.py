"""Location encoders: places (lon, lat) in degrees to vectors. SatCLIP and GeoCLIP, and files in their layouts."""

from __future__ import annotations

from swath.models.location.encoders import (
    GeoCLIPEncoder,
    GeoCLIPOptions,
    LocationEncoder,
    SatCLIPEncoder,
    SatCLIPOptions,
    equal_earth,
)
from swath.models.location.harmonics import spherical_harmonics
from swath.models.location.published import read_published, write_published
from swath.models.location.tower import LocationTower, attach_location

__all__ = [
    "GeoCLIPEncoder",
    "GeoCLIPOptions",
    "LocationEncoder",
    "LocationTower",
    "SatCLIPEncoder",
    "SatCLIPOptions",
    "attach_location",
    "equal_earth",
    "read_published",
    "spherical_harmonics",
    "write_published",
]
