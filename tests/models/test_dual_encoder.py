from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from generate.models import tiny_config, tiny_model, two_towers
from swath.chips import Pixels
from swath.errors import CheckpointError, InputError, ModelError, SensorError
from swath.features import Features
from swath.models import DualEncoder, ModelConfig, register_vision_tower
from swath.models.precision import cast, choose_device, choose_dtype, has_amx
from swath.sensors import sensor


def chips(*names):
    rng = np.random.default_rng(0)
    made = []
    for name in names:
        bands = sensor(name)
        data = rng.integers(0, 255, (len(bands.bands), 40, 40)).astype(np.float32 if name != "rgb" else np.uint8)
        made.append(Pixels(data, np.ones((40, 40), dtype=bool), bands))
    return made


def test_images_are_normalised_features():
    model = tiny_model()
    found = model.encode_images(torch.randn(5, 3, 32, 32), "rgb")
    assert found.pooled.shape == (5, 48)
    assert found.tokens.shape == (5, 16, 48)
    assert found.mask.all()
    torch.testing.assert_close(found.pooled.norm(dim=-1), torch.ones(5))
    torch.testing.assert_close(found.tokens.norm(dim=-1), torch.ones(5, 16))
    assert not found.pooled.requires_grad


def test_pixels_of_several_sensors_keep_their_order():
    model = tiny_model(two_towers())
    mixed = chips("rgb", "s2-l2a", "s1-grd", "s2-l2a", "rgb")
    found = model.encode_pixels(mixed, batch_size=2)
    assert len(found) == 5
    for row, chip in enumerate(mixed):
        one = model.encode_images(model.prepare(chip)[None], chip.sensor.name)
        torch.testing.assert_close(found.pooled[row], one.pooled[0], atol=1e-5, rtol=0)
        count = one.tokens.shape[1]
        torch.testing.assert_close(found.tokens[row, :count], one.tokens[0], atol=1e-5, rtol=0)
        assert found.mask[row].sum() == count


def test_wrong_input_is_refused():
    model = tiny_model(two_towers())
    with pytest.raises(InputError, match=r"tower 's2' takes \(B, 12, 32, 32\), not \(1, 3, 32, 32\)"):
        model.encode_images(torch.randn(1, 3, 32, 32), "s2-l2a")
    with pytest.raises(SensorError, match="takes no images of sensor 'sar'"):
        model.encode_images(torch.randn(1, 3, 32, 32), "sar")
    with pytest.raises(InputError, match="no chips"):
        model.encode_pixels([])
    with pytest.raises(InputError, match="no tower 'sar'"):
        model.forward_images(torch.randn(1, 3, 32, 32), "sar")


def test_training_forward_reaches_every_weight():
    location = {"type": "satclip", "width": 8, "legendre_polys": 3, "capacity": 8}
    config = ModelConfig.parse(two_towers().model_dump() | {"location": location})
    model = tiny_model(config).train()
    ids, mask = model.tokenize(["a plane", "many boats in a harbor"])
    images = {"rgb": torch.randn(2, 3, 32, 32), "s2": torch.randn(2, 12, 32, 32)}
    assert model(images, ids, mask)[2] is None
    found, texts, places, scale = model(images, ids, mask, torch.tensor([[3.0, 50.0], [-70.0, -20.0]]).double())
    assert set(found) == {"rgb", "s2"}
    assert isinstance(texts, Features)
    loss = sum((features.pooled @ texts.pooled.T).sum() * scale + features.tokens.sum() for features in found.values())
    (loss + texts.tokens.sum() + places.sum()).backward()
    # A pre-norm block's query and key biases are the only weights that may have no gradient.
    silent = [name for name, value in model.named_parameters() if value.grad is None]
    assert silent == []


def test_forward_and_encode_agree():
    model = tiny_model()
    texts = ["a plane", "many boats in a harbor"]
    with torch.no_grad():
        found = model.forward_texts(*model.tokenize(texts))
    encoded = model.encode_texts(texts)
    torch.testing.assert_close(found.pooled, encoded.pooled, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.tokens, encoded.tokens, atol=1e-5, rtol=0)
    assert torch.equal(found.mask, encoded.mask)


def test_state_dict_has_open_clips_keys_and_round_trips():
    model = tiny_model(two_towers())
    state = model.state_dict()
    assert {"visual.conv1.weight", "positional_embedding", "text_projection", "logit_scale"} <= set(state)
    assert "towers.s2.conv1.weight" in state
    assert not any(key.startswith(("text.", "towers.rgb.")) for key in state)
    other = tiny_model(two_towers(), seed=1)
    other.load_state_dict(state)
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in state.items())


