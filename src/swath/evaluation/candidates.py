"""Files of generated captions: one caption an image, as a table (CSV, TSV, Parquet) or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from swath.data.columns import choose_columns
from swath.data.read import read_annotations
from swath.errors import EvaluationError

SUFFIXES = (".csv", ".tsv", ".parquet", ".json", ".jsonl")
"""Endings of files of candidates."""


def read_candidates(path: str | Path) -> dict[str, str]:
    """Read generated captions.

    Args:
        path: a table with an image and a caption column, as data sets have (``filepath,caption``); JSON that maps
            images to captions, or lists objects such as ``{"image_id": ..., "caption": ...}`` (also ``.jsonl``).

    Returns:
        image -> caption, in the file's order. Empty captions stay: they are answers, too.

    Raises:
        EvaluationError: there is no such file, it is not readable as that, or an image has several captions.
        DataError: a table's columns or rows cannot be used.
    """
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES or not file.is_file():
        raise EvaluationError(f"{file} is not a file of captions ({', '.join(SUFFIXES)})")
    if file.suffix.lower() in (".json", ".jsonl"):
        rows = _json_rows(file)
    else:
        entries = read_annotations(file).entries
        rows = [(entry.name, caption) for entry in entries for caption in entry.captions]
    found: dict[str, str] = {}
    for image, caption in rows:
        if found.setdefault(image, caption) != caption:
            raise EvaluationError(f"{file}: image {image!r} has several captions; candidates have one an image")
    if not found:
        raise EvaluationError(f"{file} holds no captions")
    return found


def match_names(names: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """Names of a file -> names of a data set: equal ones, or else those with the same last part, ending or not.

    Names that fit none, or more than one, are left out; a name of the data set is given once.
    """
    names, known = list(names), list(wanted)
    exact = set(known)
    by_end: dict[str, list[str]] = {}
    for name in known:
        path = PurePosixPath(name)
        for end in {path.name, path.stem}:
            by_end.setdefault(end, []).append(name)
    found = {name: name for name in names if name in exact}
    taken = set(found)
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        fitting = by_end.get(path.name) or by_end.get(path.stem) or []
        if name not in found and len(fitting) == 1 and fitting[0] not in taken:
            found[name] = fitting[0]
            taken.add(fitting[0])
    return found


def _json_rows(file: Path) -> list[tuple[str, str]]:
    try:
        text = file.read_text(encoding="utf-8")
        lines = file.suffix.lower() == ".jsonl"
        document = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{file} cannot be read as JSON: {error}") from error
    if isinstance(document, Mapping):
        return [(str(image), _caption(value, f"{file}, image {image!r}")) for image, value in document.items()]
    if not isinstance(document, list):
        raise EvaluationError(f"{file} must map images to captions, or list objects with image and caption")
    return [_row(entry, f"{file}, entry {number}") for number, entry in enumerate(document, 1)]


def _row(entry: Any, where: str) -> tuple[str, str]:  # noqa: ANN401 - any JSON value
    if not isinstance(entry, Mapping):
        raise EvaluationError(f"{where} is no object with image and caption: {entry!r:.80}")
    row = {str(key): value for key, value in entry.items()}
    identity = next((key for key in ("image_id", "id") if key in row), None)
    columns = choose_columns([*row, *(["image"] if identity else [])], where)
    image = row.get(columns.image, row.get(identity or ""))
    return str(image), _caption(row.get(columns.caption), where)


def _caption(value: Any, where: str) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise EvaluationError(f"{where}: the caption must be one text, found {value!r:.80}")
    return value
