"""How every command ends when it does not end well: one clear line on standard error and an exit code.

| code | meaning |
|---|---|
| 0 | success |
| 1 | the work failed: a file, a model, an archive, the machine |
| 2 | bad usage: the command line or the recipe must change (`InputError`, `RecipeError`, unknown options) |
| 130 | interrupted with Ctrl-C; what was written before stays |
"""

from __future__ import annotations

import errno
import os
from typing import Any

import typer
from typer.core import TyperGroup

from swath.errors import InputError, RecipeError, SwathError

FAILURE = 1
BAD_USAGE = 2
INTERRUPTED = 130


class Commands(TyperGroup):
    """The root group: turns what the rooms raise into a line and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - click's own types, which typer does not export
        """Run the command; with ``SWATH_DEBUG`` set, let every exception through with its traceback."""
        try:
            return super().invoke(ctx)
        except Exception as failure:
            code = exit_code(failure)
            if code is None or debugging():
                raise
            typer.echo(f"error: {describe(failure)}", err=True)
            raise typer.Exit(code) from None
        except KeyboardInterrupt:
            typer.echo("interrupted; what was written before stays", err=True)
            raise typer.Exit(INTERRUPTED) from None


def debugging() -> bool:
    """Whether tracebacks are wanted: `--debug`, or ``SWATH_DEBUG`` set to anything but 0 or nothing."""
    return os.environ.get("SWATH_DEBUG", "0") not in ("", "0")


def exit_code(failure: Exception) -> int | None:
    """The exit code for `failure`; None for what the command-line library itself must handle."""
    if type(failure).__module__.startswith(("click", "typer")):
        return None
    if isinstance(failure, OSError) and failure.errno == errno.EPIPE:
        return None
    if isinstance(failure, InputError | RecipeError):
        return BAD_USAGE
    return FAILURE


def describe(failure: Exception) -> str:
    """One line that says what went wrong and, where swath did not foresee it, how to report it."""
    if isinstance(failure, SwathError):
        return " ".join(str(failure).split())
    if isinstance(failure, OSError):
        return f"{failure.filename}: {failure.strerror}" if failure.filename else str(failure)
    said = " ".join(str(failure).split())
    return (
        f"unexpected {type(failure).__name__}: {said}. This is a defect in swath: "
        "run again with SWATH_DEBUG=1 and report what it prints"
    )
