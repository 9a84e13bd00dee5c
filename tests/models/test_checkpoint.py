from __future__ import annotations

import json
import subprocess
import sys
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

from generate.models import tiny_config, tiny_model, two_towers
from swath.errors import CheckpointError
from swath.models import DualEncoder

TEXTS = ["a plane", "many boats in a harbor"]


@pytest.fixture
def saved(tmp_path):
    tiny_model(two_towers()).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_round_trip(saved):
    model = tiny_model(two_towers())
    loaded = DualEncoder.from_pretrained(saved, dtype="float32")
    assert loaded.model_id == model.model_id
    assert loaded.config.digest == model.model_id.split("@")[1]
    assert torch.equal(loaded.encode_texts(TEXTS).pooled, model.encode_texts(TEXTS).pooled)
    images = torch.randn(2, 12, 32, 32)
    assert torch.equal(loaded.encode_images(images, "s2-l2a").tokens, model.encode_images(images, "s2-l2a").tokens)
    assert not loaded.training
    assert not any(value.requires_grad for value in loaded.parameters())
    assert sorted(path.name for path in saved.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_the_id_does_not_depend_on_the_precision_in_use(saved):
    assert (
        DualEncoder.from_pretrained(saved, dtype="bfloat16").model_id
        == DualEncoder.from_pretrained(saved, dtype="float32").model_id
    )


def test_the_same_model_is_the_same_file_to_the_byte(tmp_path):
    model = tiny_model()
    files = [model.save_pretrained(tmp_path / str(time)) / "model.safetensors" for time in range(8)]
    assert len({file.read_bytes() for file in files}) == 1


def test_half_stored_weights_load_in_full(tmp_path):
    model = tiny_model()
    model.save_pretrained(tmp_path / "half", dtype="float16")
    assert load_file(tmp_path / "half" / "model.safetensors")["text_projection"].dtype == torch.float16
    loaded = DualEncoder.from_pretrained(tmp_path / "half", dtype="float32")
    assert loaded.dtype == torch.float32
    assert loaded.model_id != model.model_id
    cosine = (loaded.encode_texts(TEXTS).pooled * model.encode_texts(TEXTS).pooled).sum(-1)
    assert cosine.min() > 0.9999


def test_saving_over_itself_and_training_on(saved):
    model = DualEncoder.from_pretrained(saved, dtype="float32").train().requires_grad_(True)
    first = model.model_id
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    features = model.forward_texts(*model.tokenize(TEXTS))
    features.pooled.sum().backward()
    optimizer.step()
    model.save_pretrained(saved)
    again = DualEncoder.from_pretrained(saved, dtype="float32")
    assert again.model_id == model.model_id != first


def test_card_says_what_it_is(saved):
    card = (saved / "README.md").read_text()
    assert "| s2 | vit | 32 | 12 | squash |" in card
    assert "| s2-l2a | s2 | bands |" in card
    assert DualEncoder.from_pretrained(saved).model_id in card


def test_a_changed_configuration_is_noticed(saved):
    file = saved / "config.json"
    data = json.loads(file.read_text())
    data["towers"]["rgb"]["activation"] = "quickgelu"
    file.write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match=r"have digest \w{12}, but config.json says"):
        DualEncoder.from_pretrained(saved)


def test_changed_weights_are_noticed(saved):
    state = load_file(saved / "model.safetensors")
    state["logit_scale"] = state["logit_scale"] + 1
    save_file(state, saved / "model.safetensors")
    with pytest.raises(CheckpointError, match="have digest"):
        DualEncoder.from_pretrained(saved)


def without_digest(saved):
    file = saved / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"digest": None}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("ln_final.weight"), "1 missing keys: ln_final.weight"),
        (lambda state: state.update(extra=torch.zeros(1)), "1 unexpected keys: extra"),
        (lambda state: state.update(text_projection=torch.zeros(2, 2)), r"text_projection is \(2, 2\), not \(64, 48\)"),
        (lambda state: [state.pop(key) for key in list(state) if "mlp" in key], "24 missing keys: .* and 19 more"),
    ],
)
def test_weights_that_do_not_fit_are_named(saved, change, said):
    without_digest(saved)
    state = load_file(saved / "model.safetensors")
    change(state)
    save_file(state, saved / "model.safetensors")
    with pytest.raises(CheckpointError, match=said):
        DualEncoder.from_pretrained(saved)


@pytest.mark.parametrize("damage", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", b"\xff" * 64])
def test_damaged_weights_are_refused(saved, damage):
    (saved / "model.safetensors").write_bytes(damage)
    with pytest.raises(CheckpointError):
        DualEncoder.from_pretrained(saved)


def test_missing_weights_are_named(saved):
    (saved / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no model.safetensors in"):
        DualEncoder.from_pretrained(saved)


def test_an_interrupted_save_leaves_no_model(tmp_path, monkeypatch):
    from swath.models import checkpoint

    tiny_model().save_pretrained(tmp_path)

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "model_card", stop)
    with pytest.raises(KeyboardInterrupt):
        tiny_model(seed=1).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        DualEncoder.from_pretrained(tmp_path)


def test_loading_is_quiet(saved):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DualEncoder.from_pretrained(saved)


def test_a_model_with_a_narrow_vocabulary_round_trips(tmp_path):
    text = tiny_config().text.model_dump() | {"merges": 17}
    tiny_model(tiny_config(text=text)).save_pretrained(tmp_path)
    assert DualEncoder.from_pretrained(tmp_path).text.tokenizer.vocab_size == 531


def test_loading_draws_no_initial_values(saved, monkeypatch):
    """They would be thrown away."""

    def drawn(*_, **__):
        raise AssertionError("an initial value was drawn")

    for name in ("normal_", "uniform_"):
        monkeypatch.setattr(torch.Tensor, name, drawn, raising=False)
    state = torch.get_rng_state()
    DualEncoder.from_pretrained(saved)
    assert torch.equal(torch.get_rng_state(), state)


def test_loading_does_not_import_the_compiler(saved):
    code = "import sys\nfrom swath.models import DualEncoder\nDualEncoder.from_pretrained(sys.argv[1])\n"
    code += "print('torch._dynamo' in sys.modules, 'sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, saved], capture_output=True, text=True, check=True, timeout=240)
    assert done.stdout == "False False\n"
