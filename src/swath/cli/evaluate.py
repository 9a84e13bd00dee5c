"""`swath evaluate ...`: what a model, or a ranking, is worth on a test set."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.caption_metrics import caption
from swath.cli.cross_sensor import cross_sensor
from swath.cli.geolocate import geolocate
from swath.cli.localization import localization
from swath.cli.options import BatchOption, DeviceOption, ModelArgument, RoundsOption, SplitOption
from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress
from swath.cli.ranking import ranking
from swath.cli.reports import deliver, note_failures
from swath.cli.values import TruncationName, chosen_split, read_fusion
from swath.cli.vqa import vqa
from swath.cli.zero_shot import zero_shot
from swath.errors import InputError

if TYPE_CHECKING:
    from swath.evaluation.report import RetrievalReport

app = typer.Typer(help="Measure models and rankings.", no_args_is_help=True)
app.command()(localization)
app.command()(ranking)
app.command("zero-shot")(zero_shot)
app.command("cross-sensor")(cross_sensor)
app.command()(geolocate)
app.command()(caption)
app.command()(vqa)


class SimilarityName(StrEnum):
    """What scores a pair; see `swath.evaluation.scoring.Similarity`."""

    pooled = "global"
    local = "local"
    fused = "fused"
    published = "published"


class RerankName(StrEnum):
    """How the first answers are sorted again; see `swath.evaluation.scoring.Rerank`."""

    none = "none"
    reverse = "reverse"
    multivariate = "multivariate"
    bank = "bank"


class CaptionName(StrEnum):
    """Which captions are asked."""

    short = "short"
    long = "long"


@app.command()
def retrieval(
    model: ModelArgument,
    dataset: Annotated[Path, typer.Argument(help="A folder or annotation file.")],
    split: SplitOption = None,
    images: Annotated[Path | None, typer.Option(help="The image folder, if not beside the annotations.")] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Every row of a table is a pair of its own (1:1), as in some published code.")
    ] = False,
    similarity: Annotated[SimilarityName, typer.Option(help="What scores a pair.")] = SimilarityName.pooled,
    rerank: Annotated[
        RerankName, typer.Option(help="Sort the first answers again; all but bank need the other queries.")
    ] = RerankName.none,
    rerank_k: Annotated[int, typer.Option(min=1, help="How many answers are sorted again.")] = 10,
    fusion: Annotated[
        str | None,
        typer.Option(metavar="ALPHA,BETA|FILE", help="Weights of fused.", show_default="chosen on validation"),
    ] = None,
    validation: Annotated[str, typer.Option(help="The split that weights are chosen on.")] = "val",
    captions: Annotated[CaptionName, typer.Option(help="Short or long captions.")] = CaptionName.short,
    truncation: Annotated[
        TruncationName,
        typer.Option(help="A caption over the model's context: cut it and warn, refuse it, read windows."),
    ] = TruncationName.warn,
    rounds: RoundsOption = 2000,
    sensor: Annotated[str | None, typer.Option(help="Sensor of the images.", show_default="rgb, or as stated")] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write report.json, report.md, table.tex and picture sheets here.")
    ] = None,
    batch_size: BatchOption = 64,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Image-text retrieval both ways: R@1, R@5, R@10, mean recall, ceilings, caption-aware recall, intervals.

    Example: swath evaluate retrieval swath-mini data/rsicd --to reports/mini
    """
    from swath.data import read_dataset
    from swath.evaluation.run_retrieval import evaluate_retrieval
    from swath.evaluation.scoring import Scoring
    from swath.evaluation.sheets import write_sheets
    from swath.evaluation.truncation import Reading
    from swath.models import DualEncoder

    scoring = Scoring(similarity.value, read_fusion(fusion), validation, rerank.value, rerank_k)
    data = read_dataset(dataset, sensor=sensor, images=images)
    encoder = DualEncoder.from_pretrained(model, device=device)
    with progress("images") as advance:
        report = evaluate_retrieval(
            Reading(encoder, truncation.value),
            data,
            scoring,
            split=chosen_split(split, data),
            captions=captions.value,
            pairing="rows" if rows else "images",
            rounds=rounds,
            batch_size=batch_size,
            progress=advance,
        )
    if to is not None:
        report.save(to)
        write_sheets(report, data, to)
        note(f"report and picture sheets: {to}")
    deliver(report, _show, as_json=as_json)


