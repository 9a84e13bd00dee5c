"""`swath train`: a recipe becomes a model."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress


def train(
    recipe: Annotated[str, typer.Argument(help="A YAML file, or the name of a recipe that ships with swath.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Fields to change, such as optim.lr=1e-4.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Try everything out on a few images, in seconds, and leave nothing behind.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model from a recipe, or from a chain of recipes; a run that was cut off goes on where it stopped.

    Example: swath train swath_mini data.root=/data output=runs/mini
    """
    from swath.training.chain_result import ChainResult
    from swath.training.kinds import load_recipe, train_any
    from swath.training.processes import part

    # A line an epoch, on standard error, without --verbose.
    logging.getLogger("swath.training").setLevel(logging.INFO)
    with progress("steps") as advance:
        result = train_any(load_recipe(recipe, overrides or []), check=check, progress=advance)
    part()
    if as_json:
        print_json(result.to_dict() | {"check": check})
        return
    if check:
        note(f"the recipe works: {result.steps} steps in {result.seconds:.0f} s; nothing was kept")
        return
    if isinstance(result, ChainResult):
        print_table(["stage", "set", ">before", ">after", ">difference", "95 % interval", ">p"], result.rows())
    print_fields(
        {
            "model": result.model,
            result.metric: f"{result.best:.2f} (epoch {result.best_epoch} of {result.epochs})",
            "time": f"{result.seconds / 60:.1f} min, {result.steps} steps",
            "logs": result.directory,
        }
    )
