from __future__ import annotations

import pytest
import torch

from generate.models import tiny_config, tiny_model
from swath.errors import CheckpointError
from swath.models import Captioner, DualEncoder
from swath.models.attach import attach_captioner

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


def test_a_captioner_of_other_towers_is_refused(base, tmp_path):
    with pytest.raises(CheckpointError, match=r"trained on other towers.*ln_final"):
        attach_captioner(base, trained(base, tmp_path / "trained", change=0.5), tmp_path / "both")
    with pytest.raises(CheckpointError, match="has no captioner to attach"):
        attach_captioner(base, base, tmp_path / "both")
