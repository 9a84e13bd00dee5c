from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generate.captions import picture
from generate.models import tiny_config, tiny_model, two_towers
from swath.chips import Pixels
from swath.errors import SensorError
from swath.models.config import TowerConfig
from swath.models.preprocess import WindowPreparer, prepare, prepare_bands, prepare_picture
from swath.sensors import SENSORS, sensor


def chip(name, height=40, width=40, seed=0):
    rng = np.random.default_rng(seed)
    made = sensor(name)
    low, high = made.stretch
    data = rng.uniform(low, high, (len(made.bands), height, width)).astype(np.float32)
    if made.units == "dn8":
        data = data.astype(np.uint8)
    return Pixels(data, np.ones((height, width), dtype=bool), made)


@pytest.mark.parametrize("name", sorted(SENSORS))
def test_every_sensor_through_a_wildcard(name):
    made = chip(name, 50, 30)
    found = tiny_model().prepare(made)
    assert found.shape == (3, 32, 32)
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()


def test_rgb_values_are_normalised_with_the_towers_statistics():
    data = np.full((3, 32, 32), 51, dtype=np.uint8)
    made = Pixels(data, np.ones((32, 32), dtype=bool), sensor("rgb"))
    config = tiny_config(towers={"rgb": {"image_size": 32, "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.25, 1.0)}})
    found = prepare(made, config.route("rgb"), config.towers["rgb"])
    np.testing.assert_allclose(found[:, 5, 5], [(0.2 - 0.1) / 0.5, 0.0, -0.1], atol=1e-6)


def test_bands_are_standardised_by_the_sensor():
    made = chip("s2-l2a", 32, 32)
    model = tiny_model(two_towers())
    found = model.prepare(made)
    assert found.shape == (12, 32, 32)
    np.testing.assert_allclose(found, made.sensor.normalize(made.data), atol=1e-5)


def test_invalid_pixels_of_bands_become_the_mean():
    made = chip("s2-l2a", 32, 32)
    holed = Pixels(made.data, np.arange(1024).reshape(32, 32) % 2 == 0, made.sensor)
    found = tiny_model(two_towers()).prepare(holed)
    assert (found[:, 0, 1::2] == 0).all()
    assert (found[:, 0, ::2] != 0).any()


def test_crop_takes_the_centre_and_squash_everything():
    data = np.zeros((3, 32, 96), dtype=np.uint8)
    data[:, :, 32:64] = 255
    made = Pixels(data, np.ones((32, 96), dtype=bool), sensor("rgb"))
    route = tiny_config().route("rgb")
    crop = prepare(made, route, TowerConfig(image_size=32, resize="crop", mean=(0, 0, 0), std=(1, 1, 1)))
    squash = prepare(made, route, TowerConfig(image_size=32, resize="squash", mean=(0, 0, 0), std=(1, 1, 1)))
    assert (crop == 1).all()
    assert squash.mean().item() == pytest.approx(1 / 3, abs=0.02)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from(["crop", "squash"]), st.integers(1, 40))
def test_any_shape_gives_the_towers_size(height, width, resize, size):
    tower = TowerConfig(image_size=size, bands=2, resize=resize)
    # A constant stays what it was through any resampling.
    found = prepare_bands(torch.full((2, height, width), 3.0), tower)
    assert found.shape == (2, size, size)
    torch.testing.assert_close(found, torch.full((2, size, size), 3.0), atol=1e-4, rtol=0)


def test_bands_and_picture_resize_alike():
    image = picture(1, 96)
    route = tiny_config().route("rgb")
    tower = TowerConfig(image_size=32, resize="squash", mean=(0, 0, 0), std=(1, 1, 1))
    made = Pixels(image.transpose(2, 0, 1), np.ones((96, 96), dtype=bool), sensor("rgb"))
    shown = prepare(made, route, tower)
    bands = prepare_bands(torch.from_numpy(made.data.astype(np.float32)) / 255, tower)
    # Pillow clips what the filter overshoots, and rounds twice.
    assert (shown - bands.clamp(0, 1)).abs().max() < 1.5 / 255


def test_a_sensor_that_the_model_does_not_take():
    with pytest.raises(SensorError, match="takes no images of sensor 's2-l1c'"):
        tiny_model(two_towers()).prepare(chip("s2-l1c"))


def test_threads_give_the_same_tensors():
    model = tiny_model()
    chips = [chip("rgb", 60, 45, seed) for seed in range(24)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(model.prepare, chips))
    for made, tensor in zip(chips, found, strict=True):
        assert torch.equal(model.prepare(made), tensor)


@pytest.mark.parametrize("resize", ["crop", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [24, 40, 64])
def test_a_grey_picture_is_resized_once_to_the_very_same_values(resize, interpolation, size):
    tower = TowerConfig(image_size=size, resize=resize, interpolation=interpolation)
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 256, (47, 61), dtype=np.uint8))
    assert torch.equal(prepare_picture(grey, tower), prepare_picture(grey.convert("RGB"), tower))


BOXES = [[0, 0, 100, 100], [3, 11, 35, 43], [40, 50, 110, 120], [7, 0, 27, 20]]


def one_by_one(pixels, config, boxes):
    route = config.route(pixels.sensor)
    cuts = [
        Pixels(pixels.data[:, top:bottom, left:right], pixels.valid[top:bottom, left:right], pixels.sensor)
        for top, left, bottom, right in boxes
    ]
    return torch.stack([prepare(cut, route, config.towers[route.tower]) for cut in cuts])


@pytest.mark.parametrize("name", sorted(SENSORS))
@pytest.mark.parametrize("resize", ["crop", "squash"])
def test_windows_of_a_picture_are_prepared_as_each_alone(name, resize):
    whole = chip(name, 110, 120)
    whole.valid[20:30, 5:60] = False
    config = tiny_config(towers={"rgb": {"image_size": 32, "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.25, 1.0)}})
    config.towers["rgb"] = config.towers["rgb"].model_copy(update={"resize": resize})
    route = config.route(whole.sensor)
    wanted = one_by_one(whole, config, BOXES)
    found = WindowPreparer(whole, route, config.towers["rgb"], torch.float32)(BOXES)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)
    half = WindowPreparer(whole, route, config.towers["rgb"], torch.bfloat16)(BOXES)
    assert half.dtype == torch.bfloat16
    # A grey level, and half a unit in the last place of the number that bfloat16 rounds: the one a level off.
    grey = 1 / 255 / torch.tensor([0.5, 0.25, 1.0])[:, None, None]
    off = (half.float() - wanted).abs()
    assert (off <= grey + half.float().abs() / 256 + 1e-6).all()
    assert (off > wanted.abs() / 256 + 1e-6).float().mean() < 0.01


def test_windows_of_bands_are_prepared_as_each_alone():
    whole, model = chip("s2-l2a", 110, 120), tiny_model(two_towers())
    assert torch.equal(model.window_preparer(whole)(BOXES), one_by_one(whole, model.config, BOXES))


def test_windows_of_a_sensor_that_the_model_does_not_take():
    with pytest.raises(SensorError):
        tiny_model(two_towers()).window_preparer(chip("sar"))


def test_windows_of_one_read_only_pixel(recwarn):
    whole, config = chip("rgb", 1, 1), tiny_config()
    whole.data.flags.writeable = False
    prepared = WindowPreparer(whole, config.route(whole.sensor), config.towers["rgb"], torch.bfloat16)
    torch.set_warn_always(True)
    try:
        found = prepared([[0, 0, 1, 1]])
    finally:
        torch.set_warn_always(False)
    assert found.shape == (1, 3, 32, 32)
    assert not recwarn.list
