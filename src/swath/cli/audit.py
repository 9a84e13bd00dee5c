"""`swath audit`: what is wrong with data sets of images and captions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.progress import progress


def audit(
    datasets: Annotated[list[Path], typer.Argument(metavar="DATASET...", help="Folders or annotation files.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="Write audit.html (with pictures), audit.json and exclusions.csv here.")
    ] = None,
    turned: Annotated[bool, typer.Option("--turned", help="Also find copies that are turned or mirrored.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads that read.", show_default="all cores")] = None,
    as_json: JsonOption = False,
) -> None:
    """Find duplicate images, captions shared across splits, wrong captions and broken files.

    Several data sets are also held against each other. Training leaves out what exclusions.csv lists.

    Example: swath audit data/rsicd data/ucm --to audit
    """
    from swath.data import read_dataset
    from swath.data.audit import audit as look_through

    read = [read_dataset(path) for path in datasets]
    with progress("images") as advance:
        report = look_through(
            read, turned=turned, workers=workers, progress=lambda done, total: advance(done, total, 0.0)
        )
    if to is not None:
        files = report.write(to)
        note(f"report: {files['html']}, list for training: {files['exclusions']}")
    if as_json:
        print_json(report.to_dict())
        return
    print_fields({name.replace("_", " "): count for name, count in report.summary.items()})
    if to is None:
        note("the findings themselves: --to FOLDER, or --json")
