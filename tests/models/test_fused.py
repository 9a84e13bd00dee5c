from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.models import TowerConfig
from swath.models.convnet import ConvNet, build
from swath.models.fused import FusedConvolution, state_of

OPTIONS = {"type": "convnet", "image_size": 32, "widths": [8, 16], "depths": [2, 1], "hidden": 24, "resize": "squash"}


def normed(convolution: nn.Conv2d) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    norm = nn.BatchNorm2d(convolution.out_channels).eval()
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        assert tensor is not None
        nn.init.uniform_(tensor, 0.5, 2.0)
    return convolution, norm


def tower(bands: int = 3) -> ConvNet:
    torch.manual_seed(0)
    found = build(TowerConfig.model_validate(OPTIONS | {"bands": bands}), 12)
    for module in found.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            assert module.running_mean is not None
            nn.init.normal_(module.running_mean)
    return found.eval()


def plain(model: ConvNet, images: Tensor) -> Tensor:
    with torch.enable_grad():
        pooled, _ = model(images)
    return pooled.detach()


def encoded(model: ConvNet, images: Tensor) -> Tensor:
    with torch.inference_mode():
        pooled, _ = model(images)
    return pooled.clone()


@pytest.mark.parametrize(("stride", "padding", "size"), [(1, 1, 3), (2, 1, 3), (4, 0, 4), (1, 0, 1)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])  # oneDNN takes no float64
def test_a_fused_convolution_is_one_with_its_norm(stride: int, padding: int, size: int, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    convolution, norm = normed(nn.Conv2d(3, 8, size, stride, padding, bias=False).to(dtype))
    norm = norm.to(dtype)
    x = torch.randn(2, 3, 16, 16, dtype=dtype)
    with torch.inference_mode():
        fused = FusedConvolution.of(convolution, norm)
        wanted = norm(convolution(x))
        torch.testing.assert_close(fused(x), wanted, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(fused(x, relu=True), F.relu(wanted), rtol=1e-4, atol=1e-5)
        beside = torch.randn_like(wanted)
        for relu, sum_wanted in ((False, wanted + beside), (True, F.relu(wanted + beside))):
            onto = beside.clone()
            found = fused(x, onto=onto, relu=relu)
            torch.testing.assert_close(found, sum_wanted, rtol=1e-4, atol=1e-5)
            assert found.data_ptr() == onto.data_ptr()


@pytest.mark.parametrize("bands", [3, 12, 16])  # from 8 on the stem is a matrix product
def test_a_tower_encodes_as_it_trains(bands: int) -> None:
    model, images = tower(bands), torch.randn(3, bands, 32, 32)
    torch.testing.assert_close(encoded(model, images), plain(model, images), rtol=1e-4, atol=1e-4)
    half = copy.deepcopy(model).to(torch.bfloat16)
    cosine = F.cosine_similarity(encoded(half, images.bfloat16()).float(), plain(model, images))
    assert cosine.min() > 0.999


def test_bfloat16_is_encoded_on_cpus_without_instructions_for_it_too() -> None:
    code = "from models.test_fused import test_a_tower_encodes_as_it_trains as test; test(3)"
    tests = str(Path(__file__).parents[1])
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2", "PYTHONPATH": tests}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_changed_weights_are_seen() -> None:
    model, images = tower(), torch.randn(2, 3, 32, 32)
    before = encoded(model, images)
    with torch.no_grad():
        model.blocks[0].conv1.weight.mul_(-1.0)  # as a moving average of weights is put in place
    after = encoded(model, images)
    assert (after - before).abs().max() > 1e-3
    torch.testing.assert_close(after, plain(model, images), rtol=1e-4, atol=1e-4)
    model.load_state_dict(tower().state_dict())
    torch.testing.assert_close(encoded(model, images), before)
    statistic = model.head[1].running_mean
    assert isinstance(statistic, Tensor)
    statistic.add_(1.0)
    torch.testing.assert_close(encoded(model, images), plain(model, images), rtol=1e-4, atol=1e-4)


def test_a_tower_that_has_encoded_can_be_copied_and_sent() -> None:
    model, images = tower(), torch.randn(2, 3, 32, 32)
    wanted = encoded(model, images)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(encoded(other, images), wanted)
        assert other.state_dict().keys() == model.state_dict().keys()
    assert torch.equal(encoded(model, images), wanted)


def test_encoding_leaves_its_input_alone() -> None:
    model, images = tower(), torch.randn(2, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    kept = images.clone()
    encoded(model, images)
    assert torch.equal(images, kept)


def test_gradients_and_batch_statistics_pass_as_ever() -> None:
    model, images = tower(), torch.randn(4, 3, 32, 32)
    encoded(model, images)
    pooled, _ = model(images)
    pooled.sum().backward()
    assert model.stem[0].weight.grad is not None
    statistic = model.stem[1].running_mean
    assert isinstance(statistic, Tensor)
    before = statistic.clone()
    model.train()
    with torch.no_grad():
        model(images)
    assert not torch.equal(statistic, before)


def test_weights_that_keep_no_count_of_changes_are_not_trusted() -> None:
    with torch.inference_mode():
        model = tower()
    assert state_of(model) is None
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(encoded(model, images), encoded(tower(), images), rtol=1e-4, atol=1e-4)
