"""`swath evaluate cross-sensor`: from an image of one sensor to another sensor's image of the same place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress


def cross_sensor(
    model: Annotated[str, typer.Argument(help="A name of `swath models`, a model directory, or a hub id.")],
    dataset: Annotated[Path, typer.Argument(help="Images with groups, as `swath corpus pairs` writes them.")],
    sensors: Annotated[tuple[str, str], typer.Option(help="The two sensors or families.")] = ("s1", "s2"),
    split: Annotated[str, typer.Option(help="The split to report on; `all` takes everything.")] = "test",
    rounds: Annotated[int, typer.Option(min=1, help="Bootstrap resamples for the 95 % intervals.")] = 2000,
    batch_size: Annotated[int, typer.Option(min=1, help="Images encoded at once.")] = 64,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...; auto takes a GPU where there is one.")] = "auto",
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
    with progress("images", quiet=as_json) as advance:
        report = evaluate_cross_sensor(
            encoder,
            data,
            None if split == "all" else split,
            sensors,
            rounds=rounds,
            batch_size=batch_size,
            progress=lambda done, total: advance(done, total, 0.0),
        )
    if as_json:
        print_json(report.to_dict())
        return
    print_fields({"model": report.model, "data": f"{report.dataset}, {split}: {len(report.groups)} places"})
    rows = []
    for name, value in report.metrics.items():
        ends = report.intervals.get(name)
        rows.append([name, f"{value:.2f}", f"{ends[0]:.2f} to {ends[1]:.2f}" if ends else ""])
    print_table(["metric", ">value", "95 % interval"], rows)
    if report.failures:
        note(f"left out: {len(report.failures)} ({report.failures[0]}, ...); all of them: --json")
