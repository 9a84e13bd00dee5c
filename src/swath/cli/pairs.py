"""`swath corpus pairs`: cut the same ground out of scenes of several sensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.progress import progress
from swath.cli.values import read_shares


def pairs(
    source: Annotated[str, typer.Argument(help="Scenes of several sensors: a folder, STAC items, a GeoParquet table.")],
    to: Annotated[Path, typer.Option("--to", help="The Parquet table to write.")],
    size: Annotated[int, typer.Option(min=1, help="Side of a chip in pixels of the reference scene.")] = 256,
    stride: Annotated[int | None, typer.Option(min=1, help="Step between chips.", show_default="the size")] = None,
    max_days: Annotated[float, typer.Option(help="Most days between the scenes of a pair.")] = 10.0,
    min_overlap: Annotated[float, typer.Option(help="Least share of the smaller scene that both cover.")] = 0.5,
    min_valid: Annotated[float, typer.Option(help="Least share of valid pixels in every chip; 0 reads none.")] = 0.5,
    split: Annotated[
        list[str] | None, typer.Option(help="NAME=PART of a split; test last.", show_default="train=0.7, test=0.3")
    ] = None,
    block_km: Annotated[float, typer.Option(help="Side of the blocks that go into one split whole.")] = 25.0,
    gap_km: Annotated[float, typer.Option(help="Least distance between chips of different splits.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Deals the blocks out.")] = 0,
    licence: Annotated[str, typer.Option(help="Terms of the images, put into every row.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Pair scenes of different sensors by place and date, cut the same ground of each, split by place.

    The table is a data set for training without texts: chips of one group show one place at one time.

    Example: swath corpus pairs scenes/items.json --to pairs.parquet
    """
    from swath.corpus.paired import Options, write_pairs
    from swath.sources import open_source

    opened = open_source(source)
    scenes = list(opened.scenes())
    unread = [f"{failure.href}: {failure.reason}" for failure in opened.failures]
    if unread:
        note(f"{len(unread)} files or items are no scenes, first: {unread[0]}")
    options = Options(
        size=size,
        stride=stride,
        max_days=max_days,
        min_overlap=min_overlap,
        min_valid=min_valid,
        fractions=read_shares(split, "--split") if split else {"train": 0.7, "test": 0.3},
        block_km=block_km,
        gap_km=gap_km,
        seed=seed,
        licence=licence,
        dataset=to.stem,
    )
    with progress("scenes", quiet=as_json) as advance:
        report = write_pairs(scenes, to, options, progress=advance)
    if as_json:
        print_json(report.to_dict() | {"failures": unread + report.failures})
        return
    print_fields(
        {
            "table": str(report.table),
            "chips": ", ".join(f"{sensor} {count}" for sensor, count in report.sensors.items()),
            "groups": ", ".join(f"{name or '(between splits)'} {count}" for name, count in report.groups.items()),
            "left out": ", ".join(f"{reason}: {count}" for reason, count in report.left_out.items()) or "nothing",
        }
    )
    if report.failures:
        note(f"{len(report.failures)} groups of scenes could not be used, first: {report.failures[0]}")
