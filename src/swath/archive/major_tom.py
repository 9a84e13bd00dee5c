"""The grid of Major TOM (Francis & Czerkawski 2024, arXiv:2402.12095): cells of about 10 km that every archive shares.

Rows have equal height; each row is divided into as many columns as fit its circle of latitude. A cell is called by its
row, counted up (U) or down (D) from the equator, and its column, counted right (R) or left (L) from Greenwich.
"""

from __future__ import annotations

import math

_RADIUS_KM = 6378.137
_CELL_KM = 10.0
_HIGHEST = 85.0


def cell(lon: float, lat: float) -> tuple[str, int, int] | None:
    """The cell that a place lies in; what lies on an edge belongs to the cell below, or left of it.

    Args:
        lon: degrees.
        lat: degrees.

    Returns:
        its name (``487U_53R``), row and column, negative below the equator and left of Greenwich; None beyond 85
        degrees, where the grid ends.
    """
    if not (-_HIGHEST <= lat <= _HIGHEST and -180.0 <= lon <= 180.0):
        return None
    row = _division(lat, 180.0 / math.ceil(math.pi * _RADIUS_KM / _CELL_KM), 90.0)
    height = 180.0 / math.ceil(math.pi * _RADIUS_KM / _CELL_KM)
    circle = 2 * math.pi * _RADIUS_KM * math.cos(math.radians(row * height))
    column = _division(lon, 360.0 / math.ceil(circle / _CELL_KM), 180.0)
    return f"{abs(row)}{'D' if row < 0 else 'U'}_{abs(column)}{'L' if column < 0 else 'R'}", row, column


def _division(degrees: float, step: float, end: float) -> int:
    """The number of the division whose lower edge is the last below a value."""
    lowest = -math.floor(end / step)
    return max(lowest, math.ceil(degrees / step) - 1)
