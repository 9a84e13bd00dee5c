"""SatCLIP's and GeoCLIP's location encoders, module trees and keys as published.

Both take (N, 2) places, longitude and latitude in degrees, already checked (`swath.lonlat.as_lonlat`), and work out
positions in float64 before they go over to the precision of the weights: a SIREN multiplies errors by 30, Fourier
features of sigma 256 by more than 1,000.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar, Literal, cast

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from swath.models.location.harmonics import MAX_DEGREES, spherical_harmonics

Harmonics = Literal["orthonormal", "analytic", "closed-form"]
"""Which scaling of the spherical harmonics a SIREN was trained on.

- ``orthonormal``: as `spherical_harmonics` gives them.
- ``analytic``: SatCLIP's generated file, on which its published weights were trained: order 0 is pi times too large
  (its generator writes ``sqrt((2 l + 1) / 4 * pi)`` where ``sqrt((2 l + 1) / (4 pi))`` is meant).
- ``closed-form``: SatCLIP's other function: with the Condon-Shortley sign (-1)**m.
"""

FIRST_FREQUENCY = 30.0
"""Factor on the first sine's argument (Sitzmann et al., "Implicit Neural Representations with Periodic Activation
Functions", 2020, section 3.2); SatCLIP's too."""

FIRST_WEIGHT = "nnet.layers.0.weight"
"""Key of a SIREN's first weight."""

DROPOUT = 0.5
"""SatCLIP's, on the argument of every sine while training."""

EQUAL_EARTH = (1.340264, -0.081106, 0.000893, 0.003796)
"""Coefficients A1 to A4 of the Equal Earth projection (Savric, Patterson and Jenny, 2018)."""

EQUAL_EARTH_SCALE = 66.50336
"""GeoCLIP's scale: longitude 180 on the equator comes to x = 180 before the division by 180."""


class SatCLIPOptions(BaseModel):
    """Options of the ``satclip`` location encoder.

    Attributes:
        legendre_polys: degrees of spherical harmonics L; L * L features (published: 10 and 40).
        num_hidden_layers: sine layers.
        capacity: their width.
        harmonics: see `Harmonics`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    legendre_polys: int = Field(default=10, ge=1, le=MAX_DEGREES)
    num_hidden_layers: int = Field(default=2, ge=1)
    capacity: int = Field(default=512, ge=1)
    harmonics: Harmonics = "orthonormal"


class GeoCLIPOptions(BaseModel):
    """Options of the ``geoclip`` location encoder.

    Attributes:
        sigmas: standard deviation of each branch's random frequencies, when they are drawn.
        frequencies: random frequencies a branch.
        capacity: width of the three hidden layers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sigmas: tuple[float, ...] = Field(default=(1.0, 16.0, 256.0), min_length=1)
    frequencies: int = Field(default=256, ge=1)
    capacity: int = Field(default=1024, ge=1)


class SatCLIPEncoder(nn.Module):
    """Spherical harmonics and a SIREN (Klemmer et al., "SatCLIP", 2023).

    Args:
        options: sizes.
        width: length of the vectors (published: 256).
    """

    kind: ClassVar[str] = "satclip"

    def __init__(self, options: SatCLIPOptions, width: int = 256) -> None:
        super().__init__()
        self.options = options
        self.width = width
        self.nnet = _SirenNet(options.legendre_polys**2, options.capacity, width, options.num_hidden_layers)

    def forward(self, lonlat: Tensor) -> Tensor:
        """Encode checked places (N, 2), degrees, to (N, width), not normalised."""
        weight = self.nnet.last_layer.weight
        features = spherical_harmonics(lonlat, self.options.legendre_polys, weight.dtype)
        if self.options.harmonics != "orthonormal":
            scale = harmonic_scale(self.options.harmonics, self.options.legendre_polys)
            features = features * scale.to(weight)
        return cast(Tensor, self.nnet(features))


class GeoCLIPEncoder(nn.Module):
    """Equal Earth positions, random Fourier features of several scales, one MLP each, summed (Vivanco et al., 2023).

    Unlike SatCLIP's it has a seam at the antimeridian, and a pole has a vector for each longitude.

    Args:
        options: sizes.
        width: length of the vectors (published: 512).
    """

    kind: ClassVar[str] = "geoclip"

    def __init__(self, options: GeoCLIPOptions, width: int = 512) -> None:
        super().__init__()
        self.options = options
        self.width = width
        for index, sigma in enumerate(options.sigmas):
            self.add_module(f"LocEnc{index}", _Capsule(sigma, options, width))

    def forward(self, lonlat: Tensor) -> Tensor:
        """Encode checked places (N, 2), degrees, to (N, width), not normalised."""
        position = equal_earth(lonlat)
        return torch.stack([branch(position) for branch in self.children()]).sum(dim=0)


