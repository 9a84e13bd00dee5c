from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from generate import captions
from generate.recipes import MODEL, tiny_recipe
from swath.data import read_dataset
from swath.data.exclusions import read_exclusions
from swath.errors import CheckpointError
from swath.training import Recipe, train
from swath.training.batches import TrainingSet
from swath.training.elimination import REPORT, Elimination
from swath.training.objective import EliminationRecipe
from swath.training.step import Seen

COLOURS = {
    "red": (200, 40, 40),
    "green": (40, 170, 60),
    "blue": (40, 60, 200),
    "yellow": (210, 200, 50),
    "white": (235, 235, 235),
    "black": (25, 25, 25),
}
PER_COLOUR, PLANTED = 40, 12


def fields(folder: Path) -> set[str]:
    """Pictures of one colour with a caption that names it; returns the images whose caption names another."""
    rng = np.random.default_rng(0)
    names = list(COLOURS)
    entries = []
    for number in range(len(names) * (PER_COLOUR + 2)):
        colour = names[number % len(names)]
        noise = rng.normal(0, 12, (32, 32, 3))
        captions.save(folder / f"images/{number}.png", (np.array(COLOURS[colour]) + noise).clip(0, 255).astype("uint8"))
        split = "train" if number < len(names) * PER_COLOUR else "val"
        entries.append({"filename": f"{number}.png", "split": split, "colour": colour})
    planted = rng.choice(len(names) * PER_COLOUR, PLANTED, replace=False)
    for number, entry in enumerate(entries):
        colour = str(entry.pop("colour"))
        if number in planted:
            colour = names[(names.index(colour) + 1 + int(rng.integers(len(names) - 1))) % len(names)]
        entry["sentences"] = [{"raw": f"a {colour} field ."}]
    (folder / "dataset_fields.json").write_text(json.dumps({"dataset": "fields", "images": entries}))
    return {f"{number}.png" for number in planted}


def test_wrong_captions_are_what_is_eliminated(tmp_path: Path) -> None:
    """One caption in twenty names another colour; most of what is left out must be among them."""
    planted = fields(tmp_path / "fields")
    recipe = Recipe.parse(
        {
            "model": MODEL,
            "data": {
                "root": str(tmp_path),
                "cache_size": 32,
                "train": [{"path": "fields"}],
                "validation": {"path": "fields"},
            },
            "batch": {"size": 24},
            "augment": {"sizes": [32], "colour": 0.0},
            "objective": {"elimination": {"ratio": 0.05, "start_epoch": 3, "report": 30}},
            "optim": {"epochs": 5, "lr": 5e-3, "average": 0.9},
            "output": str(tmp_path / "run"),
            "precision": "no",
            "tensorboard": False,
        }
    )
    result = train(recipe)
    with (result.directory / REPORT).open(newline="") as file:
        rows = list(csv.DictReader(file))
    out = [row["image"] for row in rows if row["eliminated"] == "yes"]
    precision = len(planted & set(out)) / len(out)
    assert len(out) == PLANTED
    assert precision >= 0.75  # chance: 0.05
    lines = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    shares = [line.get("eliminated") for line in lines if line["group"] == "train"]
    assert shares[:3] == [None] * 3
    assert all(0.01 < share < 0.15 for share in shares[3:])
    similarities = [float(row["similarity"]) for row in rows]
    assert similarities == sorted(similarities)
    assert len(rows) == 30
    assert len(read_exclusions(result.directory / REPORT).apply(read_dataset(tmp_path / "fields"))) == 252 - 30


@pytest.mark.parametrize("scheme", ["joint", "split"])
def test_a_ratio_that_leaves_almost_nothing_never_empties_a_batch(tmp_path: Path, scheme: str) -> None:
    weak = f"{{ratio: 0.99, start_epoch: 1, scheme: {scheme}}}"
    terms = (f"objective.elimination={weak}", "objective.local={scale: 5.0}", "batch={size: 8, captions: 1}")
    result = train(tiny_recipe(tmp_path, *terms, "optim.epochs=3"))
    lines = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    losses = [line for line in lines if line["group"] == "train"]
    assert all(math.isfinite(line["loss"]) for line in losses)
    assert all(0.5 < line["eliminated"] <= 7 / 8 for line in losses[1:])


def test_no_epoch_before_the_start_has_a_threshold() -> None:
    elimination = Elimination(EliminationRecipe(ratio=0.5, start_epoch=1), 4)
    elimination.record(Seen(torch.arange(4), {"global": torch.tensor([0.4, 0.1, 0.3, 0.2])}))
    assert elimination.thresholds(0) is None
    assert elimination.thresholds(1) == {"global": float("-inf")}
    elimination.close_epoch()
    assert elimination.thresholds(1) == {"global": pytest.approx(0.2)}


def test_the_banks_of_other_data_are_refused() -> None:
    state = Elimination(EliminationRecipe(), 4).state_dict()
    with pytest.raises(CheckpointError, match="5 pairs"):
        Elimination(EliminationRecipe(), 5).load_state_dict(state)


def test_the_report_names_captions_as_the_data_set_has_them(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    annotations = next((recipe.data.root / "pairs").glob("*.json"))
    annotations.write_text(annotations.read_text().replace("a white plane .", "a  white plane . "))
    data = TrainingSet(recipe)
    elimination = Elimination(EliminationRecipe(report=1), data.pair_count)
    elimination.record(Seen(torch.arange(3), {"global": torch.tensor([0.5, 0.4, 0.1])}))
    elimination.close_epoch()
    elimination.write_report(tmp_path, data)
    with (tmp_path / REPORT).open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["dataset"], row["split"], row["image"]) == ("tiny", "train", "airport_0.png")
    assert row["caption"].split() == ["a", "white", "plane", "."]
    assert row["caption"] in data._pairs[0].captions
