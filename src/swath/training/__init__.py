"""From a recipe to a trained model: `train(Recipe.load("swath_mini", ["data.root=..."]))`."""

from __future__ import annotations

from swath.training.loop import train
from swath.training.recipe import Recipe
from swath.training.recipe_files import recipe_names
from swath.training.result import RunResult

__all__ = ["Recipe", "RunResult", "recipe_names", "train"]
