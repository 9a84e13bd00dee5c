"""The same weights in OpenCLIP and in the own towers give the same vectors."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from PIL import Image

from generate.captions import picture
from swath.models import DualEncoder
from swath.models.architecture import infer
from swath.models.config import TowerConfig
from swath.models.convert import build_config
from swath.models.preprocess import prepare_picture

CAPTIONS = [
    "many planes are parked near a terminal .",
    "An airport: two runways & a “terminal”, 3km long!",
    "a",
    "green trees " * 60,
]

SMALL = {
    "embed_dim": 40,
    "vision_cfg": {"image_size": 48, "layers": 3, "width": 128, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 3},
}


def compare(reference, activation):
    """Load OpenCLIP's state dict as it is and compare images, texts and patch tokens."""
    state = reference.state_dict()
    architecture = infer(state, activation, "reference")
    with torch.device("meta"):
        model = DualEncoder(build_config(architecture, "copy")).eval()
    assert set(model.state_dict()) == set(state)
    model.load_state_dict(state, assign=True)
    images = torch.randn(2, 3, architecture.image_size, architecture.image_size, generator=torch.manual_seed(1))
    ids = model.text.tokenize(CAPTIONS, "count").ids
    table = torch.zeros(len(ids), architecture.context_length, dtype=torch.long)
    for row, text in enumerate(ids):
        table[row, : len(text)] = torch.tensor(text)
    reference.visual.output_tokens = True
    with torch.no_grad():
        pooled, tokens = reference.visual(images)
        texts = reference.encode_text(table, normalize=True)
    found = model.encode_images(images, "rgb")
    torch.testing.assert_close(found.pooled, torch.nn.functional.normalize(pooled, dim=-1), atol=1e-5, rtol=0)
    patches = torch.nn.functional.normalize(tokens @ reference.visual.proj, dim=-1)
    torch.testing.assert_close(found.tokens, patches, atol=1e-5, rtol=0)
    torch.testing.assert_close(model.encode_texts(CAPTIONS, truncation="count").pooled, texts, atol=1e-5, rtol=0)
    return model


@pytest.mark.parametrize("activation", ["gelu", "quickgelu"])
def test_small_model(open_clip, activation):
    torch.manual_seed(0)
    reference = open_clip.CLIP(**copy.deepcopy(SMALL), quick_gelu=activation == "quickgelu").eval()
    model = compare(reference, activation)
    wrong = DualEncoder(build_config(infer(reference.state_dict(), _other(activation), "x"), "wrong")).eval()
    wrong.load_state_dict(reference.state_dict())
    # The check above can fail: the same weights with the other activation give other vectors.
    assert (wrong.encode_texts(["a plane"]).pooled - model.encode_texts(["a plane"]).pooled).abs().max() > 1e-4


def _other(activation):
    return "gelu" if activation == "quickgelu" else "quickgelu"


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("ViT-B-32", "gelu"),
        pytest.param("ViT-B-32", "quickgelu", marks=pytest.mark.slow),
        pytest.param("ViT-B-16", "gelu", marks=pytest.mark.slow),
        pytest.param("ViT-B-16", "quickgelu", marks=pytest.mark.slow),
        pytest.param("ViT-L-14", "gelu", marks=pytest.mark.slow),
        pytest.param("ViT-L-14", "quickgelu", marks=pytest.mark.slow),
    ],
)
def test_released_architectures(open_clip, name, activation):
    reference = open_clip.create_model(name, force_quick_gelu=activation == "quickgelu").eval()
    model = compare(reference, activation)
    assert infer(model.state_dict(), activation, name).name == name


@pytest.mark.parametrize(
    "name", ["ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-H-14", "ViT-g-14", "ViT-bigG-14", "ViT-S-32", "ViT-L-14-336"]
)
def test_sizes_are_read_off_the_shapes(open_clip, name):
    wanted = open_clip.get_model_config(name)
    with torch.device("meta"):
        state = open_clip.CLIP(**copy.deepcopy(wanted)).state_dict()
    found = infer(state, "gelu", name)
    vision, text = wanted["vision_cfg"], wanted["text_cfg"]
    assert (found.embed_dim, found.image_size) == (wanted["embed_dim"], vision["image_size"])
    assert found.vision.heads == vision["width"] // vision.get("head_width", 64)
    assert found.vision.layers == vision["layers"]
    assert int(found.vision.width * found.vision.mlp_ratio) == int(vision["width"] * vision.get("mlp_ratio", 4.0))
    assert (found.text.heads, found.text.layers, found.text.width) == (text["heads"], text["layers"], text["width"])
    assert found.name == name.removesuffix("-336")


@pytest.mark.parametrize(("width", "height"), [(224, 224), (300, 200), (97, 333), (64, 64), (225, 224)])
@pytest.mark.parametrize("size", [224, 64])
def test_preprocessing_is_open_clips(open_clip, width, height, size):
    image = Image.fromarray(picture(3, 512)).resize((width, height))
    wanted = open_clip.image_transform(size, is_train=False)(image)
    found = prepare_picture(image, TowerConfig(image_size=size))
    assert np.abs((found - wanted).numpy()).max() < 1e-6
