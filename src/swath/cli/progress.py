"""Progress of long commands on standard error: a bar with rate and time left at a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from swath.cli.output import logs, note

EVERY_SECONDS = 15.0
"""How often a line is written where standard error is no terminal."""


class Advance(Protocol):
    """Tells how far a command has come."""

    def __call__(self, done: int, total: int | None, rate: float = 0.0, /) -> None:
        """Take the number done, the total (None while unknown) and what is worked off in a second (0: unknown)."""
        ...


@contextmanager
def progress(unit: str, quiet: bool = False) -> Iterator[Advance]:
    """Show how far a command has come.

    Args:
        unit: what is counted (``chips``).
        quiet: show nothing.

    Yields:
        a function to call now and then.
    """
    if quiet:
        yield lambda _done, _total, _rate=0.0, /: None
    elif logs.is_terminal:
        with _bar(unit) as advance:
            yield advance
    else:
        yield _lines(unit)


@contextmanager
def _bar(unit: str) -> Iterator[Advance]:
    columns = (
        SpinnerColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=logs, transient=True) as shown:
        task = shown.add_task(unit, total=None, rate="", left="")

        def advance(done: int, total: int | None, rate: float = 0.0, /) -> None:
            pace, left = _pace(done, total, rate)
            shown.update(task, completed=done, total=total, rate=pace, left=left)

        yield advance


def _lines(unit: str) -> Advance:
    said = time.monotonic()

    def advance(done: int, total: int | None, rate: float = 0.0, /) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= EVERY_SECONDS:
            said = now
            pace = ", ".join(part for part in _pace(done, total, rate) if part)
            note(f"{done}{f' of {total}' if total else ''} {unit}{f', {pace}' if pace else ''}")

    return advance


def _pace(done: int, total: int | None, rate: float) -> tuple[str, str]:
    """("12.3/s", "1:05 left"); empty where it cannot be known."""
    if rate <= 0:
        return "", ""
    if not total or total < done:
        return f"{rate:.1f}/s", ""
    left = int((total - done) / rate)
    hours, rest = divmod(left, 3600)
    clock = f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return f"{rate:.1f}/s", f"{clock} left"
