from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

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
