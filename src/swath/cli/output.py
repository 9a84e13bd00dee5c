"""Standard output carries results, standard error everything else: one JSON document, or tables for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output; logs go to standard error.")
]

WIDE = 140
"""Columns of a terminal from which tables show everything."""

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


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], wide: Collection[str] = ()) -> None:
    """Print a table on standard output; piped, its cells stay whole.

    Args:
        columns: headings; a leading ``>`` aligns the column to the right, a leading ``*`` lets it fold.
        rows: cells, as many as columns.
        wide: columns left out at a terminal narrower than `WIDE`.
    """
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if terminal else 10_000)
    shown = [at for at, name in enumerate(columns) if name not in wide or console.width >= WIDE]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at in shown:
        folds = columns[at].startswith("*")
        table.add_column(
            columns[at].lstrip(">*"),
            justify="right" if columns[at].startswith(">") else "left",
            overflow="fold" if folds else "ellipsis",
            no_wrap=not folds,
        )
    for row in rows:
        table.add_row(*(Text(row[at]) for at in shown))
    console.print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print `name  value` lines on standard output, values aligned."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        typer.echo(f"{name:<{width}}  {value}")


def note(message: str) -> None:
    """Say something to the person at the terminal, on standard error."""
    logs.print(message, markup=False, soft_wrap=True)
