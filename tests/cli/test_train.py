from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from generate.recipes import tiny_recipe
from swath.models import DualEncoder


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
