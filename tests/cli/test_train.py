from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generate.recipes import tiny_recipe
from swath.models import DualEncoder
from swath.training import recipe_names
from swath.training.kinds import load_recipe, mapping_of


def recipe(folder: Path) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(tiny_recipe(folder, f"output={folder / 'run'}").to_yaml())
    return path


def test_a_recipe_becomes_a_model(run_json: Callable[..., Any], tmp_path: Path) -> None:
    done = run_json("train", recipe(tmp_path), "optim.epochs=2")
    assert (done["epochs"], done["check"]) == (2, False)
    assert DualEncoder.from_pretrained(done["model"]).dim > 0


def test_check_leaves_nothing_behind(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("train", recipe(tmp_path), "--check")
    assert done.exit_code == 0, done.output
    assert "the recipe works" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_wrong_field_is_bad_usage(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("train", recipe(tmp_path), "optim.lr=-1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "lr" in done.stderr
    assert run("train", tmp_path / "nothing.yaml").exit_code == 2


def test_recipes_are_listed_with_what_they_train(run: Callable[..., Any], run_json: Callable[..., Any]) -> None:
    listed = {entry["name"]: entry["title"] for entry in run_json("train", "--list")}
    assert sorted(listed) == recipe_names()
    assert listed["geoclosp"].startswith("GeoCLOSP: CLOSP with the place of every image")
    assert all(title.endswith(".") and len(title) > 20 for title in listed.values())
    assert "ebaker_code" in run("train", "--list").stdout


@pytest.mark.parametrize("name", ["ebaker", "sar_rs_coca", "sar_gpt"])
def test_a_printed_recipe_is_the_same_recipe(run: Callable[..., Any], tmp_path: Path, name: str) -> None:
    done = run("train", name, "output=elsewhere", "--print")
    assert done.exit_code == 0, done.output
    (tmp_path / "printed.yaml").write_text(done.stdout)
    printed = load_recipe(tmp_path / "printed.yaml")
    assert mapping_of(printed) == mapping_of(load_recipe(name, ["output=elsewhere"]))
    assert mapping_of(printed)["output"] == "elsewhere"


def test_without_a_recipe_the_list_is_named(run: Callable[..., Any]) -> None:
    done = run("train")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "swath train --list" in done.stderr