LocationEncoder = SatCLIPEncoder | GeoCLIPEncoder
"""A location encoder without projection."""


def harmonic_scale(harmonics: Harmonics, degrees: int) -> Tensor:
    """(L * L,) float64: what the orthonormal harmonics are multiplied by (see `Harmonics`)."""
    orders = torch.cat([torch.arange(-degree, degree + 1) for degree in range(degrees)])
    scale = torch.ones(len(orders), dtype=torch.float64)
    if harmonics == "analytic":
        scale[orders == 0] = math.pi
    elif harmonics == "closed-form":
        scale[orders % 2 == 1] = -1.0
    return scale


def on_analytic(weight: Tensor, options: SatCLIPOptions) -> Tensor:
    """A SIREN's first weight (C, L * L) such that it gives on analytic harmonics what it gave on its own."""
    own, analytic = (harmonic_scale(kind, options.legendre_polys) for kind in (options.harmonics, "analytic"))
    return (weight.double() * (own / analytic)).to(weight)


def equal_earth(lonlat: Tensor) -> Tensor:
    """GeoCLIP's Equal Earth positions.

    Args:
        lonlat: (N, 2) degrees: swath's axis order; GeoCLIP's own function takes latitude first.

    Returns:
        (N, 2) float64 x and y; x is within -1 to 1, y within about -0.487 to 0.487.
    """
    a1, a2, a3, a4 = EQUAL_EARTH
    lon, lat = torch.deg2rad(lonlat.double()).unbind(-1)
    theta = torch.asin(math.sqrt(3) / 2 * torch.sin(lat))
    slope = 9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1
    x = 2 * math.sqrt(3) * lon * torch.cos(theta) / (3 * slope)
    y = a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta
    return torch.stack([x, y], dim=-1) * (EQUAL_EARTH_SCALE / 180)


class _Sine(nn.Linear):
    """A linear layer and a sine."""

    def __init__(self, width_in: int, width_out: int, frequency: float, bound: float) -> None:
        super().__init__(width_in, width_out)
        self.frequency = frequency
        _draw(self, bound)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.sin(self.frequency * F.dropout(super().forward(inputs), DROPOUT, self.training))


class _SirenNet(nn.Module):
    def __init__(self, width_in: int, capacity: int, width_out: int, layers: int) -> None:
        super().__init__()
        bound = math.sqrt(6 / capacity)
        first = _Sine(width_in, capacity, FIRST_FREQUENCY, 1 / width_in)
        self.layers = nn.ModuleList([first, *(_Sine(capacity, capacity, 1.0, bound) for _ in range(layers - 1))])
        self.last_layer = nn.Linear(capacity, width_out)
        _draw(self.last_layer, bound)

    def forward(self, features: Tensor) -> Tensor:
        for layer in self.layers:
            features = layer(features)
        return cast(Tensor, self.last_layer(features))


class _Fourier(nn.Module):
    """Cosines and sines of random frequencies (Tancik et al., 2020)."""

    b: Tensor

    def __init__(self, sigma: float, frequencies: int) -> None:
        super().__init__()
        # A buffer, as it is never trained; its key is that of the published parameter.
        self.register_buffer("b", torch.randn(frequencies, 2) * sigma)

    def forward(self, position: Tensor) -> Tensor:
        phase = 2 * math.pi * position @ self.b.double().T
        return torch.cat([torch.cos(phase), torch.sin(phase)], dim=-1).to(self.b.dtype)


class _Capsule(nn.Module):
    def __init__(self, sigma: float, options: GeoCLIPOptions, width: int) -> None:
        super().__init__()
        sizes = (2 * options.frequencies, *[options.capacity] * 3)
        layers: list[nn.Module] = [_Fourier(sigma, options.frequencies)]
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.capsule = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(options.capacity, width))

    def forward(self, position: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.capsule(position)))


def _draw(layer: nn.Linear, bound: float) -> None:
    nn.init.uniform_(layer.weight, -bound, bound)
    nn.init.uniform_(layer.bias, -bound, bound)
