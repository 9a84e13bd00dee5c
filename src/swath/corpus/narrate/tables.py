"""Tables of records as rows: JSON, JSON Lines, CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swath.errors import DataError

Row = Mapping[str, Any]


def read_rows(path: Path) -> list[Row]:
    """The rows of a table.

    Args:
        path: ``.json`` (a list of objects), ``.jsonl``, ``.csv`` or ``.parquet``.

    Raises:
        DataError: missing, empty, broken, or no table; the message names the file and, where it can, the line.
    """
    if path.suffix.lower() == ".parquet":
        rows: object = _parquet(path)
    else:
        text = read_text(path)
        rows = _parsed(path, text)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise DataError(f"{path} is no table of records: it must be a list of objects, one an image")
    if not rows:
        raise DataError(f"{path} has no records")
    return rows


def read_text(path: Path) -> str:
    """A text file that is not blank.

    Raises:
        DataError: missing, not UTF-8, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8").removeprefix("\ufeff")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not text.strip():
        raise DataError(f"{path} is empty; there is nothing to write from")
    return text


def read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON document
    """A JSON document.

    Raises:
        DataError: missing, empty, or not valid JSON; the message names line and column.
    """
    try:
        return json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON: {error}") from error


def first_of(row: Row, names: Sequence[str]) -> Any:  # noqa: ANN401 - any cell
    """The first cell of these names that is not blank; None where there is none."""
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _parsed(path: Path, text: str) -> object:
    if path.suffix.lower() == ".jsonl":
        rows = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                rows.append(json.loads(line) if line.strip() else None)
            except (json.JSONDecodeError, RecursionError) as error:
                raise DataError(f"{path}, line {number} is not valid JSON: {error}") from error
        return [row for row in rows if row is not None]
    if path.suffix.lower() == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    return read_json(path)


def _parquet(path: Path) -> object:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a readable Parquet table: {error}") from error
