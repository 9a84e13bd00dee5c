from __future__ import annotations

import os
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from generate.models import tiny_config, tiny_model
from swath.errors import CheckpointError, InputError
from swath.models import DualEncoder, zoo
from swath.models.convert import convert_checkpoint, read_foreign, unwrap
from swath.models.export import export_checkpoint

TEXTS = ["a plane", "many boats in a harbor"]


@pytest.fixture
def state():
    # Heads are one per 64 of width in CLIP, so a width of 64 is converted with one head.
    one_head = {"heads": 1}
    config = tiny_config(
        text=tiny_config().text.model_dump() | one_head,
        towers={"rgb": tiny_config().towers["rgb"].model_dump() | one_head},
    )
    return tiny_model(config).state_dict()


def save(state, path):
    torch.save(state, path)
    return path


def prefixed(state, prefix):
    return {prefix + key: value for key, value in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 20, "name": "run", "state_dict": prefixed(state, "module."), "optimizer": {"lr": 1e-9}},
        lambda state: {"model": state},
        lambda state: prefixed(prefixed(state, "model."), "module."),
        lambda state: prefixed(prefixed(state, "module."), "_orig_mod."),
        lambda state: (
            state
            | {
                "input_resolution": torch.tensor(32),
                "context_length": torch.tensor(32),
                "vocab_size": torch.tensor(2514),
            }
        ),
        lambda state: {
            key if key.startswith(("visual.", "logit")) else "text." + key: value for key, value in state.items()
        },
        lambda state: state | {"logit_scale": state["logit_scale"][None]},
    ],
)
def test_every_wrapping_gives_the_same_model(state, wrap, tmp_path):
    config = convert_checkpoint(save(wrap(state), tmp_path / "m.pt"), tmp_path / "out", name="m", activation="gelu")
    model = DualEncoder.from_pretrained(tmp_path / "out", dtype="float32")
    assert model.model_id == f"m@{config.digest}"
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert config.towers["rgb"].options["patch_size"] == 8
    assert config.text.context_length == 32
    assert config.provenance == {"file": "m.pt", "activation": "gelu, as given"}


def test_safetensors_and_half_precision(state, tmp_path):
    save_file({key: value.half() for key, value in state.items()}, tmp_path / "m.safetensors")
    convert_checkpoint(tmp_path / "m.safetensors", tmp_path / "out", activation="quickgelu", license="MIT")
    model = DualEncoder.from_pretrained(tmp_path / "out", dtype="float32")
    assert model.config.name == "m"
    assert model.config.license == "MIT"
    assert model.config.text.options["activation"] == "quickgelu"
    assert model.dtype == torch.float32


