"""The root of the command line: global options and one line for each command group."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Annotated

import typer

from swath._version import __version__
from swath.cli import (
    archive,
    ask,
    caption,
    corpus,
    data,
    evaluate,
    index,
    join,
    localize,
    models,
    sandbox,
    search,
    serve,
    train,
)
from swath.cli.failures import Commands

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Search Earth-observation archives by meaning: by words, by an example image, by a place, or by all at once.",
    epilog="Exit codes: 0 success, 1 the work failed, 2 bad usage, 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"swath {__version__}")
        raise typer.Exit


def _one_line(message: Warning | str, *_: object, **__: object) -> str:
    """A warning without the place in the source that it came from."""
    return f"warning: {message}\n"


@app.callback()
def root(
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on standard error.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; the same as SWATH_DEBUG=1.")] = False,
) -> None:
    """Set up logging (standard error only) before any command runs."""
    if debug:
        os.environ["SWATH_DEBUG"] = "1"
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s: %(message)s",
        force=True,
    )
    warnings.formatwarning = _one_line


app.command()(index.index)
app.command()(search.search)
app.command()(localize.localize)
app.command()(ask.ask)
app.command()(caption.caption)
app.add_typer(archive.app, name="archive")
app.add_typer(corpus.app, name="corpus")
app.command()(sandbox.sandbox)
app.command()(models.models)
app.command()(models.convert)
app.command()(join.join)
app.command()(train.train)
app.command()(serve.serve)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line; see `swath.cli.failures` for the exit codes."""
    app(prog_name="swath")
