"""Chains of recipes: progressive transfer, as from optical image-text pairs to radar ones and on to a task.

    swath train chain.yaml data.root=/data output=runs/chain

A chain is a YAML file with ``stages``: each a recipe of any kind, with data, freezing and learning rates of its own,
that starts from the model of the stage before. Everything else at the top, such as ``data: {root: ...}``, is laid over
every stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from swath.errors import RecipeError
from swath.training.kinds import OtherRecipe, mapping_of, parse_recipe
from swath.training.parts import RecipePart
from swath.training.recipe import Recipe
from swath.training.recipe_files import laid_over, read_mapping
from swath.training.result import RunResult

AnyRecipe = Recipe | OtherRecipe


class EvaluationSet(RecipePart):
    """A set that every stage's model is measured on, to see what the stage added.

    Attributes:
        name: what reports call it.
        path: the data set, relative to the chain's ``data.root``.
        split: its split; None takes all.
        sensor: only images of this sensor.
    """

    name: str
    path: Path
    split: str | None = "val"
    sensor: str | None = None


class _Head(RecipePart):
    """What a chain says of itself."""

    kind: Literal["chain"] = "chain"
    stages: tuple[dict[str, Any], ...] = Field(min_length=1)
    evaluation: tuple[EvaluationSet, ...] = ()
    start: str | None = None
    skip: tuple[str, ...] = ()
    output: Path = Path("runs/chain")


@dataclass(frozen=True, slots=True)
class Stage:
    """One recipe of a chain.

    Attributes:
        name: its name.
        recipe: the recipe; ``init`` of any but the first is the model of the stage before, unless it says another.
        follows: whether it starts from the stage before.
    """

    name: str
    recipe: AnyRecipe
    follows: bool


@dataclass(frozen=True, slots=True)
class ChainRecipe:
    """Recipes to be trained one after the other.

    Attributes:
        stages: the recipes.
        evaluation: what models are measured on between them.
        root: folder that the evaluation sets' paths are relative to.
        start: the model that the first stage starts from, where its recipe does not say.
        output: the chain's folder: one folder a stage, ``chain.json``, ``chain.md`` and the last model in ``best``.
        kind: ``chain``.
    """

    stages: tuple[Stage, ...]
    evaluation: tuple[EvaluationSet, ...]
    root: Path
    start: str | None
    output: Path
    kind: str = "chain"

    @classmethod
    def parse(cls, data: dict[str, Any], origin: str = "the chain") -> ChainRecipe:
        """Check a chain given as a dictionary.

        Args:
            data: the mapping. Of a stage, ``name`` is its name and ``extends`` the recipe it is laid over; what stands
                at the chain's top is laid over the stage. ``skip`` names stages to leave out, where `start` is a model
                that has them behind it.
            origin: the file, for messages; recipes that stages extend are looked for beside it.

        Raises:
            RecipeError: naming each wrong field.
        """
        own = {key: value for key, value in data.items() if key in _Head.model_fields}
        shared = {key: value for key, value in data.items() if key not in own}
        head = _Head.parse(own, origin)
        names = [str(entry.get("name", number)) for number, entry in enumerate(head.stages, 1)]
        for kind, given in (("stage", names), ("evaluation set", [entry.name for entry in head.evaluation])):
            twice = next((name for name in given if given.count(name) > 1), None)
            if twice is not None:
                raise RecipeError(f"{origin}: two of {kind} {twice!r}; give each a name of its own")
        unknown = next((name for name in head.skip if name not in names), None)
        if unknown is not None or len(set(head.skip)) == len(names):
            raise RecipeError(f"{origin}: skip: {unknown or 'every stage'!r}: stages are {', '.join(names)}")
        if head.skip and head.start is None:
            raise RecipeError(f"{origin}: skip leaves out stages: say with start which model has them behind it")
        stages: list[Stage] = []
        for name, entry in zip(names, head.stages, strict=True):
            if name not in head.skip:
                stages.append(_stage(name, entry, shared, origin, first=not stages, start=head.start))
        root = Path(str((shared.get("data") or {}).get("root", ".")))
        return cls(tuple(stages), head.evaluation, root, head.start, head.output)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, every stage with its defaults spelled out; `parse` takes them back."""
        stages = []
        for stage in self.stages:
            mapping = {"name": stage.name, **mapping_of(stage.recipe)}
            stages.append({key: value for key, value in mapping.items() if key != "init" or not stage.follows})
        return {
            "kind": self.kind,
            "stages": stages,
            "evaluation": [entry.model_dump(mode="json") for entry in self.evaluation],
            "data": {"root": str(self.root)},
            "start": self.start,
            "output": str(self.output),
        }


def train_chain(
    chain: ChainRecipe,
    *,
    check: bool = False,
    progress: Any = None,  # noqa: ANN401 - `swath.training.loop.Progress`
) -> RunResult:
    """Train every stage of a chain; see `swath.training.chain_run.run_chain`."""
    from swath.training.chain_run import run_chain

    return run_chain(chain, check=check, progress=progress)


def _stage(
    name: str, entry: dict[str, Any], shared: dict[str, Any], origin: str, *, first: bool, start: str | None
) -> Stage:
    where = f"{origin}, stage {name}"
    mapping = {key: value for key, value in entry.items() if key not in ("name", "extends")}
    base = entry.get("extends")
    if base is not None:
        beside = Path(origin).parent / str(base)
        below, _ = read_mapping(beside if beside.is_file() else str(base))
        mapping = laid_over({key: value for key, value in below.items() if key != "init"}, mapping)
        if first and "init" in below:
            mapping.setdefault("init", below["init"])
    mapping = laid_over(mapping, shared)
    if "stages" in mapping:
        raise RecipeError(f"{where}: a stage cannot be a chain; list its stages here")
    follows = not first and mapping.get("init") is None
    if follows:
        mapping["init"] = "the stage before"
    elif first and mapping.get("init") is None and start is not None:
        mapping["init"] = start
    return Stage(name, parse_recipe(mapping, where), follows)
