"""`swath train`: a recipe becomes a model."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress
from swath.errors import InputError


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A YAML file, or the name of a recipe that ships with swath.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Fields to change, such as optim.lr=1e-4.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Try everything out on a few images, in seconds, and leave nothing behind.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the recipes that ship with swath, and stop.")] = False,
    printing: Annotated[
        bool, typer.Option("--print", help="Print the recipe as YAML, with every setting it comes to, and stop.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train a model from a recipe, or from a chain of recipes; a run that was cut off goes on where it stopped.

    Example: swath train swath_mini data.root=/data output=runs/mini
    """
    if listing:
        _list(as_json)
        return
    if recipe is None:
        raise InputError("which recipe? Give a YAML file or a name (list them with: swath train --list)")
    if printing:
        _print(recipe, overrides or [], as_json)
        return
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


def _list(as_json: bool) -> None:
    from swath.training.recipe_files import recipe_titles

    titles = recipe_titles()
    if as_json:
        print_json([{"name": name, "title": title} for name, title in titles.items()])
        return
    print_table(["recipe", "*what it trains"], [[name, title] for name, title in titles.items()])


def _print(recipe: str, overrides: list[str], as_json: bool) -> None:
    import yaml

    from swath.training.kinds import load_recipe, mapping_of

    values = mapping_of(load_recipe(recipe, overrides))
    if as_json:
        print_json(values)
    else:
        typer.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), nl=False)
