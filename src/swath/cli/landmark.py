"""`swath corpus landmark`: a labelled corpus from maps, masks and lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.progress import progress
from swath.cli.values import read_assignment, read_shares
from swath.errors import DataError, InputError

if TYPE_CHECKING:
    from swath.corpus.landmark import ExportReport, LabelList, LabelRasters, LandmarkReport, Vocabulary

SplitMethod = Literal["stratified", "scenes", "blocks", "none"]
CaptionStyles = Literal["joined", "sentence", "classes", "both"]
OutputFormat = Literal["table", "hdf5", "cog"]

_PUBLISHED_SIZE = 120


def landmark(
    source: Annotated[str, typer.Argument(help="Images: a folder, a GeoTIFF, STAC items, a table, .h5, .npz.")],
    to: Annotated[
        Path, typer.Option("--to", help="The Parquet table to write, or a folder for hdf5 and cog; a summary as well.")
    ],
    labels: Annotated[
        list[str] | None, typer.Option("--labels", help="SYSTEM=RASTERS: a label raster, a folder, or a pattern.")
    ] = None,
    label_list: Annotated[
        list[str] | None, typer.Option("--label-list", help="SYSTEM=TABLE: labels by the images' names.")
    ] = None,
    pair: Annotated[
        str | None, typer.Option(help="OLD=NEW: find label rasters by replacing this in file names, not by place.")
    ] = None,
    form: Annotated[
        OutputFormat, typer.Option("--format", help="A table that names the files, or a folder with all pixels.")
    ] = "table",
    sensor: Annotated[str | None, typer.Option(help="The images' sensor, where it is not recognised.")] = None,
    bands: Annotated[str | None, typer.Option(help="Names of the files' bands in file order, such as VV,VH.")] = None,
    include: Annotated[list[str] | None, typer.Option(help="Only files of such names (*_S1.tif); repeatable.")] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Side of a chip in pixels.", show_default="256; 120 for hdf5")
    ] = None,
    stride: Annotated[int | None, typer.Option(min=1, help="Step between chips.", show_default="the size")] = None,
    threshold: Annotated[float, typer.Option(help="Share of the labelled pixels from which a label counts.")] = 0.01,
    threshold_of: Annotated[
        list[str] | None, typer.Option("--threshold-of", help="LABEL=SHARE: a label's own threshold.")
    ] = None,
    captions: Annotated[
        CaptionStyles, typer.Option(help="Labels joined as published, in a sentence, both; or the sources' classes.")
    ] = "joined",
    long_captions: Annotated[bool, typer.Option("--long", help="Write a paragraph for every image, too.")] = False,
    without: Annotated[
        str, typer.Option("--without", help="Caption of images with no label above its threshold; else left out.")
    ] = "",
    split_by: Annotated[
        SplitMethod, typer.Option(help="By images, by whole scenes, by blocks of the Earth, or not.")
    ] = "stratified",
    split: Annotated[
        list[str] | None, typer.Option(help="NAME=PART of a split.", show_default="train=0.2, corpus=0.8")
    ] = None,
    hold_out: Annotated[
        list[str] | None, typer.Option("--hold-out", help="NAME=PATTERN: scenes of such names go to this split.")
    ] = None,
    block_km: Annotated[float, typer.Option(help="Side of a block in kilometres.")] = 50.0,
    vocabulary: Annotated[Path | None, typer.Option(help="Further unified labels: a CSV table label,phrase.")] = None,
    licence: Annotated[str, typer.Option(help="Terms of images and labels, put into every row.")] = "",
    seed: Annotated[int, typer.Option(help="Chooses splits and wordings.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Build a corpus like CrisisLandMark: labels of many systems harmonised into one, captions, splits.

    A SYSTEM is one that swath knows or a CSV table code,name,label. Run again to resume.

    Example: swath corpus landmark scenes --labels "worldcover=maps/*.tif" --to corpus.parquet
    """
    from swath.corpus.landmark import Options, write_landmark
    from swath.corpus.landmark import vocabulary as published
    from swath.sources import cut, open_source

    unified = published() if vocabulary is None else published().extended(vocabulary)
    sources = _sources(labels or (), label_list or (), pair, unified)
    options = Options(
        threshold=threshold,
        thresholds=read_shares(threshold_of or (), "--threshold-of"),
        captions=("joined", "sentence") if captions == "both" else (captions,),
        long=long_captions,
        without=without,
        split=split_by,
        fractions=read_shares(split, "--split") if split else {"train": 0.2, "corpus": 0.8},
        held_out=_patterns(hold_out or ()),
        block_km=block_km,
        seed=seed,
        licence=licence,
        dataset=to.stem,
    )
    names = None if bands is None else [name.strip() for name in bands.split(",")]
    images = open_source(source, sensor=sensor, bands=names, include=include or ("*",))
    chips = list(cut(images, size or (_PUBLISHED_SIZE if form == "hdf5" else 256), stride))
    if not chips:
        first = f": {images.failures[0].href}: {images.failures[0].reason}" if images.failures else ""
        raise DataError(f"{source} has no scene that can be used{first}")
    table = to if form == "table" else to / "source" / "corpus.parquet"
    with progress("chips", quiet=as_json) as advance:
        report = write_landmark(chips, table, sources, options, unified=unified, progress=advance)
    failures = [f"{failure.href}: {failure.reason}" for failure in images.failures] + report.summary.failures
    exported = None if form == "table" else _export(form, table, to, as_json)
    _tell(report, exported, failures + (exported.failures if exported else []), as_json)


