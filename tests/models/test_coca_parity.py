"""OpenCLIP's CoCa loads as it is, and computes and writes the same."""

from __future__ import annotations

import copy
import json

import pytest
import torch

from swath.errors import CheckpointError, InputError
from swath.models import DualEncoder
from swath.models.architecture import infer
from swath.models.convert import build_config, convert_checkpoint
from swath.models.export import export_checkpoint

CAPTIONS = [
    "many planes are parked near a terminal .",
    "a",
    "An airport: two runways & a “terminal”, 3km long!",
    "green trees and yellow sand " * 3,
    "a long row of white boats " * 6,
]

SMALL = {
    "embed_dim": 64,
    "vision_cfg": {
        "image_size": 32,
        "layers": 2,
        "width": 128,
        "patch_size": 8,
        "attentional_pool": True,
        "attn_pooler_queries": 6,
        "attn_pooler_heads": 8,
        "output_tokens": True,
    },
    "text_cfg": {
        "context_length": 20,
        "vocab_size": 2514,
        "width": 64,
        "heads": 1,
        "layers": 2,
        "embed_cls": True,
        "output_tokens": True,
    },
    "multimodal_cfg": {"context_length": 20, "vocab_size": 2514, "width": 64, "heads": 1, "layers": 2},
}


def reference_model(open_clip, seed=0, **changes):
    """OpenCLIP's CoCa with every weight drawn, the ones too that it leaves as they come from memory."""
    torch.manual_seed(seed)
    sizes = copy.deepcopy(SMALL)
    sizes["vision_cfg"] |= changes
    model = open_clip.coca_model.CoCa(**sizes).eval()
    for value in model.parameters():
        if value.ndim:
            torch.nn.init.normal_(value, std=0.1)
    return model


@pytest.fixture(scope="module")
def reference(open_clip):
    return reference_model(open_clip)


@pytest.fixture(scope="module")
def model(reference):
    return loaded(reference)


def loaded(reference):
    state = reference.state_dict()
    own = DualEncoder(build_config(infer(state, "gelu", "reference"), "copy")).eval()
    assert set(own.state_dict()) == set(state)
    own.load_state_dict(state)
    return own


def padded(model):
    ids = model.text.tokenize(CAPTIONS, "count").ids
    table = torch.zeros(len(ids), model.text.context_length, dtype=torch.long)
    for row, text in enumerate(ids):
        table[row, : len(text)] = torch.tensor(text)
    return table, ids


def test_vectors_are_open_clips(reference, model):
    images = torch.randn(3, 3, 32, 32, generator=torch.manual_seed(1))
    table, ids = padded(model)
    # One of the texts fills the context to the last position, one leaves a single place free.
    assert {len(text) for text in ids} >= {20, 3}
    with torch.no_grad():
        wanted_images, wanted_texts = reference.encode_image(images), reference.encode_text(table)
    found = model.encode_images(images, "rgb")
    torch.testing.assert_close(found.pooled, wanted_images, atol=1e-5, rtol=0)
    texts = model.encode_texts(CAPTIONS, truncation="count")
    torch.testing.assert_close(texts.pooled, wanted_texts, atol=1e-5, rtol=0)


@pytest.mark.parametrize("length", [18, 19, 20])
def test_texts_about_as_long_as_the_context(reference, model, length):
    ids = torch.randint(1, 2000, (1, length), generator=torch.manual_seed(length))
    table = torch.zeros(1, 20, dtype=torch.long)
    table[:, :length] = ids
    with torch.no_grad():
        wanted = reference.encode_text(table, normalize=False)
        found, _ = model.text(ids, torch.ones(1, length, dtype=torch.bool))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_logits_are_open_clips(reference, model):
    images = torch.randn(len(CAPTIONS), 3, 32, 32, generator=torch.manual_seed(2))
    table, ids = padded(model)
    with torch.no_grad():
        wanted = reference(images, table)["logits"]
        _, _, context = model.towers["rgb"].look(images)
        decoder = model.text_decoder
        found = decoder.score(decoder(model.text.read(table[:, :-1]), decoder.remember(context)))
    for row, text in enumerate(ids):
        # Behind its end a text says nothing; OpenCLIP masks some of it and none of it counts.
        torch.testing.assert_close(found[row, : len(text) - 1], wanted[row, : len(text) - 1], atol=1e-5, rtol=0)


