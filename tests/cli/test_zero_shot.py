from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generate.captions import class_folders


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "classes"
    class_folders(folder, per_class=3)
    return folder


def test_the_json_contract(run_json: Callable[..., Any], model: Path, data: Path, tmp_path: Path) -> None:
    found = run_json("evaluate", "zero-shot", model, data, "--rounds", 30, "--to", tmp_path / "out")
    assert {"dataset", "split", "model", "metrics", "intervals", "per_class"} <= set(found)
    low, high = found["intervals"]["top1"]
    assert low <= found["metrics"]["top1"] <= high
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["metrics"] == found["metrics"]


def test_templates_names_and_averaging_are_options(
    run: Callable[..., Any], run_json: Callable[..., Any], model: Path, data: Path, tmp_path: Path
) -> None:
    found = run_json(
        "evaluate", "zero-shot", model, data, "--rounds", 0, "--averaging", "plain",
        "--template", "radar image of {}", "--template", "{}",
    )  # fmt: skip
    assert found["settings"]["templates"] == ["radar image of {}", "{}"]
    assert found["settings"]["averaging"] == "plain"
    (tmp_path / "t.txt").write_text("{} from space\n")
    shown = run("evaluate", "zero-shot", model, data, "--rounds", 0, "--templates", tmp_path / "t.txt")
    assert "{} from space" in shown.stdout
    assert "mean_per_class" in shown.stdout


def test_bad_usage(run: Callable[..., Any], model: Path, data: Path) -> None:
    both = run("evaluate", "zero-shot", model, data, "--template", "{}", "--templates", "ensemble")
    assert both.exit_code == 2
    none = run("evaluate", "zero-shot", model, data, "--template", "no place for a name")
    assert none.exit_code == 1
    assert "neither a list of templates" in none.stderr