def _sources(
    labels: Sequence[str], lists: Sequence[str], pair: str | None, unified: Vocabulary
) -> list[LabelRasters | LabelList]:
    from swath.corpus.landmark import LabelList, LabelRasters, read_system

    named = None if pair is None else read_assignment(pair, "--pair")
    sources: list[LabelRasters | LabelList] = []
    for text in labels:
        name, path = read_assignment(text, "--labels")
        sources.append(LabelRasters(path, read_system(name, unified), named))
    for text in lists:
        name, path = read_assignment(text, "--label-list")
        sources.append(LabelList(path, read_system(name, unified)))
    if not sources:
        raise InputError("nothing says what the images show; give --labels SYSTEM=RASTERS or --label-list SYSTEM=TABLE")
    return sources


def _patterns(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        split, pattern = read_assignment(text, "--hold-out")
        found[split] = (*found.get(split, ()), pattern)
    return found


def _export(form: OutputFormat, table: Path, to: Path, quiet: bool) -> ExportReport:
    from swath.corpus.landmark import write_cogs, write_hdf5
    from swath.data import read_dataset

    dataset = read_dataset(table)
    with progress("images", quiet=quiet) as advance:
        return write_hdf5(dataset, to, advance) if form == "hdf5" else write_cogs(dataset, table, to, advance)


def _tell(report: LandmarkReport, exported: ExportReport | None, failures: Sequence[str], as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = report.to_dict() | {"failures": list(failures)}
        print_json(document | ({"export": exported.to_dict()} if exported else {}))
        return
    summary = report.summary
    fields = {"table": f"{report.table}: {summary.images} images of {', '.join(summary.sensors)}"}
    if exported is not None:
        fields["folder"] = f"{exported.folder}: {exported.images} images, {exported.written} written in this run"
    fields |= {
        "labels": ", ".join(f"{label} {count}" for label, count in summary.labels.items()),
        "splits": ", ".join(f"{name or '(none)'} {count}" for name, count in summary.splits.items()),
        "left out": ", ".join(f"{reason}: {count}" for reason, count in summary.left_out.items()) or "nothing",
    }
    print_fields(fields)
    if failures:
        note(f"{len(failures)} scenes or chips could not be used, first: {failures[0]}; list them with --json")
