"""Checkpoints in Long-CLIP's exact layout: in, out, and what they compute, against plain torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from generate import long_clip
from swath.errors import CheckpointError, InputError
from swath.models import DualEncoder
from swath.models.convert import convert_checkpoint
from swath.models.export import export_checkpoint
from swath.models.stretch import joined

TEXTS = [
    "a plane",
    "many green trees are in two sides of a curved river with a bridge over it . " * 3,
    "there are several large buildings beside a parking lot , with many cars in it . " * 12,
]


def reference_block(x: Tensor, state: dict[str, Tensor], prefix: str, heads: int, mask: Tensor | None) -> Tensor:
    """One residual block of OpenAI's CLIP, attention written out."""
    width = x.shape[-1]

    def norm(value: Tensor, name: str) -> Tensor:
        return F.layer_norm(value, (width,), state[f"{prefix}.{name}.weight"], state[f"{prefix}.{name}.bias"])

    qkv = norm(x, "ln_1") @ state[f"{prefix}.attn.in_proj_weight"].T + state[f"{prefix}.attn.in_proj_bias"]
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
    logits = q @ k.transpose(-1, -2) / (width // heads) ** 0.5
    attention = (logits if mask is None else logits + mask).softmax(dim=-1)
    out = (attention @ v).transpose(1, 2).flatten(2)
    x = x + out @ state[f"{prefix}.attn.out_proj.weight"].T + state[f"{prefix}.attn.out_proj.bias"]
    hidden = norm(x, "ln_2") @ state[f"{prefix}.mlp.c_fc.weight"].T + state[f"{prefix}.mlp.c_fc.bias"]
    hidden = hidden * torch.sigmoid(1.702 * hidden)
    return x + hidden @ state[f"{prefix}.mlp.c_proj.weight"].T + state[f"{prefix}.mlp.c_proj.bias"]


def reference_texts(state: dict[str, Tensor], ids: Tensor) -> Tensor:
    """Long-CLIP's `encode_text`: two tables under two masks, pooled at the highest id. (B, 248) -> (B, D)."""
    below = (torch.arange(ids.shape[1]) < long_clip.KEPT).float()[:, None]
    x = state["token_embedding.weight"][ids]
    x = x + state["positional_embedding"] * below + state["positional_embedding_res"] * (1 - below)
    mask = torch.full((ids.shape[1], ids.shape[1]), float("-inf")).triu(1)
    for layer in range(long_clip.LAYERS):
        x = reference_block(x, state, f"transformer.resblocks.{layer}", long_clip.HEADS, mask)
    x = F.layer_norm(x, (x.shape[-1],), state["ln_final.weight"], state["ln_final.bias"])
    pooled = x[torch.arange(len(x)), ids.argmax(dim=-1)] @ state["text_projection"]
    return F.normalize(pooled, dim=-1)


def reference_images(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """OpenAI's `encode_image`. (B, 3, S, S) -> (B, D)."""
    visual = {key.removeprefix("visual."): value for key, value in state.items() if key.startswith("visual.")}
    width = long_clip.VISION_WIDTH
    x = F.conv2d(images, visual["conv1.weight"], stride=long_clip.PATCH).flatten(2).transpose(1, 2)
    x = torch.cat([visual["class_embedding"].expand(len(x), 1, -1), x], dim=1) + visual["positional_embedding"]
    x = F.layer_norm(x, (width,), visual["ln_pre.weight"], visual["ln_pre.bias"])
    for layer in range(long_clip.LAYERS):
        x = reference_block(x, visual, f"transformer.resblocks.{layer}", 1, None)
    x = F.layer_norm(x[:, 0], (width,), visual["ln_post.weight"], visual["ln_post.bias"])
    return F.normalize(x @ visual["proj"], dim=-1)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as published."""
    file = tmp_path_factory.mktemp("long-clip") / "model.pt"
    torch.save(long_clip.state_dict(), file)
    return file


@pytest.fixture(scope="module")
def converted(published: Path) -> Path:
    """The model directory made of it."""
    directory = published.parent / "converted"
    convert_checkpoint(published, directory, activation="quickgelu")
    return directory


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_there_and_back_is_equal_bit_by_bit(published: Path, converted: Path, tmp_path: Path, suffix: str) -> None:
    export_checkpoint(converted, tmp_path / f"back{suffix}", "long-clip")
    before = torch.load(published, weights_only=True)
    back = tmp_path / f"back{suffix}"
    after = load_file(back) if suffix == ".safetensors" else torch.load(back, weights_only=True)
    assert set(after) == set(before)
    for key, value in before.items():
        assert (after[key].dtype, after[key].shape) == (value.dtype, value.shape)
        assert torch.equal(after[key], value), key


def test_half_precision_and_a_wrapped_file_come_back_too(tmp_path: Path) -> None:
    state = {key: value.half() if value.ndim else value for key, value in long_clip.state_dict(1).items()}
    torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "m.pt")
    convert_checkpoint(tmp_path / "m.pt", tmp_path / "out", activation="quickgelu")
    back = export_checkpoint(tmp_path / "out", tmp_path / "back.pt", "long-clip")
    assert all(torch.equal(back[key], value) and back[key].dtype == value.dtype for key, value in state.items())


def test_features_equal_plain_torch(published: Path, converted: Path) -> None:
    state = torch.load(published, weights_only=True)
    model = DualEncoder.from_pretrained(converted, dtype="float32", device="cpu")
    assert model.config.text.context_length == long_clip.CONTEXT
    rows = model.text.tokenize(TEXTS, "error").ids
    assert max(map(len, rows)) > 77
    ids = torch.zeros(len(rows), long_clip.CONTEXT, dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
    found = model.encode_texts(TEXTS, truncation="error").pooled
    torch.testing.assert_close(found, reference_texts(state, ids), atol=2e-6, rtol=0)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        model.encode_images(images, "rgb").pooled, reference_images(state, images), atol=2e-6, rtol=0
    )


def test_the_open_clip_layout_has_one_table_of_the_rows_in_use(converted: Path, tmp_path: Path) -> None:
    before = long_clip.state_dict()
    state = export_checkpoint(converted, tmp_path / "open.pt", "open-clip")
    assert "positional_embedding_res" not in state
    table = state["positional_embedding"]
    assert torch.equal(table[:20], before["positional_embedding"][:20])
    assert torch.equal(table[20:], before["positional_embedding_res"][20:])
    config = convert_checkpoint(tmp_path / "open.pt", tmp_path / "again", activation="quickgelu")
    assert config.text.options.get("kept_positions") is None
    same = DualEncoder.from_pretrained(tmp_path / "again", dtype="float32", device="cpu")
    two = DualEncoder.from_pretrained(converted, dtype="float32", device="cpu")
    assert torch.equal(same.encode_texts(TEXTS).pooled, two.encode_texts(TEXTS).pooled)
    assert torch.equal(joined(two).text.positional_embedding, table)


def test_one_table_is_written_twice_for_long_clip(converted: Path, tmp_path: Path) -> None:
    export_checkpoint(converted, tmp_path / "open.pt", "open-clip")
    convert_checkpoint(tmp_path / "open.pt", tmp_path / "one", activation="quickgelu")
    state = export_checkpoint(tmp_path / "one", tmp_path / "long.pt", "long-clip")
    assert torch.equal(state["positional_embedding"], state["positional_embedding_res"])
    model = DualEncoder.from_pretrained(converted, dtype="float32", device="cpu")
    assert torch.equal(state["positional_embedding"], model.text.positions())


def test_open_clip_loads_the_export_and_agrees(open_clip, converted: Path, tmp_path: Path) -> None:
    state = export_checkpoint(converted, tmp_path / "open.pt", "open-clip")
    vision = {
        "image_size": 32,
        "layers": long_clip.LAYERS,
        "width": long_clip.VISION_WIDTH,
        "head_width": 64,
        "patch_size": long_clip.PATCH,
    }
    text = {
        "context_length": long_clip.CONTEXT,
        "vocab_size": long_clip.VOCABULARY,
        "width": long_clip.WIDTH,
        "heads": long_clip.HEADS,
        "layers": long_clip.LAYERS,
    }
    theirs = open_clip.CLIP(long_clip.EMBED, vision, text, quick_gelu=True).eval()
    theirs.load_state_dict(state)
    ids = open_clip.SimpleTokenizer(context_length=long_clip.CONTEXT)(TEXTS)
    ours = DualEncoder.from_pretrained(converted, dtype="float32", device="cpu").encode_texts(TEXTS).pooled
    with torch.no_grad():
        torch.testing.assert_close(ours, theirs.encode_text(ids, normalize=True), atol=2e-6, rtol=0)


def test_what_does_not_fit_a_layout_is_refused(converted: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="rgb: convnet, s1: convnet, s2: convnet; these layouts hold one CLIP"):
        export_checkpoint("swath-mini", tmp_path / "m.pt", "long-clip")
    with pytest.raises(InputError, match="unknown layout 'onnx'"):
        export_checkpoint(converted, tmp_path / "m.pt", "onnx")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"end its name in \.pt or \.safetensors"):
        export_checkpoint(converted, tmp_path / "m.bin")
    assert list(tmp_path.iterdir()) == []
