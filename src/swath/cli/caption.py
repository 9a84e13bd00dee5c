"""`swath caption`: a model writes about files, scenes and archives."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.options import DeviceOption
from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress
from swath.cli.reports import list_failures
from swath.errors import ArchiveNotFoundError, SourceError

if TYPE_CHECKING:
    from swath.archive import Archive
    from swath.models.captioner import ChosenCaptioner

DEFAULT_MODEL = "swath-mini"


class MethodName(StrEnum):
    """How the words are chosen; see `swath.models.decoding.Method`."""

    beam = "beam"
    greedy = "greedy"
    nucleus = "nucleus"


def caption(
    images: Annotated[
        list[str],
        typer.Argument(help="Image files, folders, scenes, STAC documents; or one archive.", metavar="IMAGES..."),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="A .parquet file; what stands in it from the same model is kept.")
    ] = None,
    model: Annotated[str, typer.Option(help="A model with a captioner.")] = DEFAULT_MODEL,
    chip: Annotated[
        int | None,
        typer.Option(min=8, help="Cut into chips of this side.", show_default="256 for images over 512 px"),
    ] = None,
    sensor: Annotated[str | None, typer.Option(help="Read all images as this sensor; else each is recognised.")] = None,
    method: Annotated[MethodName, typer.Option(help="How words are chosen.")] = MethodName.beam,
    beams: Annotated[int, typer.Option(min=1, help="Beam search: texts kept at a time.")] = 5,
    max_length: Annotated[int, typer.Option(min=1, help="Most tokens of a caption.")] = 40,
    min_length: Annotated[int, typer.Option(min=0, help="Fewest tokens of a caption.")] = 5,
    length_penalty: Annotated[float, typer.Option(help="Beam search: above 1 prefers longer texts.")] = 1.0,
    no_repeat: Annotated[int, typer.Option(min=0, help="No sequence of so many tokens twice; 0 allows all.")] = 3,
    temperature: Annotated[float, typer.Option(help="Nucleus sampling: below 1 the likely becomes likelier.")] = 1.0,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling: probability that is drawn from.")] = 0.9,
    seed: Annotated[int, typer.Option(help="Nucleus sampling: another seed, other captions.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Images at a time.")] = 32,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Write a caption for every image, or for every chip of scenes; captions of an archive are kept in it.

    Run again after an interruption: what is written is passed over. A file that cannot be read stops nothing.

    Examples: swath caption photos/*.jpg --to captions.parquet

    swath caption my-archive, then: swath search my-archive ship --where "caption LIKE '%harbor%'"
    """
    from swath.models import Captioner, Decoding

    decoding = Decoding(
        method=method.value,
        max_length=max_length,
        min_length=min(min_length, max_length),
        beams=beams,
        length_penalty=length_penalty,
        no_repeat=no_repeat,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
    )
    archive = _archive(images)
    if archive is not None and (to is not None or chip is not None or sensor is not None):
        raise typer.BadParameter("--to, --chip and --sensor are for files; captions of an archive are kept in it")
    if to is not None and to.suffix.lower() != ".parquet":
        raise typer.BadParameter(f"--to writes Parquet: end the name in .parquet, not {to.suffix or 'nothing'}")
    writer = Captioner.from_pretrained(model, device=device).chosen(decoding)
    if archive is not None:
        _caption_archive(archive, writer, batch_size, as_json)
        return
    _caption_files(images, writer, batch_size, chip, sensor, to, as_json)


def _archive(images: list[str]) -> Archive | None:
    """The archive that is named; None for files."""
    from swath.archive import Archive

    for name in images:
        if "://" not in name and not (Path(name) / "meta.lance").exists():
            continue
        try:
            found = Archive.open(name)
        except ArchiveNotFoundError:
            continue
        if len(images) > 1:
            raise typer.BadParameter(f"{name} is an archive: give it alone")
        return found
    return None


def _caption_archive(archive: Archive, writer: ChosenCaptioner, batch_size: int, as_json: bool) -> None:
    from swath.archive.captions import CaptionOptions

    try:
        with progress("captions") as advance:
            report = archive.caption(writer, options=CaptionOptions(batch_size=batch_size), progress=advance)
    except KeyboardInterrupt:
        note(f"what was written is kept in {archive.uri}; run the same command again to go on")
        raise
    if as_json:
        print_json({"archive": archive.uri, "captioner": writer.id, **report.to_dict()})
        return
    print_fields(
        {
            "archive": archive.uri,
            "captions": f"{report.written} new, {report.present} were there",
            "captioner": writer.id,
            "time": f"{report.seconds:.1f} s",
        }
    )
    list_failures([asdict(entry) for entry in report.failures], "not captioned")
    note(f"search them with: swath search {archive.uri} TEXT --where \"caption LIKE '%WORD%'\"")


def _caption_files(
    images: list[str],
    writer: ChosenCaptioner,
    batch_size: int,
    chip: int | None,
    sensor: str | None,
    to: Path | None,
    as_json: bool,
) -> None:
    from swath.data.captioned import CaptionTable, caption_chips, gather_chips

    table = CaptionTable(to, writer.id)
    chips, missed = gather_chips(images, chip, sensor)
    present = sum(entry in table for entry in chips)
    with progress("captions") as advance:
        missed += caption_chips(chips, writer, table, batch_size=batch_size, progress=advance)
    rows = [table.row(entry) for entry in chips if entry in table]
    failures = [asdict(entry) for entry in missed]
    if as_json:
        shown = [{key: row[key] for key in ("filename", "caption", "id", "window", "sensor")} for row in rows]
        print_json({"captioner": writer.id, "file": to, "captions": shown, "failures": failures})
    else:
        print_table(["image", "*caption"], [[row["filename"].rsplit("/", 1)[-1], row["caption"]] for row in rows])
        list_failures(failures, "not captioned")
        if to is not None:
            note(f"{len(rows)} captions are in {to}, {present} of them from before")
    if not rows:
        raise SourceError("nothing could be captioned" + (f": {failures[0]['reason']}" if failures else ": no images"))
