"""Labels of images from a table with a column a label, 1 where an image has it (UCM's 17 labels)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError

_YES, _NO = frozenset({"1", "1.0", "true", "yes"}), frozenset({"0", "0.0", "false", "no", ""})


@dataclass(frozen=True, slots=True)
class LabelTable:
    """Which image has which labels.

    Attributes:
        labels: names of the columns.
        rows: the labels' indices by image name without folder and suffix.
    """

    labels: tuple[str, ...]
    rows: dict[str, tuple[int, ...]]

    def truth(self, images: Sequence[str]) -> NDArray[np.bool_]:
        """(I, L): which labels each image has.

        Raises:
            EvaluationError: an image is not in the table.
        """
        found = np.zeros((len(images), len(self.labels)), dtype=bool)
        for place, name in enumerate(images):
            row = self.rows.get(_stem(name))
            if row is None:
                raise EvaluationError(f"image {name} has no row in the table of labels ({len(self.rows)} rows)")
            found[place, list(row)] = True
        return found


def read_label_table(path: Path) -> LabelTable:
    """Read a CSV or TSV file: image names in the first column (with or without suffix), a label in each other one.

    Raises:
        EvaluationError: no such file, no labels, an image twice, or a cell that is neither 0 nor 1; with the row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            rows = [row for row in csv.reader(file, delimiter="\t" if "\t" in first else ",") if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"{path} cannot be read as a table of labels: {error}") from error
    if not rows or len(rows[0]) < 2:
        raise EvaluationError(f"{path} is no table of labels: a column of image names and one for each label is needed")
    header, found = [cell.strip() for cell in rows[0]], {}
    for number, cells in enumerate(rows[1:], 2):
        where = f"{path}, line {number}"
        if len(cells) != len(header):
            raise EvaluationError(f"{where} has {len(cells)} cells, the header {len(header)}")
        name = _stem(cells[0].strip())
        if name in found:
            raise EvaluationError(f"{where}: image {cells[0]!r} is there twice")
        found[name] = tuple(at for at, cell in enumerate(cells[1:]) if _is_set(cell, where))
    return LabelTable(tuple(header[1:]), found)


def _is_set(cell: str, where: str) -> bool:
    value = cell.strip().lower()
    if value not in _YES and value not in _NO:
        raise EvaluationError(f"{where}: {cell!r} is neither 1 nor 0")
    return value in _YES


def _stem(name: str) -> str:
    return PurePosixPath(name).stem
