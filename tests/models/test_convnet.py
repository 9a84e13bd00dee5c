from __future__ import annotations

from pathlib import Path

import pytest
import torch

from swath.errors import CheckpointError, InputError
from swath.models import DualEncoder, ModelConfig, TowerConfig
from swath.models.convnet import ConvNet, ConvNetOptions, ResidualBlock, build

SMALL = {"type": "convnet", "image_size": 32, "widths": [8, 16], "depths": [1, 1], "hidden": 24, "resize": "squash"}


def tower(**options: object) -> ConvNet:
    torch.manual_seed(0)
    return build(TowerConfig.model_validate(SMALL | options), 12).eval()


def test_tokens_are_positions_and_their_mean_is_the_pooled_vector() -> None:
    pooled, tokens = tower()(torch.randn(2, 3, 32, 32))
    assert pooled.shape == (2, 12)
    assert tokens.shape == (2, 16, 12)
    torch.testing.assert_close(tokens.mean(dim=1), pooled, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("side", "positions"), [(28, 16), (40, 25), (52, 49)])
def test_any_size_even_odd_maps(side: int, positions: int) -> None:
    _, tokens = tower()(torch.randn(1, 3, side, side))
    assert tokens.shape[1] == positions


def test_tokens_lie_where_the_picture_changes() -> None:
    model, picture = tower(), torch.zeros(1, 3, 32, 32)
    changed = picture.clone()
    changed[:, :, :8, 24:] = 3.0
    difference = (model(changed)[1] - model(picture)[1]).norm(dim=-1).view(4, 4)
    assert difference.argmax() == 3  # the upper right corner
    assert difference[3, 0] == 0


def test_blocks_start_as_the_identity() -> None:
    block = ResidualBlock(8, 8, 1, 0.0).eval()
    x = torch.rand(2, 8, 6, 6)
    torch.testing.assert_close(block(x), x)


def test_drop_path_skips_images_in_training_only() -> None:
    torch.manual_seed(0)
    block = ResidualBlock(4, 4, 1, 0.5)
    torch.nn.init.ones_(block.bn2.weight)
    x = torch.rand(64, 4, 6, 6)
    same = (block(x) == x).flatten(1).all(dim=1)
    assert 16 < int(same.sum()) < 48
    assert not (block.eval()(x) == x).flatten(1).all(dim=1).any()


def test_wrong_input_and_options_are_refused() -> None:
    with pytest.raises(InputError, match="3, H, W"):
        tower()(torch.randn(1, 4, 32, 32))
    with pytest.raises(CheckpointError, match="2 widths but 1 depths"):
        tower(depths=[1])
    with pytest.raises(CheckpointError, match="nonsense"):
        tower(nonsense=1)
    with pytest.raises(ValueError, match="1 or more"):
        ConvNetOptions(widths=(8, 0), depths=(1, 1))


def test_half_precision_weights_round_trip(tmp_path: Path) -> None:
    text = {"type": "clip", "context_length": 16, "merges": 100, "width": 16, "heads": 2, "layers": 1}
    config = ModelConfig.parse(
        {"name": "tiny", "embed_dim": 12, "text": text, "towers": {"rgb": SMALL}, "sensors": {"*": {"tower": "rgb"}}}
    )
    torch.manual_seed(0)
    model = DualEncoder(config)
    model.forward_images(torch.randn(4, 3, 32, 32))  # moves the running statistics
    model.eval().save_pretrained(tmp_path, dtype="float16")
    again = DualEncoder.from_pretrained(tmp_path, dtype="float32")
    batch = torch.randn(3, 3, 32, 32)
    first, second = (entry.encode_images(batch, "rgb").pooled for entry in (model, again))
    assert (first * second).sum(dim=1).min() > 0.9999