@app.command()
def calibrate(
    model: ModelArgument,
    dataset: Annotated[Path, typer.Argument(help="A folder or annotation file.")],
    split: Annotated[str, typer.Option(help="The split to choose on; never the one that results are for.")] = "val",
    write: Annotated[
        bool, typer.Option("--write", help="Keep the weights in the model directory, for searches to find.")
    ] = False,
    sensor: Annotated[str | None, typer.Option(help="Sensor of the images.", show_default="rgb, or as stated")] = None,
    batch_size: BatchOption = 64,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Choose a model's weights of global and local similarity by mean recall on a validation split.

    Example: swath evaluate calibrate runs/mine/best data/rsicd --write
    """
    from swath.data import read_dataset
    from swath.evaluation.scoring import calibrate as choose
    from swath.models import DualEncoder
    from swath.models.config import keep_fusion

    if write and not Path(model).is_dir():
        raise InputError(f"{model} is no directory to keep weights in; give a model directory, or leave out --write")
    encoder = DualEncoder.from_pretrained(model, device=device)
    data = read_dataset(dataset, sensor=sensor)
    fusion = choose(encoder, data, split, batch_size=batch_size).to_dict()
    if write:
        keep_fusion(Path(model), fusion)
    if as_json:
        print_json({"model": encoder.model_id, "dataset": data.name, "split": split, "fusion": fusion})
        return
    print_fields({"model": encoder.model_id, "chosen on": f"{data.name}, {split}", **fusion})


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="A report that `evaluate retrieval --to` wrote.")],
    b: Annotated[Path, typer.Argument(help="Another of the same images.")],
    rounds: Annotated[int, typer.Option(min=1, help="Permutations and bootstrap resamples.")] = 5000,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs query by query: differences, their 95 % intervals and p values."""
    from swath.evaluation.compare import compare as compare_reports

    found = compare_reports(a, b, rounds)
    if as_json:
        print_json(found.to_dict())
        return
    print_fields({"A": found.a, "B": found.b, "data": f"{found.dataset}, {found.split or 'all'}"})
    print_table(
        ["metric", ">A", ">B", ">B - A", "95 % interval", ">p"],
        [
            [
                row.metric,
                f"{row.a:.2f}",
                f"{row.b:.2f}",
                f"{row.difference:+.2f}",
                f"{row.low:+.2f} to {row.high:+.2f}",
                f"{row.p_value:.4f}",
            ]
            for row in found.differences
        ],
    )
    for warning in found.warnings:
        note(warning)


def _show(report: RetrievalReport) -> None:
    relation, metrics = report.result.relation, report.metrics
    counted = f"{relation.images} images, {relation.captions} captions"
    print_fields({"model": report.model, "data": f"{report.dataset}, {report.split or 'all'}: {counted}"})
    names = [f"{way}_r{k}" for way in ("i2t", "t2i") for k in report.result.ks] + ["mR"]
    rows = {
        "papers' definition": ("", ""),
        "caption-aware": ("caption_aware_", ""),
        "ceiling": ("", "_ceiling"),
    }
    print_table(
        ["", *(f">{name}" for name in names)],
        [
            [label, *(f"{metrics[before + name + after]:.2f}" for name in names)]
            for label, (before, after) in rows.items()
        ],
    )
    if "mR" in report.intervals:
        low, high = report.intervals["mR"]
        note(f"95 % interval of mR: {low:.2f} to {high:.2f}")
    if report.transductive:
        note("transductive: re-ranked with the other queries, not comparable with answers to single queries")
    note_failures(report.failures)
