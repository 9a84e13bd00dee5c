from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from generate.models import VIT, tiny_config, tiny_model
from swath.bands import RGB_BANDS, S1_BANDS, S2_L1C_BANDS, S2_L2A_BANDS
from swath.errors import CheckpointError, InputError
from swath.models.stems import adapt_state, adapt_stem, stem_key, usual_bands

ALL = (RGB_BANDS, S1_BANDS, S2_L2A_BANDS, S2_L1C_BANDS)


def filters(bands, seed=0):
    return torch.randn(5, len(bands), 3, 3, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([RGB_BANDS, S1_BANDS]), st.sampled_from(ALL), st.integers(0, 99))
def test_a_grey_scene_keeps_its_activations(source, target, seed):
    weight = filters(source, seed)
    grey = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(seed + 1))
    before = F.conv2d(grey.expand(-1, len(source), -1, -1), weight)
    after = F.conv2d(grey.expand(-1, len(target), -1, -1), adapt_stem(weight, source, target))
    if set(source) == set(RGB_BANDS) or target in (RGB_BANDS, S1_BANDS):
        torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


def test_colours_keep_their_filters_and_others_take_the_mean():
    weight = filters(RGB_BANDS)
    found = adapt_stem(weight, RGB_BANDS, S2_L2A_BANDS) * (12 / 3)
    for band, name in ((0, "B4"), (1, "B3"), (2, "B2")):
        torch.testing.assert_close(found[:, S2_L2A_BANDS.index(name)], weight[:, band])
    for name in ("B1", "B8", "B12"):
        torch.testing.assert_close(found[:, S2_L2A_BANDS.index(name)], weight.mean(1))
    radar = adapt_stem(weight, RGB_BANDS, S1_BANDS) * (2 / 3)
    torch.testing.assert_close(radar, weight.mean(1, keepdim=True).expand(-1, 2, -1, -1))


@settings(max_examples=20, deadline=None)
@given(st.permutations(S2_L1C_BANDS))
def test_another_order_is_the_same_filters_turned_round(order):
    weight, images = filters(S2_L1C_BANDS), torch.randn(1, 13, 6, 6)
    turned = adapt_stem(weight, S2_L1C_BANDS, order)
    seen = images[:, [S2_L1C_BANDS.index(name) for name in order]]
    torch.testing.assert_close(F.conv2d(seen, turned), F.conv2d(images, weight), atol=1e-4, rtol=1e-4)


def test_a_band_left_out_without_rescaling_is_a_band_of_zeros():
    weight, twelve = filters(S2_L1C_BANDS), torch.randn(2, 12, 6, 6)
    zero = torch.cat([twelve[:, :10], torch.zeros(2, 1, 6, 6), twelve[:, 10:]], dim=1)
    narrow = adapt_stem(weight, S2_L1C_BANDS, S2_L2A_BANDS, rescale=False)
    torch.testing.assert_close(F.conv2d(twelve, narrow), F.conv2d(zero, weight), atol=1e-5, rtol=1e-5)


def test_the_same_bands_are_left_alone():
    weight = filters(RGB_BANDS).to(torch.float16)
    assert adapt_stem(weight, RGB_BANDS, ("B4", "B3", "B2")) is weight


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (S1_BANDS, RGB_BANDS, "are not for 2 bands"),
        (RGB_BANDS, (), "each once, not: none"),
        (RGB_BANDS, ("B4", "red"), "each once, not: B4, red"),
    ],
)
def test_bands_that_cannot_be(source, target, message):
    with pytest.raises(InputError, match=message):
        adapt_stem(filters(RGB_BANDS), source, target)


@pytest.mark.parametrize(
    "tower", [VIT, {"type": "convnet", "image_size": 32, "widths": [8], "depths": [1], "hidden": 16}]
)
def test_a_tower_of_other_bands_starts_from_an_rgb_tower(tower):
    first = tiny_model(tiny_config(towers={"rgb": tower}))
    entry = {"tower": "s2", "input": "bands"}
    second = tiny_model(tiny_config(towers={"s2": tower | {"bands": 12}}, sensors={"s2-l2a": entry}), seed=1)
    state = adapt_state(first.towers["rgb"].state_dict(), RGB_BANDS, S2_L2A_BANDS)
    second.towers["s2"].load_state_dict(state)
    grey = torch.randn(2, 1, 32, 32)
    one = first.encode_images(grey.expand(-1, 3, -1, -1), "rgb").pooled
    two = second.encode_images(grey.expand(-1, 12, -1, -1), "s2-l2a").pooled
    torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


def test_a_state_without_a_first_layer():
    with pytest.raises(CheckpointError, match="no first layer among 1 weights"):
        adapt_state({"proj.weight": torch.zeros(2, 2)}, RGB_BANDS, S1_BANDS)
    assert stem_key({"backbone.conv1.weight": filters(RGB_BANDS), "x": torch.zeros(1)}) == "backbone.conv1.weight"


def test_bands_where_nobody_names_them():
    assert [usual_bands(count) for count in (2, 3, 12, 13, 7)] == [
        S1_BANDS,
        RGB_BANDS,
        S2_L2A_BANDS,
        S2_L1C_BANDS,
        None,
    ]
