"""CSV and TSV: ``filename,title`` (iEBAKER), ``filepath,caption`` (SAR-TEXT), ``filepath<TAB>title`` (open_clip)."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from swath.data.annotations import Annotation, Annotations, Layout, ReadOptions, image_root
from swath.data.columns import RowGatherer, choose_columns, has_columns, relative_names
from swath.errors import DataError

_SUFFIXES = (".csv", ".tsv")
_LONGEST_HEADER = 1 << 16


def find_table(path: Path) -> Path | None:
    """`path`, if it is a CSV/TSV file or a folder with at least one that has the needed columns."""
    if path.is_file():
        return path if path.suffix.lower() in _SUFFIXES else None
    return path if _tables(path) else None


def read_table(path: Path, options: ReadOptions) -> Annotations:
    """Read one table, or all tables of a folder.

    A table has a row a caption (rows of one image are joined). Its ``split`` column gives the split; without one, the
    split is what the file's name tells (``rsicd_test.csv``). Where every image name is an absolute path, as in files
    that carry their author's own folders, the part after their common folder is looked for: in `options.images`, or
    beside the table.

    Raises:
        DataError: columns missing, a row with too few or too many cells, a caption without image, text that is not
            UTF-8; the message names file and row.
    """
    gatherer = RowGatherer()
    for file in [path] if path.is_file() else _tables(path):
        _read_rows(file, gatherer)
    entries = gatherer.annotations()
    if not entries:
        raise DataError(f"{path} has a header but no rows")
    entries = _without_foreign_folders(entries)
    beside = path.parent if path.is_file() else path
    root = image_root(beside, (entry.name for entry in entries), options)
    return Annotations(path.stem if path.is_file() else path.resolve().name, root, entries)


TABLE = Layout("table", "a .csv or .tsv with filename,title or filepath,caption", find_table, read_table)


def _tables(folder: Path) -> list[Path]:
    found = (entry for entry in sorted(folder.iterdir()) if entry.suffix.lower() in _SUFFIXES and entry.is_file())
    return [entry for entry in found if has_columns(_header(entry))]


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline(_LONGEST_HEADER)
    return next(csv.reader([line], delimiter=_delimiter(line)), [])


def _delimiter(header: str) -> str:
    """Tab where the header has one: open_clip's .csv files are separated by tabs."""
    return "\t" if "\t" in header else ","


def _read_rows(path: Path, gatherer: RowGatherer) -> None:
    header = _header(path)
    columns = choose_columns(header, str(path))
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            rows = csv.reader(file, delimiter=delimiter, strict=True)
            next(rows)
            for number, cells in enumerate(rows, 1):
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise DataError(
                        f"{path}, row {number} has {len(cells)} cells, the header {len(header)}; "
                        "quote texts that contain the separator"
                    )
                gatherer.add(dict(zip(header, cells, strict=True)), columns, path, number)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}; save it as UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path} is not a valid table: {error}") from error


def _without_foreign_folders(entries: tuple[Annotation, ...]) -> tuple[Annotation, ...]:
    shorter = relative_names(entry.name for entry in entries)
    return tuple(replace(entry, name=shorter.get(entry.name, entry.name)) for entry in entries)