def test_the_activation_is_never_guessed(state, tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot be seen from its weights, and m.pt is not in the zoo"):
        convert_checkpoint(save(state, tmp_path / "m.pt"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_zoo_knows_a_file_by_its_name(state, tmp_path):
    file = save(state, tmp_path / "RemoteCLIP-ViT-B-32.pt")
    with pytest.raises(CheckpointError, match="is a ViT-64x2-8, but remoteclip-vit-b-32 is a ViT-B-32"):
        convert_checkpoint(file, tmp_path / "out")


def test_the_zoo_gives_activation_statistics_and_licence(state, tmp_path, monkeypatch):
    entry = zoo.ZooEntry(
        "known", "ViT-64x2-8", None, "known.pt", "quickgelu", "a note", 32, "MIT", (0.5,) * 3, (0.5,) * 3
    )
    monkeypatch.setattr(zoo, "ENTRIES", (entry,))
    config = convert_checkpoint(save(state, tmp_path / "known.pt"), tmp_path / "out")
    assert (config.name, config.license, config.towers["rgb"].mean) == ("known", "MIT", (0.5,) * 3)
    assert config.provenance["activation"] == "quickgelu, from the zoo: a note"
    other = convert_checkpoint(tmp_path / "known.pt", tmp_path / "other", activation="gelu")
    assert other.provenance["activation"] == "gelu, as given (the zoo says quickgelu)"
    assert other.digest != config.digest


def test_two_position_tables_stay_two(state, tmp_path):
    kept, rest = torch.randn(32, 64), torch.randn(32, 64)
    state |= {"positional_embedding": kept, "positional_embedding_res": rest}
    config = convert_checkpoint(save(state, tmp_path / "m.pt"), tmp_path / "out", activation="gelu")
    assert config.text.options["kept_positions"] == 20
    table = DualEncoder.from_pretrained(tmp_path / "out", dtype="float32").text.positions()
    assert torch.equal(table[:20], kept[:20])
    assert torch.equal(table[20:], rest[20:])


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("visual.layer1.0.conv1.weight", "a ResNet image tower"),
        ("visual.trunk.stem.weight", "a timm image tower"),
        ("multimodal_decoder.layers.0.ln_1.weight", "a captioner of another layout than OpenCLIP's CoCa"),
        ("logit_bias", "a SigLIP model"),
    ],
)
def test_other_architectures_point_to_the_adapter(state, tmp_path, key, said):
    file = save(state | {key: torch.zeros(1)}, tmp_path / "m.pt")
    with pytest.raises(CheckpointError, match=f"holds {said}, which is not supported natively.*open_clip:ARCH"):
        convert_checkpoint(file, tmp_path / "out", activation="gelu")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.update({"visual.transformer.resblocks.0.ls_1.gamma": torch.zeros(64)}), "unexpected keys"),
        (lambda state: state.pop("ln_final.bias"), "missing keys: ln_final.bias"),
        (lambda state: state.pop("visual.conv1.weight"), "no visual.conv1.weight"),
        (
            lambda state: state.update({"vision_model.post_layernorm.bias": torch.zeros(3)}),
            "transformers library's CLIP",
        ),
        (lambda state: state.update({"ln_final.bias": torch.zeros(3)}), "wrong shapes"),
    ],
)
def test_keys_and_shapes_are_checked(state, tmp_path, change, said):
    change(state)
    with pytest.raises(CheckpointError, match=said):
        convert_checkpoint(save(state, tmp_path / "m.pt"), tmp_path / "out", activation="gelu")


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("protocol", ["torch", "pickle"])
def test_a_hostile_pickle_is_refused_and_does_not_run(state, tmp_path, protocol):
    marker, file = tmp_path / "ran", tmp_path / "evil.pt"
    payload = {"state_dict": state, "extra": Hostile(marker)}
    if protocol == "torch":
        torch.save(payload, file)
    else:
        file.write_bytes(pickle.dumps(Hostile(marker), protocol=2))
    with pytest.raises(CheckpointError, match="is refused: it holds more than tensors"):
        convert_checkpoint(file, tmp_path / "out", activation="gelu")
    assert not marker.exists()


def test_torchscript_is_refused(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "jit.pt"))
    with pytest.raises(CheckpointError, match="TorchScript"):
        read_foreign(tmp_path / "jit.pt")


@pytest.mark.parametrize("data", [b"", b"not a checkpoint", b"this is not a tiff", b"PK\x03\x04 cut short"])
def test_damaged_files_are_refused(tmp_path, data):
    (tmp_path / "m.pt").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"m\.pt"):
        read_foreign(tmp_path / "m.pt")


@pytest.mark.parametrize("data", [[1, 2], {}, {"state_dict": {}}, {1: torch.zeros(1)}])
def test_no_state_dict_inside(data):
    with pytest.raises(CheckpointError, match=r"no state dict|not an OpenCLIP state dict"):
        unwrap(data)


def test_weights_that_lie_otherwise_in_memory(state, tmp_path):
    """As a model in channels_last saves them."""
    turned = state | {"visual.conv1.weight": state["visual.conv1.weight"].to(memory_format=torch.channels_last)}
    torch.save(turned, tmp_path / "w.pt")
    convert_checkpoint(tmp_path / "w.pt", tmp_path / "model", activation="gelu")
    written = load_file(tmp_path / "model" / "model.safetensors")
    assert all(torch.equal(value, written[key]) for key, value in state.items())


def test_nothing_is_written_over_what_it_is_made_from(state, tmp_path):
    file = tmp_path / "model.safetensors"
    save_file(state, file)
    with pytest.raises(InputError, match=r"would take the place of .*model\.safetensors"):
        convert_checkpoint(file, tmp_path, activation="gelu")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    model = tiny_model().save_pretrained(tmp_path / "model")
    (tmp_path / "link").symlink_to(model)
    with pytest.raises(InputError, match=r"holds the weights of .* itself"):
        export_checkpoint(model, tmp_path / "link" / "model.safetensors")
    assert DualEncoder.from_pretrained(model, dtype="float32").model_id == tiny_model().model_id


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no file .*m\.pt"):
        convert_checkpoint(tmp_path / "m.pt", tmp_path / "out", activation="gelu")
