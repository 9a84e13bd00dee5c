"""How commands tell what they found, and what they could not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from swath.cli.output import note, print_json, print_table
from swath.provenance import made_with

SHOWN_FAILURES = 20


class Report(Protocol):
    """What an evaluation found."""

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        ...


R = TypeVar("R", bound=Report)


def deliver(report: R, show: Callable[[R], None], *, as_json: bool) -> None:
    """Print a report: as one JSON document, or as `show` tells it to people."""
    if as_json:
        print_json(report.to_dict() | {"made_with": made_with()})
    else:
        show(report)


def print_metrics(
    metrics: Mapping[str, float], intervals: Mapping[str, tuple[float, float]], form: str = ".4g"
) -> None:
    """Print a table of metrics, with the 95 % intervals of those that have one.

    Args:
        metrics: name -> value.
        intervals: name -> lower and upper end.
        form: how numbers are written, as in `format`.
    """
    rows = []
    for name, value in metrics.items():
        ends = intervals.get(name)
        rows.append([name, f"{value:{form}}", f"{ends[0]:{form}} to {ends[1]:{form}}" if ends else ""])
    print_table(["metric", ">value", "95 % interval"], rows)


def note_failures(failures: Sequence[str]) -> None:
    """Say how many images were left out, and why the first was, if any."""
    if failures:
        note(f"left out: {len(failures)} ({failures[0]}, ...); all of them: --json")


def list_failures(failures: Sequence[Mapping[str, Any]], said: str) -> None:
    """Say of each file that failed why, up to `SHOWN_FAILURES` of them.

    Args:
        failures: each with ``href`` and ``reason``.
        said: what did not happen to it (``not indexed``).
    """
    for failure in failures[:SHOWN_FAILURES]:
        href, reason = failure["href"], failure["reason"]
        note(f"{said}: {reason}" if reason.startswith(f"{href}: ") else f"{said}: {href}: {reason}")
    if len(failures) > SHOWN_FAILURES:
        note(f"and {len(failures) - SHOWN_FAILURES} more; all of them: --json")
