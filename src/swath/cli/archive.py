"""`swath archive ...`: looking into an archive and after it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.progress import progress
from swath.cli.reports import list_failures
from swath.errors import ArchiveCorruptError, InputError

app = typer.Typer(help="Look into an archive and after it.", no_args_is_help=True)


class LayoutName(StrEnum):
    """See `swath.archive.exchange.Layout`."""

    major_tom = "major-tom"
    stac = "stac"


Place = Annotated[str, typer.Argument(metavar="ARCHIVE", help="The archive: a folder, or s3://...")]


@app.command()
def info(archive: Place, as_json: JsonOption = False) -> None:
    """Say what is in an archive: rows, sensors, model, extent in space and time."""
    from swath.archive import Archive

    found = Archive.open(archive).info()
    if as_json:
        print_json(found.to_dict())
        return
    print_fields(
        {
            "archive": found.uri,
            "rows": f"{found.rows} from {found.scenes} scenes",
            "sensors": ", ".join(f"{name} {count}" for name, count in found.sensors.items()) or "none",
            "model": f"{found.model}, {found.dim} dimensions",
            "bbox": ",".join(f"{value:.4f}" for value in found.bbox) if found.bbox else "no georeference",
            "datetime": " to ".join(found.datetime) if found.datetime else "no dates",
            "size": _size(found.size_bytes),
            "indexes": ", ".join(found.indexes) or "none (swath archive optimize makes them)",
            "created": found.created,
        }
    )


@app.command()
def optimize(
    archive: Place,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make indexes anew, also those that exist.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compact files, drop old versions, and index what filters and large searches use."""
    from swath.archive import Archive

    report = Archive.open(archive).optimize(rebuild=rebuild)
    if as_json:
        print_json(report.to_dict())
        return
    print_fields(
        {
            "rows": report.rows,
            "indexes": ", ".join(report.indexes) or "none",
            "size": f"{_size(report.size_before)} before, {_size(report.size_after)} now",
            "time": f"{report.seconds:.1f} s",
        }
    )


@app.command()
def verify(
    archive: Place,
    files: Annotated[bool, typer.Option(help="Also look at the local files that chips were cut from.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Read every row and look for what can be wrong; exits with 1 if anything is."""
    from swath.archive import Archive

    report = Archive.open(archive).verify(files=files)
    if as_json:
        print_json(report.to_dict())
    else:
        print_fields({"rows": report.rows, "files": report.files, "problems": sum(report.counts.values())})
        for problem in report.problems:
            note(f"{problem.kind}: {problem.subject}: {problem.detail}")
    if not report.ok:
        counted = ", ".join(f"{kind} {count}" for kind, count in report.counts.items())
        raise ArchiveCorruptError(f"archive {archive} has problems: {counted}")


@app.command()
def delete(
    archive: Place,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Ids of chips.")] = None,
    where: Annotated[str | None, typer.Option(help="Remove every row for which this SQL condition holds.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove chips by id, or all that satisfy a condition. The images themselves are not touched.

    Example: swath archive delete my-archive --where "sensor = 'sar'"
    """
    from swath.archive import Archive

    opened = Archive.open(archive)
    if not ids and where is None:
        raise InputError("say which chips to delete: ids, or --where")
    concerned = opened.count(where=where) if where is not None else len(opened.get(ids or []))
    if not concerned:
        note("no chip of the archive is concerned: nothing to remove")
    elif not yes:
        typer.confirm(f"remove {concerned} of {len(opened)} chips from {archive}?", abort=True, err=True)
    removed = opened.delete(ids or None, where=where) if concerned else 0
    if as_json:
        print_json({"archive": opened.uri, "removed": removed, "rows": len(opened)})
        return
    print_fields({"removed": removed, "rows": len(opened)})


@app.command("export")
def export_archive(
    archive: Place,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The GeoParquet file.")],
    layout: Annotated[
        LayoutName, typer.Option(help="Columns: of the Major TOM embeddings, or stac-geoparquet.")
    ] = LayoutName.major_tom,
    where: Annotated[str | None, typer.Option(help="Only rows for which this SQL condition holds.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write chips and embeddings as GeoParquet, for another machine or another tool.

    Example: swath archive export my-archive --to my-archive.parquet
    """
    from swath.archive import Archive
    from swath.archive.exchange import export_table

    count = export_table(Archive.open(archive), to, layout.value, where)
    if as_json:
        print_json({"archive": archive, "file": str(to), "layout": layout.value, "rows": count})
        return
    print_fields({"file": str(to), "layout": layout.value, "rows": count})


@app.command("import")
def import_archive(
    table: Annotated[Path, typer.Argument(metavar="FILE", help="GeoParquet with embeddings.")],
    to: Annotated[str, typer.Option("--to", metavar="ARCHIVE", help="The archive; made where there is none.")],
    model_id: Annotated[str | None, typer.Option(help="What made the embeddings, if the table does not say.")] = None,
    sensor: Annotated[str | None, typer.Option(help="Sensor of all rows, if the table does not say.")] = None,
    root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where local files of chips must lie.", show_default="the table's folder"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add the chips and embeddings of a GeoParquet table to an archive.

    Reads what `swath archive export` wrote, and any table in the layout of the Major TOM embeddings.

    Example: swath archive import my-archive.parquet --to copy --root /data/scenes
    """
    from swath.archive.exchange import import_table

    with progress("rows") as advance:
        report = import_table(table, to, model_id=model_id, sensor=sensor, root=root, progress=advance)
    if as_json:
        print_json({"archive": to, **report.to_dict()})
        return
    left_out = f", {len(report.failures)} left out" if report.failures else ""
    print_fields({"archive": to, "chips": f"{report.added} new, {report.present} were there{left_out}"})
    list_failures([{"href": each.row, "reason": each.reason} for each in report.failures], "left out")


def _size(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 1e6:.1f} MB"