def test_an_image_tower_as_wide_as_the_space(open_clip):
    # Its pooler then has one matrix for query, key and value, in place of three.
    reference = reference_model(open_clip, seed=3, width=64)
    assert "visual.attn_pool.attn.in_proj_weight" in reference.state_dict()
    images = torch.randn(2, 3, 32, 32, generator=torch.manual_seed(1))
    with torch.no_grad():
        wanted = reference.encode_image(images)
    torch.testing.assert_close(loaded(reference).encode_images(images, "rgb").pooled, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["coca_ViT-B-32", "coca_ViT-L-14"])
def test_sizes_are_read_off_the_shapes(open_clip, name):
    wanted = open_clip.get_model_config(name)
    sizes = {key: wanted[key] for key in ("embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg")}
    with torch.device("meta"):
        state = open_clip.coca_model.CoCa(**copy.deepcopy(sizes)).state_dict()
        found = infer(state, "gelu", name)
        own = DualEncoder(build_config(found, "copy"))
    assert found.name == name
    assert found.context_length == wanted["text_cfg"]["context_length"]
    assert (found.captioner.heads, found.captioner.layers) == (
        wanted["multimodal_cfg"]["heads"],
        wanted["multimodal_cfg"]["layers"],
    )
    assert (found.vision.queries, found.vision.pooler_heads) == (256, wanted["vision_cfg"]["attn_pooler_heads"])
    assert {key: value.shape for key, value in own.state_dict().items()} == {
        key: value.shape for key, value in state.items()
    }


def test_a_checkpoint_is_converted_and_written_back(reference, tmp_path):
    torch.save(
        {"state_dict": {f"module.{key}": value for key, value in reference.state_dict().items()}}, tmp_path / "c.pt"
    )
    config = convert_checkpoint(tmp_path / "c.pt", tmp_path / "model", activation="gelu")
    assert config.text.type == "coca"
    assert config.captioner is not None
    assert config.captioner.digest is not None
    model = DualEncoder.from_pretrained(tmp_path / "model", dtype="float32", device="cpu")
    state = export_checkpoint(tmp_path / "model", tmp_path / "back.safetensors")
    assert {key: value.shape for key, value in state.items()} == {
        key: value.shape for key, value in reference.state_dict().items()
    }
    assert all(torch.equal(value, reference.state_dict()[key]) for key, value in state.items())
    with pytest.raises(CheckpointError, match="CoCa"):
        export_checkpoint(tmp_path / "model", tmp_path / "back.pt", "long-clip")
    with pytest.raises(InputError, match="context length"):
        model.text.read(torch.zeros(1, 21, dtype=torch.long))


def test_a_checkpoint_without_its_decoder_is_refused(reference, tmp_path):
    state = {key: value for key, value in reference.state_dict().items() if not key.startswith("text_decoder.cross")}
    torch.save(state, tmp_path / "half.pt")
    with pytest.raises(CheckpointError, match=r"missing keys: text_decoder\.cross_attn"):
        convert_checkpoint(tmp_path / "half.pt", tmp_path / "model", activation="gelu")


def test_a_changed_decoder_is_noticed(reference, tmp_path):
    torch.save(reference.state_dict(), tmp_path / "c.pt")
    convert_checkpoint(tmp_path / "c.pt", tmp_path / "model", activation="gelu")
    file = tmp_path / "model" / "config.json"
    data = json.loads(file.read_text())
    data["captioner"]["digest"] = "0" * 12
    file.write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match="the captioner has digest"):
        DualEncoder.from_pretrained(tmp_path / "model", dtype="float32", device="cpu")
