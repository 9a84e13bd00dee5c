from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from generate.models import tiny_config
from swath.bands import RGB_BANDS, S1_BANDS, S2_L1C_BANDS, S2_L2A_BANDS
from swath.errors import CheckpointError
from swath.models import DualEncoder, hub, zoo
from swath.models.backbones import find_weights, read_backbone
from swath.models.towers import build_vision_tower

RESNET = {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}
VIT = {"depth": 2, "embed_dim": 64, "num_heads": 1}


@pytest.fixture(scope="module")
def timm(open_clip):
    torch.set_num_threads(1)
    return pytest.importorskip("timm")


def tower(model, bands, **options):
    arguments = RESNET if model.startswith("resnet") else VIT
    return {"type": "timm", "model": model, "bands": len(bands), "image_size": 32, "arguments": arguments} | options


def built(entry, embed_dim=24):
    return build_vision_tower(tiny_config(towers={"t": entry}, sensors=route(entry)).towers["t"], embed_dim).eval()


def route(entry):
    name = {2: "s1-grd", 3: "rgb", 12: "s2-l2a", 13: "s2-l1c"}[entry["bands"]]
    return {name: {"tower": "t", "input": "bands"}}


def made(timm, model, bands, classes=0):
    torch.manual_seed(3)
    arguments = RESNET if model.startswith("resnet") else VIT | {"img_size": 32}
    return timm.create_model(model, in_chans=len(bands), num_classes=classes, **arguments).eval()


def moco_v2(state):
    beside = {"module.encoder_q.fc.0.weight": torch.zeros(3, 3), "module.queue": torch.zeros(4, 4)}
    own = {f"module.encoder_{side}.{k}": v for side in "qk" for k, v in state.items()}
    return {"epoch": 100, "state_dict": own | beside}


def moco_v3(state):
    beside = {"module.base_encoder.head.0.weight": torch.zeros(3, 3), "module.predictor.0.weight": torch.zeros(2, 2)}
    return {"state_dict": {f"module.base_encoder.{k}": v for k, v in state.items()} | beside}


def dino(state):
    beside = {"module.head.mlp.0.weight": torch.zeros(2, 2)}
    return {"student": {}, "teacher": {f"module.backbone.{k}": v for k, v in state.items()} | beside}


def mae(state):
    beside = {"mask_token": torch.zeros(1, 1, 8), "decoder_pos_embed": torch.zeros(1, 5, 8)}
    args = argparse.Namespace(model="mae_vit_small_patch16", mask_ratio=0.75)
    return {"model": state | beside | {"decoder_blocks.0.norm1.weight": torch.zeros(8)}, "epoch": 99, "args": args}


