from __future__ import annotations

import shutil

import pytest
import torch

from generate.models import TEXT, VIT, tiny_config, tiny_model
from swath.errors import CheckpointError
from swath.models import Captioner, DualEncoder
from swath.models.attach import attach_captioner, attach_towers

CAPTIONER = {"width": 64, "layers": 1, "heads": 2, "queries": 4, "pooler_heads": 2}


@pytest.fixture
def base(tmp_path):
    """A model stored in half precision, as packaged ones are."""
    return tiny_model().save_pretrained(tmp_path / "base", dtype="float16")


def trained(base, folder, change=0.0):
    """The model with a captioner, stored in full precision, as training leaves it."""
    own = DualEncoder.from_pretrained(base, dtype="float32", device="cpu")
    model = DualEncoder(tiny_config(captioner=CAPTIONER)).eval()
    model.load_state_dict(own.state_dict(), strict=False)
    with torch.no_grad():
        model.text.ln_final.weight.add_(change)
    return model.save_pretrained(folder)


def test_a_captioner_comes_beside_the_weights_as_they_are(base, tmp_path):
    config = attach_captioner(base, trained(base, tmp_path / "trained"), tmp_path / "both")
    before, after = (DualEncoder.from_pretrained(entry, device="cpu") for entry in (base, tmp_path / "both"))
    assert after.model_id == before.model_id
    assert config.captioner is not None
    writer = Captioner.from_pretrained(tmp_path / "both", dtype="float32", device="cpu")
    other = Captioner.from_pretrained(tmp_path / "trained", dtype="float32", device="cpu")
    for one, two in zip(writer.model.text_decoder.parameters(), other.model.text_decoder.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=2e-3, rtol=2e-3)
    # A newer captioner takes the place of an older one.
    again = attach_captioner(tmp_path / "both", tmp_path / "trained", tmp_path / "again")
    assert again.captioner == config.captioner


def test_an_answerer_beside_the_weights_stays_there(base, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(base, own)
    for name in ("answerer.json", "answerer.safetensors"):
        (own / name).write_bytes(name.encode())
    attach_captioner(own, trained(base, tmp_path / "trained"), tmp_path / "both")
    for name in ("answerer.json", "answerer.safetensors"):
        assert (tmp_path / "both" / name).read_bytes() == name.encode()


def test_a_captioner_of_other_towers_is_refused(base, tmp_path):
    with pytest.raises(CheckpointError, match=r"trained on other towers.*ln_final"):
        attach_captioner(base, trained(base, tmp_path / "trained", change=0.5), tmp_path / "both")
    with pytest.raises(CheckpointError, match="has no captioner to attach"):
        attach_captioner(base, base, tmp_path / "both")


def with_radar(base, folder, change=0.0, **entries):
    """The model with a second tower for radar, and another RGB tower."""
    own = DualEncoder.from_pretrained(base, dtype="float32", device="cpu")
    sensors = {"*": {"tower": "rgb"}, "s1-grd": {"tower": "s1"}}
    torch.manual_seed(3)
    model = DualEncoder(tiny_config(towers={"rgb": VIT, "s1": VIT}, sensors=sensors, name="two", **entries)).eval()
    model.text.load_state_dict(own.text.state_dict())
    with torch.no_grad():
        model.text.ln_final.weight.add_(change)
    return model.save_pretrained(folder)


def test_towers_come_beside_the_weights_as_they_are(base, tmp_path):
    config = attach_towers(base, with_radar(base, tmp_path / "radar"), ["s1"], tmp_path / "both")
    before, after = (
        DualEncoder.from_pretrained(entry, dtype="float32", device="cpu") for entry in (base, tmp_path / "both")
    )
    source = DualEncoder.from_pretrained(tmp_path / "radar", dtype="float32", device="cpu")
    images = torch.rand(2, 3, 32, 32)
    assert after.model_id != before.model_id
    assert config.name == "tiny"
    assert config.route("s1-grd").tower == "s1"
    assert config.route("s2-l2a").tower == "rgb"
    assert "s1 of two" in config.provenance["towers"]
    assert torch.equal(after.encode_images(images, "rgb").pooled, before.encode_images(images, "rgb").pooled)
    assert torch.equal(after.encode_texts(["a bay"]).pooled, before.encode_texts(["a bay"]).pooled)
    new, old = (model.encode_images(images, "s1-grd").pooled for model in (after, source))
    torch.testing.assert_close(new, old, atol=5e-3, rtol=5e-3)  # stored in half precision
    assert (new - before.encode_images(images, "s1-grd").pooled).abs().max() > 0.01


def test_towers_of_another_text_tower_are_refused(base, tmp_path):
    with pytest.raises(CheckpointError, match=r"another text tower.*ln_final"):
        attach_towers(base, with_radar(base, tmp_path / "radar", change=0.5), ["s1"], tmp_path / "both")
    wider = with_radar_text(tmp_path / "wider")
    with pytest.raises(CheckpointError, match="has another text tower"):
        attach_towers(base, wider, ["s1"], tmp_path / "both")
    with pytest.raises(CheckpointError, match="has no tower s2: rgb, s1"):
        attach_towers(base, tmp_path / "radar", ["s1", "s2"], tmp_path / "both")
    assert not (tmp_path / "both").exists()


def with_radar_text(folder):
    """A model of another context length."""
    text = TEXT | {"context_length": 16}
    return tiny_model(tiny_config(text=text, towers={"rgb": VIT, "s1": VIT})).save_pretrained(folder)
