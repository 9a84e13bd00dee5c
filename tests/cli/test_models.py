from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from generate import long_clip
from generate.captions import karpathy
from generate.models import tiny_config, tiny_model
from swath.models import DualEncoder


def test_models_are_listed_with_what_their_files_do_not_say(
    run: Callable[..., Any], run_json: Callable[..., Any]
) -> None:
    found = {entry["name"]: entry for entry in run_json("models")["models"]}
    assert found["clip-vit-b-32-openai"]["activation"] == "quickgelu"
    assert "swath-mini" in found
    shown = run("models").stdout
    assert all(name in shown for name in found)


def test_convert_writes_a_model_that_loads(run_json: Callable[..., Any], tmp_path: Path) -> None:
    config = tiny_config(text={"type": "clip", "context_length": 16, "width": 64, "heads": 1, "layers": 1})
    torch.save(tiny_model(config).state_dict(), tmp_path / "foreign.pt")
    done = run_json("convert", tmp_path / "foreign.pt", "--to", tmp_path / "out", "--activation", "gelu")
    assert done["directory"] == str(tmp_path / "out")
    assert DualEncoder.from_pretrained(tmp_path / "out").dim == 48


def test_convert_without_activation_says_what_to_give(run: Callable[..., Any], tmp_path: Path) -> None:
    torch.save(tiny_model().state_dict(), tmp_path / "foreign.pt")
    done = run("convert", tmp_path / "foreign.pt")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "--activation" in done.stderr


def test_a_model_is_stretched_to_any_context(run_json: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    done = run_json("convert", model, "--context", 100, "--keep", 10, "--to", tmp_path / "long")
    assert done["config"]["text"]["context_length"] == 100
    loaded = DualEncoder.from_pretrained(tmp_path / "long", device="cpu", dtype="float32")
    before = DualEncoder.from_pretrained(model, device="cpu", dtype="float32")
    texts = ["a plane", "many trees"]
    assert torch.equal(loaded.encode_texts(texts).pooled, before.encode_texts(texts).pooled)
    by_ratio = run_json("convert", model, "--ratio", 2, "--keep", 12, "--to", tmp_path / "ratio", "--name", "twice")
    assert (by_ratio["config"]["text"]["context_length"], by_ratio["config"]["name"]) == (52, "twice")


def test_the_packaged_model_is_stretched(run_json: Callable[..., Any], tmp_path: Path) -> None:
    done = run_json("convert", "swath-mini", "--context", 600, "--positions", "two-tables", "--to", tmp_path / "mini")
    assert done["config"]["text"]["kept_positions"] == 20
    loaded = DualEncoder.from_pretrained(tmp_path / "mini", device="cpu", dtype="float32")
    assert loaded.encode_texts(["river " * 590], truncation="error").tokens.shape[1] == 592


def test_long_clip_files_go_in_and_out(run_json: Callable[..., Any], tmp_path: Path) -> None:
    state = long_clip.state_dict()
    torch.save(state, tmp_path / "published.pt")
    run_json("convert", tmp_path / "published.pt", "--to", tmp_path / "model", "--activation", "quickgelu")
    done = run_json("convert", tmp_path / "model", "--layout", "long-clip", "--to", tmp_path / "back.pt")
    assert done["tensors"] == len(state)
    back = torch.load(tmp_path / "back.pt", weights_only=True)
    assert all(torch.equal(back[key], value) for key, value in state.items())
    joined = run_json("convert", tmp_path / "model", "--positions", "joined", "--to", tmp_path / "joined")
    assert "kept_positions" not in joined["config"]["text"]


def test_bad_usage_of_convert(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    for arguments, code, said in (
        ((model,), 2, "say what to make of it"),
        ((model, "--context", 20), 2, "cannot be stretched to fewer"),
        ((model, "--context", 100, "--activation", "gelu"), 2, "--activation and --license are for checkpoint files"),
        ((model, "--layout", "long-clip", "--context", 100), 2, "--layout takes a model and --to alone"),
        ((tmp_path / "none.pt",), 1, "there is no file"),
        (("no-such-model", "--context", 100), 1, "there is no model"),
    ):
        done = run("convert", *arguments, "--to", tmp_path / "out.pt")
        assert done.exit_code == code, done.output
        assert said in " ".join(done.stderr.replace("│", " ").split())


def test_joined_models_are_one_model(run_json: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    done = run_json("join", model, model, "--to", tmp_path / "twice")
    again = DualEncoder.from_pretrained(tmp_path / "twice", dtype="float32")
    assert (done["model"], done["dim"]) == (again.model_id, again.dim)
    assert done["captioners_left"] == []
    alone = DualEncoder.from_pretrained(model, dtype="float32")
    texts = ["many trees", "a plane"]
    found, wanted = (part.encode_texts(texts).pooled for part in (again, alone))
    torch.testing.assert_close(found @ found.T, wanted @ wanted.T, atol=1e-5, rtol=0)


def test_a_joined_model_is_centred_on_training_data(run_json: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    plain = run_json("join", model, "--to", tmp_path / "plain")
    centred = run_json("join", model, "--to", tmp_path / "centred", "--centre", karpathy(tmp_path / "data"))
    assert centred["model"] != plain["model"]
    found = DualEncoder.from_pretrained(tmp_path / "centred", dtype="float32")
    assert float(found.text.centre.norm()) > 0
