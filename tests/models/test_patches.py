from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from generate.models import VIT, tiny_config, tiny_model
from swath.models.patches import PatchConv2d, patch_product, use_products
from swath.models.precision import cast

CONVNET = {"type": "convnet", "image_size": 32, "widths": [16, 32], "depths": [1, 1], "hidden": 32}
SENSORS = {2: "s1-grd", 3: "rgb", 12: "s2-l2a", 13: "s2-l1c"}


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 23), st.integers(1, 23), st.booleans(), st.integers(0, 99))
def test_the_product_is_the_convolution(bands, side, rows, columns, biased, seed):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(2, bands, side + rows, side + columns, generator=generator)
    weight = torch.randn(3, bands, side, side, generator=generator)
    bias = torch.randn(3, generator=generator) if biased else None
    found = patch_product(images, weight, bias)
    torch.testing.assert_close(found, F.conv2d(images, weight, bias, stride=side), atol=1e-4, rtol=1e-4)


def test_only_convolutions_of_large_patches_are_turned():
    kinds = [(16, 16, 0), (4, 4, 0), (2, 2, 0), (7, 4, 0), (3, 1, 1), (4, 4, 1)]
    stack = nn.Sequential(*(nn.Conv2d(3, 3, kernel, stride, padding) for kernel, stride, padding in kinds))
    keys, images = list(stack.state_dict()), torch.randn(1, 3, 64, 64)
    before = [part(images) for part in stack]
    use_products(stack)
    assert [isinstance(part, PatchConv2d) for part in stack] == [True, True, False, False, False, False]
    assert list(stack.state_dict()) == keys
    for part, wanted in zip(stack, before, strict=True):
        torch.testing.assert_close(part(images), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tower", [VIT, CONVNET], ids=["vit", "convnet"])
@pytest.mark.parametrize("bands", sorted(SENSORS))
def test_half_precision_keeps_the_directions_for_any_number_of_bands(tower, bands):
    route = {SENSORS[bands]: {"tower": "t", "input": "bands"}}
    full = tiny_model(tiny_config(towers={"t": tower | {"bands": bands}}, sensors=route))
    half = copy.deepcopy(full)
    cast(half, torch.bfloat16)
    images = torch.randn(3, bands, 32, 32, generator=torch.Generator().manual_seed(0))
    one, two = (model.encode_images(images, SENSORS[bands]).pooled for model in (full, half))
    assert (one * two).sum(1).min() > 0.99
