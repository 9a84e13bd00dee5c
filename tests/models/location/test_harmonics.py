from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.generate.location_files import harmonics

from swath.errors import InputError
from swath.models.location import spherical_harmonics

PLACES = np.array([[0.0, 0.0], [16.4, 48.2], [-179.9, -33.0], [77.0, 89.999], [-60.0, -89.9], [139.7, 35.7], [90, 90]])


def test_equals_scipy_up_to_degree_40():
    rng = np.random.default_rng(0)
    random = np.stack([rng.uniform(-180, 180, 60), np.degrees(np.arcsin(rng.uniform(-1, 1, 60)))], axis=1)
    places = np.concatenate([PLACES, random])
    found = spherical_harmonics(torch.from_numpy(places), 41).numpy()
    assert np.abs(found - harmonics(places, 41)).max() < 1e-10


def test_stays_exact_far_beyond():
    """The addition theorem at degree 400: squares over orders sum to (2 l + 1) / (4 pi) everywhere."""
    found = spherical_harmonics(torch.from_numpy(PLACES), 401)[:, 400 * 400 :]
    assert found.square().sum(dim=1).numpy() == pytest.approx(801 / (4 * math.pi), rel=1e-10)


def test_are_orthonormal_on_the_sphere():
    degrees = 40
    nodes, weights = np.polynomial.legendre.leggauss(degrees)  # exact for products of two harmonics
    lon = np.arange(2 * degrees) * 360 / (2 * degrees) - 180
    places = np.stack(np.meshgrid(lon, np.degrees(np.arcsin(nodes)), indexing="xy"), axis=-1).reshape(-1, 2)
    area = torch.from_numpy(np.repeat(weights, len(lon)) * 2 * math.pi / len(lon))
    values = spherical_harmonics(torch.from_numpy(places), degrees)
    # The Gram matrix on random vectors: all of its entries at a fraction of its price.
    probes = torch.randn(degrees**2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert (values.T @ (area[:, None] * (values @ probes)) - probes).abs().max() < 1e-10


@pytest.mark.parametrize("lat", [-90.0, 90.0])
def test_a_pole_is_one_place(lat):
    lon = torch.tensor([-180.0, -77.7, 0.0, 123.4], dtype=torch.float64)
    values = spherical_harmonics(torch.stack([lon, torch.full_like(lon, lat)], dim=1), 40)
    assert torch.equal(values, values[:1].expand_as(values))
    orders = torch.cat([torch.arange(-degree, degree + 1) for degree in range(40)])
    assert not values[:, orders != 0].any()


@settings(max_examples=30, deadline=None)
@given(st.floats(-90, 90))
def test_the_antimeridian_is_one_line(lat):
    values = spherical_harmonics(torch.tensor([[180.0, lat], [-180.0, lat]], dtype=torch.float64), 12)
    assert torch.equal(values[0], values[1])


def test_one_degree_is_a_constant():
    assert spherical_harmonics(torch.from_numpy(PLACES), 1).numpy() == pytest.approx(math.sqrt(1 / (4 * math.pi)))


def test_a_smaller_type_only_rounds():
    places = torch.from_numpy(PLACES)
    exact = spherical_harmonics(places, 40)
    assert torch.equal(spherical_harmonics(places, 40, torch.float32), exact.float())


@pytest.mark.parametrize("degrees", [0, 1001])
def test_degrees_out_of_range_are_refused(degrees):
    with pytest.raises(InputError, match=str(degrees)):
        spherical_harmonics(torch.from_numpy(PLACES), degrees)
