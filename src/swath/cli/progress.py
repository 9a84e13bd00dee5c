"""Progress of long commands on standard error: a bar with rate and time left at a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from swath.cli.output import logs, note

EVERY_SECONDS = 15.0
"""How often a line is written where standard error is no terminal."""

Advance = Callable[[int, int | None], None]
"""Called with (done, total); total is None while unknown."""


@contextmanager
def progress(unit: str, quiet: bool = False) -> Iterator[Advance]:
    """Show how far a command has come.

    Args:
        unit: what is counted (``chips``).
        quiet: show nothing.

    Yields:
        a function to call with the number done and the total (None while unknown).
    """
    if quiet:
        yield lambda _done, _total: None
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
        started = time.monotonic()

        def advance(done: int, total: int | None) -> None:
            rate, left = _pace(done, total, time.monotonic() - started)
            shown.update(task, completed=done, total=total, rate=rate, left=left)

        yield advance


def _lines(unit: str) -> Advance:
    started = time.monotonic()
    said = started

    def advance(done: int, total: int | None) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= EVERY_SECONDS:
            said = now
            rate, left = _pace(done, total, now - started)
            note(f"{done}{f' of {total}' if total else ''} {unit}, {rate}{f', {left}' if left else ''}")

    return advance


def _pace(done: int, total: int | None, seconds: float) -> tuple[str, str]:
    """("12.3/s", "1:05 left") from what was done so far; the second is empty while the total is unknown."""
    if not done or seconds <= 0:
        return "", ""
    rate = done / seconds
    if not total or total < done:
        return f"{rate:.1f}/s", ""
    left = int((total - done) / rate)
    hours, rest = divmod(left, 3600)
    clock = f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return f"{rate:.1f}/s", f"{clock} left"
