"""`swath evaluate zero-shot`: classify images by the names of their classes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.options import BatchOption, DeviceOption, ModelArgument, RoundsOption
from swath.cli.output import JsonOption, note, print_fields, print_table
from swath.cli.progress import progress
from swath.cli.reports import deliver, note_failures, print_metrics

if TYPE_CHECKING:
    from swath.evaluation.zero_shot_report import ZeroShotReport


class AveragingName(StrEnum):
    """How the prompts of a class become one vector; see `swath.evaluation.prompts.Averaging`."""

    normalised = "normalised"
    plain = "plain"


def zero_shot(
    model: ModelArgument,
    dataset: Annotated[Path, typer.Argument(help="Class folders, or an annotation file with classes or labels.")],
    split: Annotated[str, typer.Option(help="The split to report on; `all` takes everything.")] = "all",
    template: Annotated[
        list[str] | None,
        typer.Option(help="A sentence with {} for the class; repeatable.", show_default="a satellite photo of {}."),
    ] = None,
    templates: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="remoteclip, skyscript, ensemble; or a file, one a line.")
    ] = None,
    averaging: Annotated[
        AveragingName, typer.Option(help="Mean of unit vectors (CLIP), or of plain ones (RS5M).")
    ] = AveragingName.normalised,
    names: Annotated[Path | None, typer.Option(help="JSON file with words for classes: {class: words}.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Table of several labels an image: a column each, 1 where it has it.")
    ] = None,
    rounds: RoundsOption = 2000,
    sensor: Annotated[str | None, typer.Option(help="Sensor of the images.", show_default="rgb, or as stated")] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Write report.json, report.md, predictions and the confusion matrix here."),
    ] = None,
    batch_size: BatchOption = 64,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Zero-shot classification: top 1, top 5, class by class, confusion, calibration; mAP with several labels an image.

    Example: swath evaluate zero-shot swath-mini data/eurosat --templates ensemble --to reports/eurosat
    """
    from swath.data import read_dataset
    from swath.evaluation import prompts
    from swath.evaluation.label_table import read_label_table
    from swath.evaluation.run_zero_shot import evaluate_zero_shot
    from swath.models import DualEncoder

    if template and templates:
        raise typer.BadParameter("give --template or --templates, not both")
    given = [text for one in template or [templates or "remoteclip"] for text in prompts.read_templates(one)]
    words = prompts.read_names(names) if names else None
    table = read_label_table(labels) if labels else None
    data = read_dataset(dataset, sensor=sensor)
    encoder = DualEncoder.from_pretrained(model, device=device)
    with progress("images") as advance:
        report = evaluate_zero_shot(
            encoder,
            data,
            split=None if split == "all" else split,
            templates=given,
            averaging=averaging.value,
            names=words,
            table=table,
            rounds=rounds,
            batch_size=batch_size,
            progress=advance,
        )
    if to is not None:
        note(f"report: {report.save(to)}")
    deliver(report, _show, as_json=as_json)


def _show(report: ZeroShotReport) -> None:
    print_fields(
        {
            "model": report.model,
            "data": f"{report.dataset}, {report.split or 'all'}: {len(report.images)} images",
            "templates": ", ".join(report.settings["templates"]),
        }
    )
    print_metrics(report.metrics, report.intervals)
    rows = report.per_class()
    columns = [name for name in rows[0] if name != "class"]
    print_table(
        ["class", *(f">{name.replace('_', ' ')}" for name in columns)],
        [[str(row["class"]), *(f"{row[name]:.4g}" for name in columns)] for row in rows],
    )
    note_failures(report.failures)
