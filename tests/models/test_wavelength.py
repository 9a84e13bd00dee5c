from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from generate.models import VIT, tiny_config, tiny_model
from swath.chips import Pixels
from swath.errors import CheckpointError, InputError, ModelError
from swath.models import DualEncoder
from swath.models.ensemble import join
from swath.models.export import export_checkpoint
from swath.models.precision import cast
from swath.models.wavelength import CODE_LENGTH, band_codes
from swath.sensors import S1_C_BAND_NM, SENSORS, Band, Sensor, sensor

CONVNET = {"type": "convnet", "image_size": 32, "widths": [8, 16], "depths": [1, 1], "hidden": 16}
TOWERS = {"vit": VIT | {"bands": "any"}, "convnet": CONVNET | {"bands": "any"}}
ANY = {"*": {"tower": "all", "input": "bands"}}


@pytest.fixture(scope="module", params=sorted(TOWERS))
def model(request):
    return tiny_model(tiny_config(towers={"all": TOWERS[request.param]}, sensors=ANY))


def chip(name, seed=0):
    made = sensor(name)
    data = np.random.default_rng(seed).uniform(1, 90, (len(made.bands), 40, 40)).astype(np.float32)
    return Pixels(data, np.ones((40, 40), dtype=bool), made)


def test_every_catalogued_sensor_without_a_weight_of_its_own(model):
    chips = [chip(name, seed) for seed, name in enumerate([*sorted(SENSORS), *sorted(SENSORS)])]
    found = model.encode_pixels(chips)
    assert found.pooled.shape == (2 * len(SENSORS), 48)
    assert torch.isfinite(found.pooled).all()
    alone = torch.cat([model.encode_pixels([one]).pooled for one in chips])
    torch.testing.assert_close(found.pooled, alone, atol=1e-3, rtol=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(13)), st.sampled_from(sorted(TOWERS)))
def test_the_order_of_bands_does_not_matter(order, kind):
    tower = tiny_model(tiny_config(towers={"all": TOWERS[kind]}, sensors=ANY)).towers["all"]
    images = torch.randn(2, 13, 32, 32, generator=torch.Generator().manual_seed(0))
    codes = band_codes(sensor("s2-l1c").bands)
    with torch.no_grad():
        for one, two in zip(tower(images, codes), tower(images[:, order], codes[order]), strict=True):
            torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


def test_bands_are_told_apart_by_what_they_are(model):
    images = torch.randn(2, 2, 32, 32)
    one = model.encode_images(images, "s1-grd").pooled
    other = model.encode_images(images.flip(1), "s1-grd").pooled
    assert (one - other).abs().max() > 1e-4
    codes = band_codes([band for name in ("s2-l1c", "s1-grd", "sar") for band in sensor(name).bands])
    assert codes.shape == (16, CODE_LENGTH)
    apart = torch.cdist(codes, codes) + 9 * torch.eye(16)
    assert apart.min() > 0.1


def test_polarisation_and_frequency_both_count():
    bands = [Band(name, nm, 0.0, 1.0) for name in ("VV", "HH", "X") for nm in (S1_C_BAND_NM, 236e6)]
    codes = band_codes(bands)
    assert len({tuple(row.tolist()) for row in codes}) == 6
    assert codes[:, -5:].sum(dim=1).tolist() == [2, 2, 2, 2, 1, 1]


def test_a_sensor_that_is_not_in_the_catalogue_yet(model, monkeypatch):
    bands = tuple(Band(f"X{i}", nm, 100.0, 50.0) for i, nm in enumerate((443.0, 560.0, 865.0, 10_900.0)))
    monkeypatch.setitem(SENSORS, "new", Sensor("new", "new", "a new camera", bands, "dn8"))
    keys = set(model.state_dict())
    assert model.encode_pixels([chip("new")]).pooled.shape == (1, 48)
    assert set(model.state_dict()) == keys


def test_save_and_load(model, tmp_path):
    model.save_pretrained(tmp_path)
    again = DualEncoder.from_pretrained(tmp_path, dtype="float32", device="cpu")
    chips = [chip("s1-grd"), chip("s2-l2a")]
    assert again.model_id == model.model_id
    torch.testing.assert_close(again.encode_pixels(chips).pooled, model.encode_pixels(chips).pooled)


