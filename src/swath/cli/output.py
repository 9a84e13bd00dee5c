"""Standard output carries results, standard error everything else: one JSON document, or tables for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output; logs go to standard error.")
]

logs = Console(stderr=True, highlight=False)
"""Where progress, notes and warnings go."""


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON document (RFC 8259: NaN and infinities become null) on standard output."""
    sys.stdout.write(json.dumps(plain(document), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON-like value in, the same shape out
    """The same value with times, paths, tuples and numpy scalars as plain JSON values."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print a table on standard output; columns whose name ends in a space before ``>`` are right-aligned.

    Args:
        columns: headings; a leading ``>`` aligns the column to the right, a leading ``*`` lets it fold.
        rows: cells, as many as columns.
        title: a line above the table.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        folds = name.startswith("*")
        table.add_column(
            name.lstrip(">*"),
            justify="right" if name.startswith(">") else "left",
            overflow="fold" if folds else "ellipsis",
            no_wrap=not folds,
        )
    for row in rows:
        table.add_row(*row)
    # Piped into a file there is no terminal width to fit: cells stay whole.
    width = None if sys.stdout.isatty() else 240
    Console(highlight=False, width=width).print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print `name  value` lines on standard output, values aligned."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        typer.echo(f"{name:<{width}}  {value}")


def note(message: str) -> None:
    """Say something to the person at the terminal, on standard error."""
    logs.print(message, markup=False)
