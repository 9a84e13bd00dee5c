"""Real spherical harmonics of places, by a recurrence that neither overflows nor cancels.

Closed forms and generated polynomials (SatCLIP's file of them has 11 MB) lose all digits near the poles from about
degree 30 on. Here the *fully normalised* associated Legendre functions are run up in degree for all orders at once
(Holmes and Featherstone, "A unified approach to the Clenshaw summation and the recursive computation of very high
degree and order normalised associated Legendre functions", Journal of Geodesy 76, 2002, equations 11 to 13).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from swath.errors import InputError

MAX_DEGREES = 1000
"""Beyond some 1,900 the start values of high orders underflow away from the poles too."""


def spherical_harmonics(lonlat: Tensor, degrees: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Orthonormal real spherical harmonics of degree 0 to `degrees` - 1.

    With phi = lon + 180, theta = lat + 90 (so theta counts from the *south* pole, as SatCLIP has it), and P the
    Legendre functions without the Condon-Shortley sign, normalised such that the squared integral over the sphere is 1:

        Y(l, m) = sqrt(2) P(l, |m|)(cos theta) sin(|m| phi)   for m < 0
                = P(l, 0)(cos theta)                          for m = 0
                = sqrt(2) P(l, m)(cos theta) cos(m phi)       for m > 0

    Args:
        lonlat: (N, 2) degrees; computed in float64 whatever its type.
        degrees: the number of degrees L (SatCLIP's ``legendre_polys``), 1 to 1,000.
        dtype: type of the result; each value is rounded once.

    Returns:
        (N, L * L): degree l in columns l * l to (l + 1)**2 - 1, there the orders m = -l to l. A pole has one value
        whatever its longitude, and the meridians -180 and 180 are one, exactly.

    Raises:
        InputError: `degrees` is out of range.
    """
    if not 1 <= degrees <= MAX_DEGREES:
        raise InputError(f"spherical harmonics need 1 to {MAX_DEGREES} degrees, got {degrees}")
    lon, lat = lonlat.double().unbind(-1)
    # cos(theta) and sin(theta) straight from the latitude: the cosine of a rounded right angle is not zero.
    z = -torch.sin(torch.deg2rad(lat))
    s = torch.where(lat.abs() == 90, 0.0, torch.cos(torch.deg2rad(lat)))
    phi = torch.deg2rad(torch.remainder(lon + 180, 360))
    angles = torch.arange(1, degrees, device=lon.device, dtype=torch.float64)[:, None] * phi
    cosines, sines = math.sqrt(2) * torch.cos(angles), math.sqrt(2) * torch.sin(angles)

    # One row a harmonic while filling, so that every operation runs over contiguous places.
    out = torch.empty(degrees * degrees, len(lon), dtype=dtype, device=lon.device)
    before, row = z.new_empty(0, len(z)), torch.full_like(z, math.sqrt(1 / (4 * math.pi)))[None]
    for degree in range(degrees):
        if degree:
            before, row = row, _next_degree(degree, row, before, z, s)
        block = out[degree * degree : (degree + 1) ** 2]
        block[degree] = row[0]
        block[degree + 1 :] = row[1:] * cosines[:degree]
        block[:degree] = (row[1:] * sines[:degree]).flip(0)
    return out.T


def _next_degree(degree: int, row: Tensor, before: Tensor, z: Tensor, s: Tensor) -> Tensor:
    """(l + 1, N) normalised Legendre functions of degree l, orders 0 to l, from those of the two degrees before."""
    found = z.new_empty(degree + 1, len(z))
    if degree > 1:
        m = torch.arange(degree - 1, device=z.device, dtype=torch.float64)[:, None] ** 2
        a = torch.sqrt((4 * degree**2 - 1) / (degree**2 - m))
        b = torch.sqrt(((degree - 1) ** 2 - m) / (4 * (degree - 1) ** 2 - 1))
        found[:-2] = a * (z * row[:-1] - b * before)
    found[-2] = math.sqrt(2 * degree + 1) * z * row[-1]
    found[-1] = math.sqrt((2 * degree + 1) / (2 * degree)) * s * row[-1]
    return found
