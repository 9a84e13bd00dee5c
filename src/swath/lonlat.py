"""The one axis order of places in swath: (longitude, latitude) in degrees, checked where values come in.

The field has both orders (SatCLIP takes lon, lat; GeoCLIP lat, lon), and a swapped pair is often a valid place
somewhere else. What cannot be a place is refused here, with the likely cause; what is one comes out in one form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from swath.errors import InputError


def as_lonlat(points: ArrayLike, name: str = "points") -> NDArray[np.float64]:
    """Check places and bring their longitudes to -180 (included) to 180 (excluded).

    Args:
        points: (N, 2) longitude and latitude in degrees; longitudes may count from -180 to 180 or from 0 to 360.
        name: what the values are called in errors.

    Returns:
        (N, 2) float64, a new array. The meridian 180 is -180, so each meridian has one longitude.

    Raises:
        InputError: not (N, 2) numbers, not finite, or out of range; the message names the first such row.
    """
    values = _table(points, name, "longitude and latitude")
    lon, lat = values.T
    _refuse(~(np.isfinite(lon) & np.isfinite(lat)), values, name, "is not finite")
    _refuse(np.abs(lat) > 90, values, name, _latitude_hint(lon, lat))
    _refuse((lon < -180) | (lon > 360), values, name, "has a longitude outside -180 to 360")
    values[:, 0] = np.where(lon >= 180, lon - 360, lon)
    return values


def from_latlon(points: ArrayLike, name: str = "points") -> NDArray[np.float64]:
    """Places given as (latitude, longitude), as GeoCLIP's tables are, in swath's order.

    Raises:
        InputError: as `as_lonlat`, with rows shown in swath's order.
    """
    return as_lonlat(_table(points, name, "latitude and longitude")[:, ::-1], name)


def _table(points: ArrayLike, name: str, columns: str) -> NDArray[np.float64]:
    """A float64 copy of an (N, 2) table of numbers."""
    try:
        values = np.array(points, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers, {columns} in degrees: {error}") from error
    if values.ndim != 2 or values.shape[1] != 2:
        raise InputError(f"{name} must be (N, 2): {columns} in degrees; got shape {values.shape}")
    return values


def _latitude_hint(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> str:
    # Swapping must mend every row, or the cause is another.
    swapped = bool(np.all(np.abs(lon) <= 90) and np.all((lat >= -180) & (lat <= 360)))
    hint = "; lat and lon look swapped: the order is (lon, lat)" if swapped else ""
    return f"has a latitude outside -90 to 90{hint}"


def _refuse(wrong: NDArray[np.bool_], values: NDArray[np.float64], name: str, why: str) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        lon, lat = values[row]
        more = int(wrong.sum()) - 1
        others = f" (and {more} more)" if more else ""
        raise InputError(f"row {row} of {name}{others}, lon {lon:g}, lat {lat:g}, {why}")