def test_state_dict_inside_another_module():
    model, wrapper = tiny_model(), torch.nn.ModuleDict()
    wrapper["encoder"] = model
    state = wrapper.state_dict()
    assert "encoder.visual.conv1.weight" in state
    other = torch.nn.ModuleDict({"encoder": tiny_model(seed=1)})
    other.load_state_dict(state)
    assert other["encoder"].model_id == model.model_id


def test_model_id_follows_the_weights():
    model = tiny_model()
    first = model.model_id
    assert first == tiny_model().model_id != tiny_model(seed=1).model_id
    assert first.startswith("tiny@")
    assert len(first) == len("tiny@") + 12
    model.train()
    with torch.no_grad():
        model.logit_scale += 1
    assert model.model_id != first
    model.eval()
    assert model.model_id != first


def test_model_id_follows_the_configuration():
    wider = tiny_config(towers={"rgb": tiny_config().towers["rgb"].model_dump() | {"mean": (0.5, 0.5, 0.5)}})
    assert tiny_model(wider).model_id != tiny_model().model_id


def test_bfloat16_is_close_and_outputs_are_float32():
    model = tiny_model()
    images, texts = torch.randn(3, 3, 32, 32), ["a plane", "trees"]
    wanted = model.encode_images(images, "rgb"), model.encode_texts(texts)
    cast(model, torch.bfloat16)
    found = model.encode_images(images, "rgb"), model.encode_texts(texts)
    for one, two in zip(wanted, found, strict=True):
        assert two.pooled.dtype == two.tokens.dtype == torch.float32
        assert (one.pooled * two.pooled).sum(-1).min() > 0.999


def test_cast_keeps_batch_norms_in_float32():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    cast(model, torch.bfloat16)
    assert model[0].weight.dtype == torch.bfloat16
    assert model[1].weight.dtype == model[1].running_var.dtype == torch.float32
    assert model.eval()(torch.randn(1, 3, 5, 5).bfloat16()).isfinite().all()


def test_dtype_auto_is_bfloat16_only_with_amx(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert choose_dtype("auto", cpu) == torch.bfloat16
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    assert choose_dtype("auto", cpu) == torch.float32
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert not has_amx()


def test_unknown_dtype_and_device_are_refused():
    with pytest.raises(InputError, match="unknown dtype 'int4'"):
        choose_dtype("int4", torch.device("cpu"))
    with pytest.raises(InputError, match="unknown device 'tpu9'"):
        choose_device("tpu9")
    with pytest.raises(InputError, match=r"weights cannot be kept as torch\.int8"):
        choose_dtype(torch.int8, torch.device("cpu"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="the machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="there is no device 'cuda' here"):
        choose_device("cuda")


def test_a_gpu_that_emulates_bfloat16_keeps_float32(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext(asked.append(device)))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert choose_dtype("auto", torch.device("cuda", 1)) == torch.float32
    assert asked == [torch.device("cuda", 1)]


def test_unknown_tower_type_and_option():
    with pytest.raises(ModelError, match=r"unknown vision tower type 'swin'; known: .*vit"):
        DualEncoder(tiny_config(towers={"rgb": {"type": "swin"}}))
    with pytest.raises(CheckpointError, match=r"options of the 'vit' tower: patchsize"):
        DualEncoder(tiny_config(towers={"rgb": {"patchsize": 8}}))
    with pytest.raises(ModelError, match="not a multiple of patch size"):
        DualEncoder(tiny_config(towers={"rgb": {"image_size": 33, "patch_size": 8}}))
    with pytest.raises(ModelError, match="cannot be split into 5 heads"):
        DualEncoder(tiny_config(towers={"rgb": {"width": 64, "heads": 5}}))


def test_a_registered_tower_type_is_built():
    class Mean(torch.nn.Module):
        def __init__(self, bands, dim):
            super().__init__()
            self.proj = torch.nn.Linear(bands, dim)

        def forward(self, images):
            cells = torch.nn.functional.avg_pool2d(images, 16).flatten(2).transpose(1, 2)
            return self.proj(cells.mean(1)), self.proj(cells)

    register_vision_tower("mean", lambda config, dim, directory: Mean(config.bands, dim))
    model = DualEncoder(tiny_config(towers={"rgb": {"type": "mean", "image_size": 32}})).eval()
    assert model.encode_images(torch.randn(2, 3, 32, 32), "rgb").tokens.shape == (2, 4, 48)
