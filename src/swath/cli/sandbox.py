"""`swath sandbox`: a made-up world to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.progress import progress


def sandbox(
    directory: Annotated[Path, typer.Argument(help="A new or empty folder, or a sandbox to resume or grow.")],
    seed: Annotated[int, typer.Option(help="Chooses the world.")] = 0,
    regions: Annotated[
        int | None, typer.Option(min=1, help="How many regions.", show_default="one of each climate")
    ] = None,
    scenes: Annotated[int, typer.Option(min=1, help="Places in each region.")] = 1,
    dates: Annotated[int, typer.Option(min=1, help="Visits of each place.")] = 3,
    size: Annotated[int, typer.Option(min=64, help="Rows and columns of a scene, 10 m each.")] = 512,
    as_json: JsonOption = False,
) -> None:
    """Write a synthetic world: Sentinel-2, Sentinel-1 and RGB scenes with a STAC catalogue, masks and captions.

    The same seed gives the same pixels. Run again to resume, or to grow it.

    Example: swath sandbox world && swath index world --to world-archive
    """
    from swath.corpus import sandbox as world

    with progress("scenes", quiet=as_json) as advance:
        report = world.write(
            directory,
            seed=seed,
            regions=regions,
            scenes_per_region=scenes,
            dates=dates,
            size=size,
            progress=advance,
        )
    if as_json:
        print_json(report.to_dict())
        return
    print_fields(
        {
            "world": f"{report.directory} (synthetic)",
            "scenes": f"{report.scenes} in {report.regions} regions, {report.items} STAC items",
            "chips": f"{report.chips} with captions and labels",
            "size": f"{report.megabytes:.1f} MB",
            "time": f"{report.seconds:.0f} s",
        }
    )
    note(f"index it with: swath index {directory} --to ARCHIVE")
