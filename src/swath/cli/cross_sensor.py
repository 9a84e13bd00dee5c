"""`swath evaluate cross-sensor`: from an image of one sensor to another sensor's image of the same place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.options import BatchOption, DeviceOption, ModelArgument, SplitOption
from swath.cli.output import JsonOption, print_fields
from swath.cli.progress import progress
from swath.cli.reports import deliver, note_failures, print_metrics
from swath.cli.values import chosen_split

if TYPE_CHECKING:
    from swath.evaluation.cross_sensor import CrossSensorReport


def cross_sensor(
    model: ModelArgument,
    dataset: Annotated[Path, typer.Argument(help="Images with groups, as `swath corpus pairs` writes them.")],
    sensors: Annotated[tuple[str, str], typer.Option(help="The two sensors or families.")] = ("s1", "s2"),
    split: SplitOption = None,
    rounds: Annotated[int, typer.Option(min=1, help="Bootstrap resamples for the 95 % intervals.")] = 2000,
    batch_size: BatchOption = 64,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Recall at 1, 5 and 10 from one sensor's images to another's of the same place, both ways, beside chance.

    Example: swath evaluate cross-sensor swath-mini pairs.parquet --sensors s1 s2
    """
    from swath.data import read_dataset
    from swath.evaluation.cross_sensor import evaluate_cross_sensor
    from swath.models import DualEncoder

    data = read_dataset(dataset)
    encoder = DualEncoder.from_pretrained(model, device=device)
    with progress("images") as advance:
        report = evaluate_cross_sensor(
            encoder,
            data,
            chosen_split(split, data),
            sensors,
            rounds=rounds,
            batch_size=batch_size,
            progress=advance,
        )
    deliver(report, _show, as_json=as_json)


def _show(report: CrossSensorReport) -> None:
    counted = f"{len(report.groups)} places"
    print_fields({"model": report.model, "data": f"{report.dataset}, {report.split or 'all'}: {counted}"})
    print_metrics(report.metrics, report.intervals, ".2f")
    note_failures(report.failures)
