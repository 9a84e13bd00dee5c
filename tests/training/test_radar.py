"""Speckle and radiometric change are checked in linear power, after undoing what rendering and standardising did."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from generate.models import VIT, tiny_config
from swath.chips import Pixels
from swath.models.config import SensorInput, TowerConfig
from swath.models.preprocess import standardise
from swath.sensors import SENSORS, Sensor
from swath.training.augment import augment
from swath.training.radar import RadarView, disturb, radar_view, speckle_db
from swath.training.recipe import AugmentRecipe, RadiometricRecipe, SpeckleRecipe

RENDERED = SensorInput(tower="rgb")
PLAIN = SensorInput(tower="rgb", input="bands")
TOWER = tiny_config().towers["rgb"]


def view_of(sensor: Sensor, route: SensorInput = RENDERED, tower: TowerConfig = TOWER) -> RadarView | None:
    return radar_view(sensor, route, tower)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rendered(sensor: Sensor, values: list[float], count: int = 2, size: int = 128) -> torch.Tensor:
    """Flat images of given band values, as pictures 0 to 1."""
    data = np.broadcast_to(np.array(values, np.float32)[:, None, None], (len(values), size, size))
    picture = Pixels(data, np.ones((size, size), bool), sensor).to_rgb()
    return torch.from_numpy(picture.astype(np.float32) / 255).expand(count, -1, -1, -1)


def standardised(sensor: Sensor, values: list[float], count: int = 2, size: int = 128) -> torch.Tensor:
    data = np.broadcast_to(np.array(values, np.float32)[:, None, None], (len(values), size, size))
    return torch.from_numpy(sensor.normalize(data)).expand(count, -1, -1, -1)


@pytest.mark.parametrize("looks", [1.0, 2.5, 4.0, 16.0])
def test_speckle_keeps_the_mean_and_has_variance_one_over_looks(looks: float) -> None:
    power = 10 ** (speckle_db((400_000,), looks, generator()) / 10)
    assert power.mean().item() == pytest.approx(1.0, abs=0.01)
    assert power.var().item() == pytest.approx(1 / looks, rel=0.04)


@pytest.mark.parametrize(
    ("name", "values", "step"),
    [("s1-grd", [-10.0, -16.0], 20.0), ("s1-vv", [-10.0], 20.0), ("s1-grd-linear", [0.1, 0.025], 20.0)],
)
def test_pictures_are_speckled_in_linear_power(name: str, values: list[float], step: float) -> None:
    sensor = SENSORS[name]
    view = view_of(sensor)
    assert view is not None
    before = rendered(sensor, values)
    after = disturb(before, view, generator(), SpeckleRecipe(looks=32, chance=1), None)
    ratio = 10 ** ((after - before) * step / 10)
    for channel in range(2 if len(values) == 2 else 1):
        assert ratio[:, channel].mean().item() == pytest.approx(1.0, abs=0.02)
        assert ratio[:, channel].var().item() == pytest.approx(1 / 32, rel=0.06)
    if len(values) == 2:
        change = after - before
        assert torch.corrcoef(torch.stack([change[:, 0].flatten(), change[:, 1].flatten()]))[0, 1].abs() < 0.03
        # The third channel shows VV / VH, over 15 dB.
        expected = (change[:, 0] - change[:, 1]) * step / 15
        torch.testing.assert_close(change[:, 2], expected, atol=1e-5, rtol=0)
    else:
        assert torch.equal(after[:, 0], after[:, 2])


@pytest.mark.parametrize(("name", "values"), [("s1-grd", [-12.0, -19.0]), ("s1-grd-linear", [0.1, 0.02])])
def test_bands_are_speckled_in_linear_power(name: str, values: list[float]) -> None:
    sensor = SENSORS[name]
    view = view_of(sensor, PLAIN)
    assert view is not None
    before = standardised(sensor, values)
    after = disturb(before, view, generator(), SpeckleRecipe(looks=4, chance=1), None)
    for number, band in enumerate(sensor.bands):
        ratio = 10 ** ((after - before)[:, number] * band.std / 10)
        assert ratio.mean().item() == pytest.approx(1.0, abs=0.02)
        assert ratio.var().item() == pytest.approx(1 / 4, rel=0.06)


def test_amplitude_is_multiplied() -> None:
    sensor = SENSORS["sar"]
    view = view_of(sensor)
    assert view is not None
    before = torch.full((2, 3, 128, 128), 0.2)
    after = disturb(before, view, generator(), SpeckleRecipe(looks=8, chance=1), None)
    power = (after / before) ** 2
    assert power.mean().item() == pytest.approx(1.0, abs=0.02)
    assert power.var().item() == pytest.approx(1 / 8, rel=0.08)


def test_the_chance_is_that_of_images() -> None:
    view = view_of(SENSORS["s1-vv"])
    assert view is not None
    before = torch.full((400, 3, 4, 4), 0.5)
    after = disturb(before, view, generator(), SpeckleRecipe(looks=4, chance=0.25), None)
    changed = (after != before).any(dim=(1, 2, 3)).float().mean().item()
    assert changed == pytest.approx(0.25, abs=0.07)


def test_gain_and_slope_stay_within_their_decibels_and_move_both_bands_alike() -> None:
    view = view_of(SENSORS["s1-grd"])
    assert view is not None
    before = torch.full((300, 3, 8, 8), 0.5)
    after = disturb(before, view, generator(), None, RadiometricRecipe(gain=2.0, slope=3.0))
    change = (after - before) * 20
    assert torch.allclose(change[:, 0], change[:, 1], atol=1e-5)
    assert change[:, 2].abs().max() < 1e-5  # the ratio does not know the gain
    gains = change[:, 0].mean(dim=(1, 2))
    assert 1.8 < gains.abs().max() <= 2.0 + 1e-4
    assert gains.mean().abs() < 0.3
    across = (change[:, 0, :, -1] - change[:, 0, :, 0]).mean(dim=1)
    down = (change[:, 0, -1] - change[:, 0, 0]).mean(dim=1)
    assert torch.minimum(across.abs(), down.abs()).max() < 1e-4  # along one side of the image
    assert 2.7 < torch.maximum(across.abs(), down.abs()).max() <= 3.0 + 1e-4


def test_what_is_black_stays_black_and_pictures_stay_pictures() -> None:
    view = view_of(SENSORS["s1-grd"])
    assert view is not None
    image = torch.rand(4, 3, 32, 32) * 0.9 + 0.1
    image[:, :, :8] = 0
    after = disturb(image, view, generator(), SpeckleRecipe(looks=1, chance=1), RadiometricRecipe(gain=6))
    assert torch.equal(after[:, :, :8], image[:, :, :8])
    assert after.min() >= 0
    assert after.max() <= 1


def test_only_radar_images_of_a_mixed_batch_are_speckled_and_only_optical_ones_recoloured() -> None:
    images = torch.rand(4, 3, 16, 16) * 0.5 + 0.25
    view = view_of(SENSORS["s1-grd"])
    assert view_of(SENSORS["s2-l2a"]) is None
    views = [None, view, None, view]
    still = AugmentRecipe(area=1.0, ratio=1.0, dihedral=False, colour=0.4)
    out = augment(images, still, 16, generator(), colour=True, views=views)
    changed = (out - images).abs().amax(dim=(1, 2, 3))
    assert changed[[1, 3]].max() < 1e-5
    assert changed[[0, 2]].min() > 0.01
    noisy = AugmentRecipe(area=1.0, ratio=1.0, dihedral=False, colour=0.0, speckle=SpeckleRecipe(chance=1))
    changed = (augment(images, noisy, 16, generator(), colour=True, views=views) - images).abs().amax(dim=(1, 2, 3))
    assert changed[[0, 2]].max() < 1e-5
    assert changed[[1, 3]].min() > 0.01


def test_flips_are_the_four_flips_and_no_quarter_turns() -> None:
    image = torch.rand(1, 3, 8, 8)
    flips = [image, image.flip(3), image.flip(2), image.flip((2, 3))]
    recipe = AugmentRecipe(area=1.0, ratio=1.0, dihedral="flips", colour=0.0)
    out = augment(image.expand(100, -1, -1, -1), recipe, 8, generator(), colour=True)
    distance = torch.stack([(out - each).abs().amax(dim=(1, 2, 3)) for each in flips])
    assert distance.amin(dim=0).max() < 1e-5
    assert len(distance.argmin(dim=0).unique()) == 4


def test_every_radar_sensor_has_a_view() -> None:
    for sensor in SENSORS.values():
        for as_picture in (True, False):
            view = view_of(sensor, RENDERED if as_picture else PLAIN)
            assert (view is not None) == sensor.is_radar
            if view is not None:
                assert view.bands == len(sensor.bands)
                assert len(view.per_db) == (3 if as_picture else len(sensor.bands))


def test_bands_in_the_towers_order_and_statistics_are_found() -> None:
    """A tower that takes VH before VV, with its own statistics, and a band that no radar has."""
    sensor = SENSORS["s1-grd"]
    tower = tiny_config(
        towers={"rgb": VIT | {"bands": 3, "band_names": ["VH", "B04", "VV"], "mean": [-20, 0, -10], "std": [4, 1, 2]}}
    ).towers["rgb"]
    route = SensorInput(tower="rgb", input="bands", statistics="tower", fill={"B04": 0.5})
    view = view_of(sensor, route, tower)
    assert view is not None
    assert view.per_db == ((0.0, 1 / 4), (0.0, 0.0), (1 / 2, 0.0))
    data = np.broadcast_to(np.array([-10.0, -18.0], np.float32)[:, None, None], (2, 32, 32))
    chip = Pixels(data, np.ones((32, 32), bool), sensor)
    before = torch.from_numpy(standardise(chip, route, tower))[None]
    after = disturb(before, view, generator(), None, RadiometricRecipe(gain=1.0, slope=0.0))
    more = Pixels(data + np.float32(((after - before)[0, 2, 0, 0] * 2).item()), chip.valid, sensor)
    torch.testing.assert_close(after, torch.from_numpy(standardise(more, route, tower))[None], atol=1e-5, rtol=0)


def test_amplitudes_given_as_bands_are_scaled_from_zero() -> None:
    sensor = SENSORS["sar"]
    view = view_of(sensor, PLAIN)
    assert view is not None
    band = sensor.bands[0]
    before = standardised(sensor, [80.0])
    after = disturb(before, view, generator(), SpeckleRecipe(looks=8, chance=1), None)
    power = ((after * band.std + band.mean) / 80.0) ** 2
    assert power.mean().item() == pytest.approx(1.0, abs=0.02)
    assert power.var().item() == pytest.approx(1 / 8, rel=0.08)