@pytest.mark.parametrize(
    ("model", "bands", "layout"),
    [
        ("resnet18", S1_BANDS, dict),
        ("resnet50", S2_L1C_BANDS, dict),
        ("resnet18", S2_L1C_BANDS, moco_v2),
        ("vit_tiny_patch16_224", S2_L1C_BANDS, moco_v3),
        ("vit_small_patch16_224", S2_L1C_BANDS, dino),
        ("vit_small_patch16_224", S1_BANDS, mae),
    ],
)
def test_published_layouts_give_their_own_vectors(timm, tmp_path, model, bands, layout):
    source = made(timm, model, bands)
    torch.save(layout(source.state_dict()), tmp_path / "w.pth")
    found = built(tower(model, bands, weights=str(tmp_path / "w.pth")))
    images = torch.randn(2, len(bands), 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(found(images)[0], found.proj(source(images)), atol=1e-4, rtol=1e-4)


def test_a_kept_classifier_comes_before_the_projection(timm, tmp_path):
    source = made(timm, "resnet18", S1_BANDS, classes=10)
    torch.save({k: v for k, v in source.state_dict().items() if "fc" not in k}, tmp_path / "w.pth")
    found = built(tower("resnet18", S1_BANDS, weights=str(tmp_path / "w.pth"), head=10, bias=True))
    assert found.proj.weight.shape == (24, 10)
    images = torch.randn(2, 2, 32, 32)
    with torch.no_grad():
        pooled, tokens = found(images)
        torch.testing.assert_close(tokens.mean(1), pooled, atol=1e-5, rtol=1e-4)
        body = source.forward_head(source.forward_features(images), pre_logits=True)
        torch.testing.assert_close(pooled, found.proj(found.backbone.fc(body)), atol=1e-5, rtol=1e-4)


def test_thirteen_bands_for_a_tower_of_twelve(timm, tmp_path):
    """Without B10 the tower sees what the thirteen-band one sees with zeros there."""
    source = made(timm, "resnet18", S2_L1C_BANDS)
    torch.save(source.state_dict(), tmp_path / "w.pth")
    found = built(tower("resnet18", S2_L2A_BANDS, band_names=S2_L2A_BANDS, weights=str(tmp_path / "w.pth")))
    twelve = torch.randn(2, 12, 32, 32)
    thirteen = torch.cat([twelve[:, :10], torch.zeros(2, 1, 32, 32), twelve[:, 10:]], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(found.backbone(twelve), source(thirteen), atol=1e-5, rtol=1e-5)


def test_weights_of_other_bands_than_usual_are_named(timm, tmp_path):
    source = made(timm, "resnet18", S1_BANDS)
    torch.save(source.state_dict(), tmp_path / "w.pth")
    found = built(tower("resnet18", S1_BANDS, weights=str(tmp_path / "w.pth"), weight_bands=["VH", "VV"]))
    images = torch.randn(2, 2, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(found.backbone(images), source(images.flip(1)), atol=1e-5, rtol=1e-5)


def test_timms_own_weights_go_to_bands_by_name(timm, monkeypatch):
    source = made(timm, "resnet18", RGB_BANDS)
    create = timm.create_model
    asked = []

    def create_model(name, pretrained=False, **options):
        asked.append((pretrained, options["in_chans"]))
        model = create(name, **options)
        if pretrained:
            model.load_state_dict(source.state_dict())
        return model

    monkeypatch.setattr(timm, "create_model", create_model)
    found = built(tower("resnet18", S2_L2A_BANDS, pretrained=True))
    assert asked[-1] == (True, 3)
    own = source.conv1.weight.detach() * (3 / 12)
    torch.testing.assert_close(found.backbone.conv1.weight[:, [3, 2, 1]], own)
    grey = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        left, right = found.backbone(grey.expand(-1, 12, -1, -1)), source(grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(left, right, atol=1e-4, rtol=1e-4)


def test_a_saved_model_needs_its_weights_file_no_more(timm, tmp_path):
    source = made(timm, "resnet18", S1_BANDS)
    torch.save(source.state_dict(), tmp_path / "w.pth")
    entry = tower("resnet18", S1_BANDS, weights=str(tmp_path / "w.pth"))
    model = DualEncoder(tiny_config(towers={"t": entry}, sensors=route(entry))).eval()
    model.save_pretrained(tmp_path / "saved")
    (tmp_path / "w.pth").unlink()
    again = DualEncoder.from_pretrained(tmp_path / "saved", dtype="float32", device="cpu")
    images = torch.randn(2, 2, 32, 32)
    assert torch.equal(again.encode_images(images, "s1-grd").pooled, model.encode_images(images, "s1-grd").pooled)


def test_half_precision_with_twelve_bands_is_right(timm):
    """Some CPUs' own bfloat16 convolution of 12 bands by patches is wrong (see `swath.models.patches`)."""
    torch.manual_seed(0)
    found = built(tower("vit_tiny_patch16_224", S2_L2A_BANDS))
    images = torch.randn(2, 12, 32, 32)
    with torch.no_grad():
        full = found(images)[0]
        half = found.to(torch.bfloat16)(images.to(torch.bfloat16))[0].float()
    assert torch.cosine_similarity(full, half).min() > 0.99


def test_files_that_cannot_be(timm, tmp_path):
    source = made(timm, "resnet18", S2_L1C_BANDS).state_dict()
    path = tmp_path / "w.pth"

    def refused(message, data=None, bands=S2_L1C_BANDS, **options):
        if data is not None:
            torch.save(data, path)
        with pytest.raises(CheckpointError, match=message):
            built(tower("resnet18", bands, weights=str(path), **options))

    refused("1 missing keys: layer4.0.bn2.weight", {k: v for k, v in source.items() if k != "layer4.0.bn2.weight"})
    refused("1 unexpected keys: extra", source | {"extra": torch.zeros(1)})
    refused("wrong shapes: bn1.weight", source | {"bn1.weight": torch.zeros(3)})
    refused("takes 7 bands, but nobody says which", source | {"conv1.weight": torch.zeros(64, 7, 7, 7)})
    refused("takes 13 bands, but 2 are named", source, weight_bands=["VV", "VH"])
    refused("holds no image tower", {"state_dict": {"a": torch.zeros(1)}})
    refused("not from both", source, pretrained=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused("is damaged")
    path.unlink()
    refused("not a file, not in the zoo")


def test_files_that_would_run_code_are_refused(timm, tmp_path):
    class Trap:
        def __reduce__(self):
            return print, ("ran",)

    torch.save({"state_dict": Trap()}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="refused"):
        read_backbone(tmp_path / "w.pth")


def test_the_zoos_weights_come_from_the_hub(timm, tmp_path, monkeypatch):
    source = made(timm, "resnet18", S2_L1C_BANDS)
    entry = zoo.find("ssl4eo-moco-resnet18-s2")
    asked = []

    def fetch_file(repo, file, revision=None):
        asked.append((repo, file))
        path = tmp_path / Path(file).name
        torch.save(source.state_dict(), path)
        return path

    monkeypatch.setattr(hub, "fetch_file", fetch_file)
    found = built(tower("resnet18", S2_L1C_BANDS, weights=entry.name))
    torch.testing.assert_close(found.backbone.conv1.weight, source.conv1.weight)
    assert asked == [(entry.repo, entry.file)]
    assert find_weights("some/repo/folder/x.pth")[1] is None
    assert asked[-1] == ("some/repo", "folder/x.pth")
    with pytest.raises(CheckpointError, match="whole model"):
        find_weights("clip-vit-b-32-openai")
    with pytest.raises(CheckpointError, match="weights of one image tower"):
        hub.resolve(entry.name)
