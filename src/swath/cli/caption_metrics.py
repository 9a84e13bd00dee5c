"""`swath evaluate caption`: how good written captions are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.options import DeviceOption, RoundsOption, SplitOption
from swath.cli.output import JsonOption, note, print_fields
from swath.cli.progress import progress
from swath.cli.reports import deliver, note_failures, print_metrics
from swath.cli.values import chosen_split

if TYPE_CHECKING:
    from swath.data import Dataset
    from swath.evaluation.run_captioning import CaptionReport
    from swath.models.decoding import Decoding


class JavaMetricName(StrEnum):
    """Metrics that are Java programs; see `swath.evaluation.meteor_spice`."""

    meteor = "meteor"
    spice = "spice"


class MethodName(StrEnum):
    """How a model writes; see `swath.models.decoding.Decoding`."""

    greedy = "greedy"
    beam = "beam"
    nucleus = "nucleus"


def caption(
    source: Annotated[
        str, typer.Argument(metavar="MODEL|CAPTIONS", help="A model that writes, or a file of captions to judge.")
    ],
    dataset: Annotated[Path, typer.Argument(help="A folder or annotation file: its captions are the references.")],
    split: SplitOption = None,
    method: Annotated[MethodName, typer.Option(help="How a model writes.")] = MethodName.beam,
    beams: Annotated[int, typer.Option(min=1, help="Texts that beam search goes on with.")] = 5,
    max_length: Annotated[int, typer.Option(min=1, help="Most tokens of a text.")] = 40,
    also: Annotated[list[JavaMetricName] | None, typer.Option("--also", help="Metrics that need Java.")] = None,
    corenlp: Annotated[Path | None, typer.Option(help="Folder of the CoreNLP 3.6.0 jars that SPICE needs.")] = None,
    clip: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A dual encoder, for CLIPScore and RefCLIPScore.")
    ] = None,
    rounds: RoundsOption = 2000,
    sensor: Annotated[str | None, typer.Option(help="Sensor of the images.", show_default="rgb, or as stated")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write report.json and captions.csv here.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images at once.")] = 32,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """BLEU-1 to BLEU-4, ROUGE-L and CIDEr-D with intervals, as pycocoevalcap counts them; METEOR, SPICE, CLIPScore.

    Example: swath evaluate caption captions.csv data/rsicd --clip swath-mini
    """
    from swath.data import read_dataset
    from swath.evaluation.candidates import SUFFIXES, read_candidates
    from swath.evaluation.run_captioning import judge_captions
    from swath.models import DualEncoder
    from swath.models.decoding import Decoding

    data = read_dataset(dataset, sensor=sensor)
    chosen = chosen_split(split, data)
    settings: dict[str, object] = {}
    failures: list[str] = []
    if Path(source).suffix.lower() in SUFFIXES:
        candidates, written_by = read_candidates(source), Path(source).name
    else:
        decoding = Decoding(method.value, max_length=max_length, min_length=min(5, max_length), beams=beams)
        candidates, failures, written_by = _write(source, data, chosen, decoding, batch_size, device)
        settings = {"method": decoding.method, "beams": decoding.beams, "max_length": decoding.max_length}
    encoder = None if clip is None else DualEncoder.from_pretrained(clip, device=device)
    with progress("images") as advance:
        report = judge_captions(
            candidates,
            data,
            source=written_by,
            split=chosen,
            optional=[entry.value for entry in also or []],
            corenlp=corenlp,
            encoder=encoder,
            rounds=rounds,
            failures=failures,
            settings=settings,
            progress=advance,
        )
    if to is not None:
        note(f"report: {report.save(to)}")
    deliver(report, _show, as_json=as_json)


def _write(
    model: str, data: Dataset, split: str | None, decoding: Decoding, batch_size: int, device: str
) -> tuple[dict[str, str], list[str], str]:
    """Captions of a split by a model, what could not be captioned, and the model's id."""
    from swath.evaluation.run_captioning import write_captions
    from swath.models.captioner import Captioner

    writer = Captioner.from_pretrained(model, device=device)
    whole = data if split is None else data.split(split)
    with progress("captions") as advance:
        found, failures = write_captions(
            writer,
            [pair for pair in whole.pairs if pair.captions],
            decoding=decoding,
            batch_size=batch_size,
            progress=advance,
        )
    return found, failures, writer.id


def _show(report: CaptionReport) -> None:
    counted = f"{len(report.candidates)} images"
    print_fields(
        {"captions by": report.source, "data": f"{report.dataset}, {report.split or 'all'}: {counted}"},
    )
    print_metrics(report.metrics, report.result.intervals, ".4f")
    note_failures(report.failures)
