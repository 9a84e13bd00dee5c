"""`swath evaluate localization`: Rsu, Ras, Rda and Rmi of a model on annotated scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath.cli.localize import ByName, read_sides
from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress

SHOWN_FAILURES = 10


def localization(
    model: Annotated[str, typer.Argument(help="A name of `swath models`, a model directory, or a hub id.")],
    annotations: Annotated[Path, typer.Argument(help="Queries with polygons: an AIR-SLT anno.json.")],
    images: Annotated[
        Path | None, typer.Option(help="The folder of images.", show_default="../imgs beside the file, or its folder")
    ] = None,
    scales: Annotated[str, typer.Option(help="Sides of the windows in pixels.")] = "256,512,768",
    by: Annotated[ByName, typer.Option(help="Compare windows, or their tokens.")] = ByName.windows,
    legacy: Annotated[bool, typer.Option("--legacy", help="The published code's numbers, quirks included.")] = False,
    pixel: Annotated[
        int | None, typer.Option(min=1, help="Side of a map's pixel.", show_default="1 in legacy, else scale / 64")
    ] = None,
    sensor: Annotated[str | None, typer.Option(help="Sensor of the images.", show_default="recognised")] = None,
    rounds: Annotated[int, typer.Option(min=0, help="Bootstrap resamples for the 95 % intervals.")] = 2000,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows encoded at once.")] = 32,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...; auto takes a GPU where there is one.")] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Semantic localisation: Rsu, Ras, Rda, Rmi and pointing accuracy, with intervals.

    Example: swath evaluate localization swath-mini AIR-SLT/annotations/anno.json --images AIR-SLT/imgs
    """
    from swath.evaluation.run_localization import evaluate_localization
    from swath.models import DualEncoder

    encoder = DualEncoder.from_pretrained(model, device=device)
    with progress("images") as advance:
        report = evaluate_localization(
            encoder,
            annotations,
            images,
            scales=read_sides(scales),
            by=by.value,
            legacy=legacy,
            pixel=pixel,
            sensor=sensor,
            rounds=rounds,
            batch_size=batch_size,
            progress=lambda done, total: advance(done, total, 0.0),
        )
    if as_json:
        print_json(report.to_dict())
        return
    print_fields({"model": report.model, "data": f"{report.dataset}: {len(report.queries)} queries"})
    rows = []
    for name, value in report.metrics.items():
        between = report.intervals.get(name)
        rows.append([name, f"{value:.4f}", f"{between[0]:.4f} to {between[1]:.4f}" if between else ""])
    print_table(["metric", ">value", "95 % interval"], rows)
    for bad in report.failures[:SHOWN_FAILURES]:
        note(f"left out entry {bad.place}: {bad.reason}")
    if len(report.failures) > SHOWN_FAILURES:
        note(f"and {len(report.failures) - SHOWN_FAILURES} more")
