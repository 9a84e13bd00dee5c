from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generate.captions import karpathy
from generate.recipes import tiny_recipe
from swath.data import read_dataset


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two data sets; `two` has the pictures of `one` but for airport_0, under the same names."""
    one, two = karpathy(tmp_path / "one", name="one"), karpathy(tmp_path / "two", name="two")
    shutil.copy(karpathy(tmp_path / "three", seed=9) / "images/airport_0.png", two / "images/airport_0.png")
    return one, two


def test_a_planted_copy_is_found_and_listed(run_json: Callable[..., Any], tmp_path: Path) -> None:
    data = karpathy(tmp_path / "data")
    first, second = sorted((data / "images").iterdir())[:2]
    shutil.copy(first, second)
    found = run_json("data", "audit", data, "--to", tmp_path / "audit")
    assert found["summary"]["duplicate_groups"] >= 1
    members = {member["image"] for group in found["duplicates"] for member in group["members"]}
    assert {first.name, second.name} <= members
    assert {path.name for path in (tmp_path / "audit").iterdir()} == {"audit.json", "audit.html", "exclusions.csv"}


def test_people_get_counts(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("data", "audit", karpathy(tmp_path / "data"))
    assert done.exit_code == 0, done.output
    assert "distinct sets" in done.stdout
    assert "duplicate groups" in done.stdout
    assert "--to FOLDER" in done.stderr


def test_no_data_set_is_a_failure(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("data", "audit", tmp_path / "nothing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "nothing" in done.stderr


def test_data_sets_of_one_name_are_given_others(run: Callable[..., Any], tmp_path: Path) -> None:
    one, two = (karpathy(tmp_path / name, seed=seed) for seed, name in enumerate(("one", "two")))
    done = run("data", "audit", one, two)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "NAME=PATH" in done.stderr
    done = run("data", "audit", f"first={one}", two, "--json")
    assert [fact["dataset"] for fact in json.loads(done.stdout)["datasets"]] == ["first", "tiny"]


@pytest.mark.parametrize("copy", [False, True])
def test_merged_sets_are_one_set_without_copies(
    run_json: Callable[..., Any], folders: tuple[Path, Path], tmp_path: Path, copy: bool
) -> None:
    done = run_json("data", "merge", *folders, "--to", tmp_path / "out", *(["--copy"] if copy else []))
    merged = read_dataset(tmp_path / "out")
    assert done["file"] == str(tmp_path / "out" / "dataset_merged.json")
    # Of every picture that both have, the test copy stays in each set and one other copy goes.
    assert done["kept"] == {"one": {"train": 4, "val": 4, "test": 4}, "two": {"train": 1, "test": 4}}
    assert merged.splits == {"train": 5, "val": 4, "test": 8}
    assert done["reasons"] == {"duplicate across data sets": 7}
    assert json.loads((tmp_path / "out" / "merge.json").read_text()) == done
    assert (tmp_path / "out" / "images" / "one").is_symlink() != copy
    assert "two/airport_0.png" in {pair.name for pair in merged}


def test_merging_takes_an_audits_list(
    run: Callable[..., Any], run_json: Callable[..., Any], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    exclusions = tmp_path / "mine.csv"
    exclusions.write_text("dataset,image,reason\none,forest_0.png,looks wrong\n")
    done = run_json("data", "merge", *folders, "--to", tmp_path / "out", "--exclude", exclusions)
    assert done["reasons"] == {"looks wrong": 1, "duplicate across data sets": 6}
    again = run("data", "merge", *folders, "--to", tmp_path / "out")
    assert (again.exit_code, again.stdout) == (1, "")
    assert f"{tmp_path / 'out'} is in use; name a new folder" in again.stderr


def test_people_see_what_a_merge_kept(run: Callable[..., Any], folders: tuple[Path, Path], tmp_path: Path) -> None:
    done = run("data", "merge", *folders, "--to", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "train 4, val 4, test 4" in done.stdout
    assert "left out: duplicate across data sets  7" in done.stdout


def test_keywords_become_a_file_that_training_takes(
    run: Callable[..., Any], run_json: Callable[..., Any], tmp_path: Path
) -> None:
    recipe = tiny_recipe(tmp_path)
    data, file = recipe.data.root / "pairs", tmp_path / "lists" / "keywords.txt"
    found = run_json("data", "keywords", data, "--top", "5", "--to", file)
    assert file.read_text().split() == found["words"]
    assert len(found["words"]) == 5
    (facts,) = found["datasets"]
    assert facts["captions"] == 4 * 4 * 3  # train only: four of six images of each class
    assert list(facts["counts"]) == found["words"]
    assert facts["covered"] == sum(facts["counts"].values())
    recipe_file = tmp_path / "keywords.yaml"
    recipe_file.write_text(recipe.to_yaml())
    words = f"objective.keywords={{words: {file}, reasoner: {{layers: 1}}}}"
    done = run("train", recipe_file, words, "--check")
    assert done.exit_code == 0, done.output
    file.write_text("\n")
    done = run("train", recipe_file, words, "--check")
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"keyword list {file} is empty; write one word a line" in done.stderr


def test_keywords_of_captions_without_images(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "captions.csv").write_text("filename,title\na.png,many green trees\nb.png,a lake near trees\n")
    done = run("data", "keywords", tmp_path / "captions.csv")
    assert done.exit_code == 0, done.output
    assert "3: trees, green, lake" in done.stdout
    assert "--to FILE" in done.stderr
    unknown = run("data", "keywords", karpathy(tmp_path / "set"), "--split", "training")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "has no split 'training' to count; it has train, val, test" in unknown.stderr
