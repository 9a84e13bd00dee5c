"""Recipes of other kinds than a dual encoder's: a recipe that says ``kind: NAME`` is of that kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self

from swath.errors import RecipeError
from swath.training.loop import Progress, train
from swath.training.parts import RecipePart
from swath.training.recipe import Recipe
from swath.training.recipe_files import read_mapping
from swath.training.result import RunResult

_KINDS = {
    "answerer": ("swath.training.answerer", "AnswererRecipe", "train_answerer"),
    "assistant": ("swath.training.assistant", "AssistantRecipe", "train_assistant"),
    "chain": ("swath.training.chain", "ChainRecipe", "train_chain"),
}
"""For each kind the module, the recipe's class and the function that trains it; imported only when wanted."""


class OtherRecipe(Protocol):
    """A recipe of another kind, checked."""

    @property
    def kind(self) -> str:
        """Its kind."""
        ...

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The recipe with some fields changed, as pydantic's models have it."""
        ...


def load_recipe(source: str | Path, overrides: Sequence[str] = ()) -> Recipe | OtherRecipe:
    """Read a recipe of any kind; arguments and errors are those of `Recipe.load`."""
    data, file = read_mapping(source, overrides)
    return parse_recipe(data, str(file))


def parse_recipe(data: dict[str, Any], origin: str = "the recipe") -> Recipe | OtherRecipe:
    """Check a recipe of any kind given as a dictionary; what lists stages is a chain.

    Raises:
        RecipeError: there is no such kind, or a field is wrong; the message names it.
    """
    kind = data.get("kind", "chain" if "stages" in data else None)
    if kind is None:
        return Recipe.parse(data, origin)
    if kind not in _KINDS:
        raise RecipeError(
            f"{origin}: kind {kind!r} is none of {', '.join(_KINDS)}; leave it out to train a dual encoder"
        )
    module, recipe, _ = _KINDS[kind]
    parsed: OtherRecipe = getattr(import_module(module), recipe).parse(data, origin)
    return parsed


def mapping_of(recipe: Recipe | OtherRecipe) -> dict[str, Any]:
    """A recipe of any kind as JSON values, with every default; `parse_recipe` takes it back."""
    if isinstance(recipe, RecipePart):
        return recipe.model_dump(mode="json")
    values: dict[str, Any] = getattr(recipe, "to_dict")()  # noqa: B009 - a chain, which this module does not import
    return values


def train_any(recipe: Recipe | OtherRecipe, *, check: bool = False, progress: Progress | None = None) -> RunResult:
    """Train what a recipe of any kind describes (see `swath.training.train`)."""
    if isinstance(recipe, Recipe):
        return train(recipe, check=check, progress=progress)
    module, _, function = _KINDS[recipe.kind]
    run: Any = getattr(import_module(module), function)
    result: RunResult = run(recipe, check=check, progress=progress)
    return result