def test_towers_for_any_bands_are_joined(model):
    other = tiny_model(model.config, seed=5)
    joined = join([model, other], "both")
    chips = [chip("s1-grd"), chip("s2-l2a")]
    found, one, two = (made.encode_pixels(chips).pooled for made in (joined, model, other))
    torch.testing.assert_close(found @ found.T, (one @ one.T + two @ two.T) / 2, atol=1e-4, rtol=1e-4)


def test_half_precision_keeps_the_directions(model, tmp_path):
    model.save_pretrained(tmp_path)
    half = DualEncoder.from_pretrained(tmp_path, dtype="float32", device="cpu")
    cast(half, torch.bfloat16)
    chips = [chip("s1-grd"), chip("s2-l2a")]
    cosine = (half.encode_pixels(chips).pooled * model.encode_pixels(chips).pooled).sum(1)
    assert cosine.min() > 0.99


def test_sensors_train_one_tower_together(model):
    learner = tiny_model(model.config).train()
    images = {
        learner.config.batch_key(name): torch.randn(2, len(sensor(name).bands), 32, 32) for name in ("s1-vv", "rgb")
    }
    assert set(images) == {"all@s1-vv", "all@rgb"}
    learner.encode_images(images["all@rgb"], "rgb")  # encoding before must not spoil training
    features, *_ = learner(images, *learner.tokenize(["a", "b"]))
    sum(found.pooled[:, 0].sum() for found in features.values()).backward()
    tower = learner.towers["all"]
    assert all(p.grad is not None for name, p in tower.named_parameters() if "coefficients" in name or "banks" in name)


def test_a_rendered_picture_may_go_there_too():
    mixed = tiny_config(towers={"all": TOWERS["vit"]}, sensors=ANY | {"sar": {"tower": "all"}})
    assert mixed.batch_key("sar") == "all@rgb"
    assert mixed.batch_key("s1-grd") == "all@s1-grd"
    assert tiny_model(mixed).encode_pixels([chip("sar"), chip("s1-grd")]).pooled.shape == (2, 48)


def test_wrong_batches_are_refused(model):
    with pytest.raises(InputError, match=r"takes \(B, 2, 32, 32\), not \(1, 3, 32, 32\)"):
        model.encode_images(torch.randn(1, 3, 32, 32), "s1-grd")
    with pytest.raises(InputError, match=r"come under ModelConfig\.batch_key"):
        model.forward_images(torch.randn(1, 3, 32, 32), "all")
    with pytest.raises(InputError, match=r"come under ModelConfig\.batch_key"):
        tiny_model().forward_images(torch.randn(1, 3, 32, 32), "rgb@rgb")
    with pytest.raises(InputError, match="is to have 2 bands"):
        model.towers["all"](torch.randn(1, 3, 32, 32), band_codes(sensor("s1-grd").bands))


def test_what_any_bands_cannot_be(open_clip, tmp_path):
    with pytest.raises(CheckpointError, match="no fill"):
        tiny_config(towers={"all": TOWERS["vit"]}, sensors={"rgb": ANY["*"] | {"fill": {"B10": 0}}})
    with pytest.raises(CheckpointError, match="not in the catalogue"):
        tiny_config(towers={"all": VIT | {"bands": 3}}, sensors=ANY)
    tiny_model(tiny_config(towers={"rgb": TOWERS["vit"]})).save_pretrained(tmp_path / "any")
    with pytest.raises(CheckpointError, match="makes its first layer from wavelengths"):
        export_checkpoint(tmp_path / "any", tmp_path / "any.pt")
    with pytest.raises((CheckpointError, ModelError), match="needs a number of bands"):
        tiny_model(tiny_config(towers={"all": {"type": "timm", "model": "resnet10t", "bands": "any"}}, sensors=ANY))


def test_activations_keep_their_size_from_one_band_to_thirteen(model):
    filters = model.towers["all"].stem[0] if hasattr(model.towers["all"], "stem") else model.towers["all"].conv1
    grey = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    sizes = []
    for name in ("s1-vv", "rgb", "s2-l1c"):
        codes = band_codes(sensor(name).bands)
        with torch.no_grad():
            weight = filters(codes)
        made = torch.nn.functional.conv2d(grey.expand(-1, len(codes), -1, -1), weight, stride=weight.shape[-1])
        sizes.append(float(made.std()))
    assert max(sizes) / min(sizes) < 4
    assert 0.1 < min(sizes) < max(sizes) < 10
