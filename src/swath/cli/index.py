"""`swath index`: chips of a source become searchable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from swath.cli.lookahead import LookAhead
from swath.cli.options import DeviceOption
from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.progress import progress
from swath.cli.reports import list_failures
from swath.cli.values import Box, read_box
from swath.errors import ArchiveNotFoundError, InputError, SourceError

if TYPE_CHECKING:
    from swath.archive import Archive, Encoder, IngestOptions, IngestReport
    from swath.chips import Chip, Pixels
    from swath.sources import Source

Engine = Literal["local", "ray"]

DEFAULT_MODEL = "swath-mini"


def index(
    source: Annotated[
        str, typer.Argument(help="A folder, a raster, STAC .json, a .parquet table, or a STAC API's URL.")
    ],
    to: Annotated[str, typer.Option("--to", help="The archive: a folder, or s3://... ; one that exists is added to.")],
    model: Annotated[
        str | None, typer.Option(help="See: swath models.", show_default=f"the archive's, or {DEFAULT_MODEL}")
    ] = None,
    chip: Annotated[int, typer.Option(min=8, help="Side of a chip, in pixels of the scene.")] = 256,
    stride: Annotated[int | None, typer.Option(min=1, help="Step between chips.", show_default="no overlap")] = None,
    sensor: Annotated[str | None, typer.Option(help="Read all scenes as this sensor; else each is recognised.")] = None,
    bands: Annotated[str | None, typer.Option(help="Names of the files' bands in file order, such as VV,VH.")] = None,
    include: Annotated[list[str] | None, typer.Option(help="Only files of such names (*S2*.tif); repeatable.")] = None,
    collection: Annotated[list[str] | None, typer.Option(help="STAC API: search this collection; repeatable.")] = None,
    bbox: Annotated[
        Box | None, typer.Option(parser=read_box, metavar="W,S,E,N", help="STAC API: search this box.")
    ] = None,
    datetime: Annotated[str | None, typer.Option(help="STAC API: search this time, 2020-06-01/2020-07-01.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="STAC API: take so many items at most.")] = None,
    min_valid: Annotated[float, typer.Option(min=0, max=1, help="Leave out chips with less valid pixels.")] = 0.05,
    workers: Annotated[
        int, typer.Option(min=1, help="Threads that read and prepare; with ray, processes that hold a model each.")
    ] = 2,
    engine: Annotated[Engine, typer.Option(help="local: this process; ray: several, also of a cluster.")] = "local",
    address: Annotated[
        str | None, typer.Option(help="Ray cluster, HOST:PORT or ray://...", show_default="one on this machine")
    ] = None,
    fragment: Annotated[
        int, typer.Option(min=1, help="With ray: chips that a worker takes and commits at once.")
    ] = 512,
    batch_size: Annotated[int, typer.Option(min=1, help="Chips encoded at once.")] = 32,
    tokens: Annotated[bool, typer.Option(help="Keep compressed local tokens.")] = True,
    thumbnails: Annotated[bool, typer.Option(help="Keep thumbnails.")] = True,
    device: DeviceOption = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if anything could not be read.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Cut scenes into chips, embed them, and add them to an archive.

    Run again after an interruption, or when the source has grown: what is there is passed over.

    A file that cannot be read is listed at the end and stops nothing.

    Example: swath index scenes/ --to my-archive
    """
    from swath.archive import IngestOptions
    from swath.raster import read_chip
    from swath.sources import open_source

    if address is not None and engine != "ray":
        raise InputError("--address names a Ray cluster; add --engine ray")
    found = open_source(
        source,
        sensor=sensor,
        bands=_split(bands),
        include=include or ("*",),
        collections=collection,
        bbox=bbox,
        datetime=datetime,
        limit=limit,
    )
    settings = {"source": source, "chip": chip, "stride": stride or chip}
    archive, encoder = _open_or_create(to, model, device, settings)
    # The workers of a cluster read with as many threads as they have cores: one.
    options = IngestOptions(
        batch_size=batch_size,
        readers=workers if engine == "local" else 1,
        keep_tokens=tokens,
        keep_thumbnails=thumbnails,
    )
    run = _index_here if engine == "local" else partial(_index_on_ray, device, address, workers, fragment)
    try:
        report = run(archive, encoder, found, chip, stride, options, partial(read_chip, min_valid=min_valid))
    except KeyboardInterrupt:
        note(f"{len(archive)} chips are in {to}; run the same command again to go on")
        raise
    failures = _failures(found, report)
    _tell(archive, found, report, failures, as_json)
    if not report.added and not report.present:
        # Without --json the reasons stand above.
        why = f"; {failures[0]['reason']}" if failures and as_json else ""
        raise SourceError(f"{source}: no chip could be indexed{why}")
    if strict and failures:
        raise SourceError(f"{source}: {_counted(failures)}")


