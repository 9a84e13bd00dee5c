"""`swath evaluate vqa`: what a model's answers to questions about images are worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.ask import open_answerer
from swath.cli.options import DeviceOption, RoundsOption
from swath.cli.output import JsonOption, note, print_fields, print_table
from swath.cli.progress import progress
from swath.cli.reports import deliver, note_failures

if TYPE_CHECKING:
    from swath.evaluation.run_vqa import VqaReport


def vqa(
    model: Annotated[str, typer.Argument(help="A model with an answerer, or an image-text-to-text model.")],
    dataset: Annotated[Path, typer.Argument(help="Questions: RSVQA's files, a LLaVA conversation file, ...")],
    split: Annotated[str, typer.Option(help="The split to report on; `all` takes everything.")] = "all",
    images: Annotated[Path | None, typer.Option(help="The image folder, where it is not beside the questions.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Generate questions from this table of labels; DATASET holds the images.")
    ] = None,
    train: Annotated[
        Path | None, typer.Option(help="Questions that priors are taken from.", show_default="the split train")
    ] = None,
    ranges: Annotated[
        str | None,
        typer.Option(metavar="TYPE,TYPE", help="Types judged by range.", show_default="those with numbers over 100"),
    ] = None,
    rounds: RoundsOption = 2000,
    sensor: Annotated[str | None, typer.Option(help="Sensor of the images.", show_default="recognised")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write report.json and answers.jsonl here.")] = None,
    longest: Annotated[int, typer.Option(min=1, help="Tokens of an assistant's longest answer.")] = 32,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Visual question answering by RSVQA's rules: accuracy by type, average and overall, beside the prior.

    Example: swath evaluate vqa swath-mini data/rsvqa/lr_s2.json
    """
    from swath.data.read_questions import read_questions
    from swath.evaluation.run_vqa import evaluate_vqa

    questions = read_questions(dataset, images=images, sensor=sensor, labels=labels)
    known = None if train is None else read_questions(train, sensor=sensor).questions
    answerer = open_answerer(model, device=device, longest=longest)
    with progress("images") as advance:
        report = evaluate_vqa(
            answerer,
            questions,
            split=None if split == "all" else split,
            train=known,
            ranges=None if ranges is None else ranges.split(","),
            rounds=rounds,
            progress=advance,
        )
    if to is not None:
        note(f"report: {report.save(to)}")
    deliver(report, _show, as_json=as_json)


def _show(report: VqaReport) -> None:
    result, metrics = report.result, report.metrics
    counted = f"{len(result.images)} images, {len(result.questions)} questions"
    print_fields({"model": report.model, "data": f"{report.dataset}, {report.split or 'all'}: {counted}"})
    rows = [(kind, f"accuracy_{kind}", f"prior_{kind}") for kind in result.types]
    rows += [("average of types", "average_accuracy", "average_prior"), ("overall", "accuracy", "prior")]
    print_table(
        ["type", ">accuracy", "95 % interval", ">prior"],
        [
            [
                kind,
                f"{metrics[own]:.2f}",
                "{:.2f} to {:.2f}".format(*report.intervals[own]) if own in report.intervals else "",
                f"{metrics[floor]:.2f}",
            ]
            for kind, own, floor in rows
        ],
    )
    others = ("exact", "normalised", "bleu1", "bleu4")
    print_fields({name: f"{metrics[name]:.2f}" for name in others if name in metrics})
    note(f"priors from {report.settings['prior_from']}; judged by range: {', '.join(result.ranges) or 'none'}")
    if report.settings["seen_in_training"]:
        note("the answerer was trained on these questions: the numbers tell nothing about others; measure another set")
    note_failures(report.failures)
