"""`swath evaluate localization`: Rsu, Ras, Rda and Rmi of a model on annotated scenes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.localize import ByName, read_sides
from swath.cli.options import DeviceOption, ModelArgument, RoundsOption
from swath.cli.output import JsonOption, print_fields
from swath.cli.progress import progress
from swath.cli.reports import deliver, note_failures, print_metrics

if TYPE_CHECKING:
    from swath.evaluation.run_localization import LocalizationReport


def localization(
    model: ModelArgument,
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
    rounds: RoundsOption = 2000,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows encoded at once.")] = 32,
    device: DeviceOption = "auto",
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
            progress=advance,
        )
    deliver(report, _show, as_json=as_json)


def _show(report: LocalizationReport) -> None:
    print_fields({"model": report.model, "data": f"{report.dataset}: {len(report.queries)} queries"})
    print_metrics(report.metrics, report.intervals, ".4f")
    note_failures([f"entry {bad.place}: {bad.reason}" for bad in report.failures])