def _index_here(
    archive: Archive,
    encoder: Encoder,
    source: Source,
    chip: int,
    stride: int | None,
    options: IngestOptions,
    read: Callable[[Chip], Pixels],
) -> IngestReport:
    """Index in this process."""
    from swath.archive import ingest
    from swath.sources import cut

    chips = LookAhead(cut(source, chip, stride))
    with progress("chips") as advance:
        return ingest(
            archive,
            chips,
            encoder,
            options=options,
            progress=lambda at: advance(at.done, chips.total, at.rate),
            read=read,
        )


def _index_on_ray(
    device: str,
    address: str | None,
    workers: int,
    fragment: int,
    archive: Archive,
    encoder: Encoder,  # noqa: ARG001 - workers load their own
    source: Source,
    chip: int,
    stride: int | None,
    options: IngestOptions,
    read: Callable[[Chip], Pixels],
) -> IngestReport:
    """Index with the processes of a Ray cluster."""
    from swath.archive.distributed import RayOptions, ingest_on_ray
    from swath.models import DualEncoder
    from swath.sources import cut_scene

    with progress("chips") as advance:
        return ingest_on_ray(
            archive,
            source.scenes(),
            partial(DualEncoder.from_pretrained, archive.about.model, device=device),
            partial(cut_scene, size=chip, stride=stride),
            spread=RayOptions(address, workers, fragment, gpus=False if device == "cpu" else None),
            options=options,
            progress=lambda at: advance(at.done, at.total, at.rate),
            failed=source.fail,
            read=read,
        )


def _open_or_create(to: str, model: str | None, device: str, settings: dict[str, Any]) -> tuple[Archive, Encoder]:
    """The archive with its model: an existing one's own, unless another is asked for (which it then refuses)."""
    from swath.archive import Archive
    from swath.models import DualEncoder

    try:
        made_with = Archive.open(to).about.model
    except ArchiveNotFoundError:
        made_with = ""
    name = model or made_with or DEFAULT_MODEL
    # A directory is remembered by its full path, so that searches from anywhere find the model.
    name = str(Path(name).resolve()) if Path(name).is_dir() else name
    encoder = DualEncoder.from_pretrained(name, device=device)
    archive = Archive.create(
        to, encoder.model_id, encoder.dim, model=name, settings=settings, encoder=encoder, exist_ok=True
    )
    return archive, encoder


def _failures(source: Source, report: IngestReport) -> list[dict[str, Any]]:
    """Scenes that could not be read and chips that could not be indexed, as JSON values."""
    scenes = [{"href": failure.href, "window": None, "reason": failure.reason} for failure in source.failures]
    chips = [{"href": item.href, "window": item.window, "reason": item.reason} for item in report.failures]
    return scenes + chips


def _tell(
    archive: Archive, source: Source, report: IngestReport, failures: Sequence[dict[str, Any]], as_json: bool
) -> None:
    if as_json:
        print_json(
            {
                "archive": archive.uri,
                "model": archive.model_id,
                "rows": len(archive),
                "added": report.added,
                "present": report.present,
                "empty": report.empty,
                "scenes": dict(source.sensors),
                "skipped": dict(source.skipped),
                "failures": list(failures),
                "seconds": round(report.seconds, 3),
            }
        )
        return
    rate = report.added / report.seconds if report.seconds > 0 else 0.0
    print_fields(
        {
            "archive": archive.uri,
            "scenes": ", ".join(f"{name} {count}" for name, count in source.sensors.most_common()) or "none",
            "chips": f"{len(archive)} ({report.added} new, {report.present} were there, {report.empty} empty)",
            "model": archive.model_id,
            "time": f"{report.seconds:.1f} s, {rate:.1f} chips/s",
        }
    )
    for reason, count in source.skipped.items():
        note(f"left out: {count} {reason}")
    list_failures(failures, "not indexed")
    if failures and (report.added or report.present):
        note(_counted(failures))


def _counted(failures: Sequence[object]) -> str:
    return f"{len(failures)} failure{'s' if len(failures) > 1 else ''}; everything else is indexed"


def _split(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]
