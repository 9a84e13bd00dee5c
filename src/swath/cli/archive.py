"""`swath archive ...`: looking into an archive and after it."""

from __future__ import annotations

from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.errors import ArchiveCorruptError, InputError

app = typer.Typer(help="Look into an archive and after it.", no_args_is_help=True)

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
    if not yes:
        typer.confirm(f"remove {concerned} of {len(opened)} chips from {archive}?", abort=True, err=True)
    removed = opened.delete(ids or None, where=where)
    if as_json:
        print_json({"archive": opened.uri, "removed": removed, "rows": len(opened)})
        return
    print_fields({"removed": removed, "rows": len(opened)})


def _size(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 1e6:.1f} MB"
