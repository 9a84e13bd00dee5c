"""A recipe so small that it trains in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generate import captions
from swath.training import Recipe

MODEL: dict[str, Any] = {
    "name": "tiny",
    "embed_dim": 16,
    "text": {"type": "clip", "context_length": 24, "merges": 300, "width": 32, "heads": 2, "layers": 1},
    "towers": {
        "rgb": {
            "type": "convnet",
            "image_size": 32,
            "resize": "squash",
            "widths": [8, 16],
            "depths": [1, 1],
            "hidden": 24,
            "drop_path": 0.2,
            "dropout": 0.1,
        }
    },
    "sensors": {"*": {"tower": "rgb"}},
}


def tiny_recipe(folder: Path, *overrides: str, per_class: int = 6) -> Recipe:
    """A recipe over generated pictures; writes them on the first call."""
    data = folder / "data"
    if not data.exists():
        captions.karpathy(data / "pairs", per_class=per_class)
        captions.class_folders(data / "folders", per_class=3)
    recipe = {
        "model": MODEL,
        "data": {
            "root": str(data),
            "cache_size": 40,
            "train": [
                {"path": "pairs"},
                {"path": "folders", "split": None, "per_epoch": 4, "templates": ["a picture of {label} ."]},
            ],
            "validation": {"path": "pairs"},
        },
        "batch": {"size": 8, "captions": 2, "word_dropout": 0.2, "full_stop_dropout": 0.5},
        "augment": {"sizes": [24, 32]},
        "objective": {"class_weight": 0.5},
        "optim": {"epochs": 4, "lr": 5e-3, "matrices": "muon", "average": 0.9},
        "output": str(folder / "run"),
        "precision": "no",
        "tensorboard": False,
    }
    file = folder / "recipe.yaml"
    file.write_text(Recipe.parse(recipe).to_yaml())
    return Recipe.load(file, overrides)
