"""Training the compact answerer."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from generate.models import tiny_model
from generate.processes import torchrun
from swath.errors import RecipeError, TrainingError
from swath.models import DualEncoder
from swath.models.answerer import load_answerer
from swath.raster import read_image
from swath.training import checkpoint
from swath.training.answerer import AnswererRecipe, train_answerer
from swath.training.answerer_fit import configure, lessons_of, steps_of
from swath.training.kinds import load_recipe, train_any

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and blue and green pictures of which the blue show ships: 0 to 3 of them."""
    folder = tmp_path_factory.mktemp("vqa")
    tiny_model().save_pretrained(folder / "tiny")
    rng = np.random.default_rng(0)
    questions = []
    for number in range(16):
        blue = number % 2 == 0
        data = rng.integers(0, 60, (32, 32, 3)).astype(np.uint8)
        data[..., 2 if blue else 1] += 150
        Image.fromarray(data).save(folder / f"{number}.png")
        ships = 2 if blue else 0
        asked = {
            "Is a ship present?": "yes" if blue else "no",
            "How many ships are there?": str(ships),
            "Are there more ships than trees?": "yes" if blue else "no",
            "Are there less ships than trees?": "no" if blue else "yes",
            "Is it sea or land?": "sea" if blue else "land",
        }
        for text, answer in asked.items():
            kind = (
                "presence" if "present" in text else "count" if "many" in text else "comp" if "than" in text else "open"
            )
            questions.append({"image": f"{number}.png", "type": kind, "question": text, "answer": answer})
    (folder / "q.json").write_text(json.dumps({"images": [{}], "questions": questions}))
    return folder


def recipe(world: Path, output: Path, *changes: str) -> AnswererRecipe:
    changed = [f"init={world / 'tiny'}", f"data.root={world}", f"output={output}", "members=2", "optim.epochs=12"]
    changed += ["data.train=[{path: q.json}]", "optim.batch=40", "optim.lr=0.01", "dropout=0", *changes]
    found = load_recipe("answerer", changed)
    assert isinstance(found, AnswererRecipe)
    return found


def test_what_is_shown_is_learned_and_lies_beside_the_model(world: Path, tmp_path: Path) -> None:
    result = train_any(recipe(world, tmp_path / "run"))
    assert result.history[-1]["loss"] < 0.5 * result.history[0]["loss"]
    answerer = load_answerer(result.model, dtype="float32")
    assert answerer.encoder.model_id == DualEncoder.from_pretrained(world / "tiny").model_id
    blue, green = read_image(str(world / "0.png")), read_image(str(world / "1.png"))
    questions = [
        "How many ships are there?",
        "Is a ship present?",
        "Are there more ships than trees?",
        "Is it sea or land?",
    ]
    assert [one.text for one in answerer.answer([blue] * 4, questions)] == ["2", "yes", "yes", "sea"]
    assert [one.text for one in answerer.answer([green] * 4, questions)] == ["0", "no", "no", "land"]
    assert answerer.config.provenance["data"][0]["questions"] == 80


def test_a_run_that_was_cut_off_goes_on_to_the_same_weights(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_answerer(recipe(world, tmp_path / "whole", "optim.epochs=3"))
    kept = checkpoint.save_state
    saved = 0

    def killed(*arguments: object) -> None:
        nonlocal saved
        kept(*arguments)  # type: ignore[arg-type]
        saved += 1
        if saved == 4:  # in the second member's first epoch
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_state", killed)
    with pytest.raises(KeyboardInterrupt):
        train_answerer(recipe(world, tmp_path / "cut", "optim.epochs=3"))
    monkeypatch.setattr(checkpoint, "save_state", kept)
    again = train_answerer(recipe(world, tmp_path / "cut", "optim.epochs=3"))
    assert len(again.history) == 6
    assert load_answerer(again.model).model_id == load_answerer(whole.model).model_id


def test_images_are_encoded_once(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_answerer(recipe(world, tmp_path / "run", "optim.epochs=1", "members=1"))
    monkeypatch.setattr("swath.training.answerer.read_chip", lambda *_, **__: pytest.fail("read again"))
    train_answerer(recipe(world, tmp_path / "run", "optim.epochs=1", "members=1"))


@pytest.mark.slow
def test_of_two_processes_the_main_one_trains(world: Path, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe(world, tmp_path / "run", "optim.epochs=3").to_yaml())
    told = [json.loads(each) for each in torchrun("train", str(file), "--json")]
    assert [each["epochs"] for each in told] == [6, 6]
    logged = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in logged] == [1, 2, 3, 4, 5, 6]
    assert load_answerer(tmp_path / "run/model").config.members == 2


def test_another_recipe_in_the_same_folder_is_refused(world: Path, tmp_path: Path) -> None:
    train_answerer(recipe(world, tmp_path / "run", "optim.epochs=1", "members=1"))
    with pytest.raises(TrainingError, match="another recipe"):
        train_answerer(recipe(world, tmp_path / "run", "optim.epochs=2", "members=1"))


def test_a_trial_leaves_nothing_behind(world: Path, tmp_path: Path) -> None:
    result = train_any(recipe(world, tmp_path / "run"), check=True)
    assert result.epochs == 2
    assert not (tmp_path / "run").exists()
    assert not result.directory.exists()


def test_answers_that_cannot_be_given_are_left_out_and_counted() -> None:
    encoder = tiny_model()
    pairs = [
        ("How many?", "2"),
        ("How many?", "a few"),
        ("What is it?", "sea"),
        ("What is it?", "sea"),
        ("What is it?", "land"),
    ]
    config = configure(encoder, pairs, most_words=1)
    lessons, left_out = lessons_of(config, [(0, *pair) for pair in pairs] + [(0, "Is it there?", "perhaps")])
    assert config.words == ("sea",)
    assert (len(lessons), left_out) == (3, 3)


def test_many_numbers_become_a_grid_that_reaches_the_largest() -> None:
    assert steps_of([3, 1, 1]) == (0, 1, 3)
    steps = steps_of(range(0, 5000, 7))
    assert steps[0] == 0
    assert steps[-1] <= 5000 < steps[-1] * 1.5
    assert all(b / a <= 2 for a, b in pairwise(steps[1:]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [(["kind=oracle"], "oracle"), (["members=0"], "members"), (["optim.epoch=3"], r"optim\.epoch")],
)
def test_a_wrong_recipe_is_named(changes: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("answerer", changes)
