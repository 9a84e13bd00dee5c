"""Splits from a file of their own, for data sets whose annotations have none."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from swath.data.annotations import Annotations
from swath.data.karpathy import load_json
from swath.errors import DataError


def read_splits(path: Path) -> dict[str, str]:
    """Image name -> split, from a split file.

    Args:
        path: JSON ``{"train": [names], ...}``, or CSV/TSV with the columns ``filename`` and ``split``.

    Raises:
        DataError: neither of the two, an image in two splits, or nothing in it.
    """
    if not path.is_file():
        raise DataError(f"split file {path} does not exist")
    rows = _from_json(path) if path.suffix == ".json" else _from_table(path)
    splits: dict[str, str] = {}
    for name, split in rows:
        if splits.setdefault(name, split) != split:
            raise DataError(f"{path} puts image {name!r} in two splits: {splits[name]!r} and {split!r}")
    if not splits:
        raise DataError(f"split file {path} lists no image")
    return splits


def apply_splits(annotations: Annotations, splits: Mapping[str, str], path: Path) -> Annotations:
    """Set each entry's split from `splits`, by its name, its file name or its file name without ending.

    Images that the file does not list get no split.

    Raises:
        DataError: the file lists none of the data set's images.
    """
    entries = tuple(replace(entry, split=_lookup(splits, entry.name)) for entry in annotations.entries)
    if not any(entry.split for entry in entries):
        raise DataError(f"split file {path} lists none of the {len(entries)} images of {annotations.name!r}")
    return replace(annotations, entries=entries)


def _lookup(splits: Mapping[str, str], name: str) -> str:
    path = PurePosixPath(name)
    return next((splits[key] for key in (name, path.name, path.stem) if key in splits), "")


def _from_json(path: Path) -> list[tuple[str, str]]:
    document = load_json(path)
    if not isinstance(document, dict) or not all(isinstance(names, list) for names in document.values()):
        raise DataError(f'{path} must map each split to a list of image names: {{"train": [...], "test": [...]}}')
    return [(str(name), str(split)) for split, names in document.items() for name in names]


def _from_table(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        if not rows.fieldnames or not {"filename", "split"} <= set(rows.fieldnames):
            raise DataError(f"{path} needs the columns filename and split; it has {rows.fieldnames}")
        return [(row["filename"], row["split"]) for row in rows if row["filename"] and row["split"]]
