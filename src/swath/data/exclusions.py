"""The list of what training leaves out: a CSV that people can read and edit, a line an image or caption."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from swath.data.dataset import Dataset
from swath.data.pairs import Pair
from swath.errors import DataError

COLUMNS = ("dataset", "split", "image", "caption", "reason", "evidence")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One line: an image, or one of its captions, that is to be left out.

    Attributes:
        dataset: the data set's name.
        split: the image's split, for people; matching does not use it.
        image: the image's name in the data set.
        caption: the caption to leave out, as written; empty for the whole image.
        reason: why, in a word or two (``duplicate across splits``).
        evidence: what shows it (the image it duplicates, the words that contradict).
    """

    dataset: str
    split: str
    image: str
    caption: str
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Exclusions:
    """A list of exclusions."""

    entries: tuple[Exclusion, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def reasons(self) -> dict[str, int]:
        """Number of lines by reason."""
        return dict(Counter(entry.reason for entry in self.entries))

    def apply(self, data: Dataset) -> Dataset:
        """The data set without what the list names; an image that loses its last caption goes too, unless labelled.

        Raises:
            DataError: the list has lines for this data set, but none of their images is in it (a list made for other
                data), or nothing would be left.
        """
        mine = [entry for entry in self.entries if entry.dataset == data.name]
        names = {pair.name for pair in data}
        if mine and not any(entry.image in names for entry in mine):
            raise DataError(
                f"the exclusion list names {len(mine)} images of {data.name!r}, but none is among its {len(data)}; "
                "it was made for other data: run the audit again"
            )
        whole = {entry.image for entry in mine if not entry.caption}
        captions: dict[str, set[str]] = {}
        for entry in mine:
            if entry.caption:
                captions.setdefault(entry.image, set()).add(entry.caption)
        kept = (
            _without(pair, captions[pair.name]) if pair.name in captions else pair
            for pair in data
            if pair.name not in whole
        )
        pairs = tuple(pair for pair in kept if pair.captions or pair.long_captions or pair.labels)
        if not pairs:
            raise DataError(f"the exclusion list leaves nothing of {data.name!r}")
        return replace(data, pairs=pairs)

    def write(self, path: str | Path) -> None:
        """Write the list as CSV."""
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            rows.writerows([getattr(entry, column) for column in COLUMNS] for entry in self.entries)


def read_exclusions(path: str | Path) -> Exclusions:
    """Read a list that `Exclusions.write` wrote, or one made by hand with at least ``dataset`` and ``image``.

    Raises:
        DataError: no such file, not a table with the needed columns, or a line without data set or image.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            header = rows.fieldnames or []
            if not {"dataset", "image"} <= set(header):
                raise DataError(f"{path} needs the columns dataset and image; it has {', '.join(header) or '(none)'}")
            entries = tuple(_entry(path, number, row) for number, row in enumerate(rows, 1))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"exclusion list {path} cannot be read: {error}") from error
    return Exclusions(entries)


def combine(lists: Iterable[Exclusions]) -> Exclusions:
    """Several lists as one, each line once."""
    return Exclusions(tuple(dict.fromkeys(entry for one in lists for entry in one.entries)))


def _without(pair: Pair, captions: set[str]) -> Pair:
    return replace(pair, captions=tuple(text for text in pair.captions if text not in captions))


def _entry(path: Path, number: int, row: dict[str, str | None]) -> Exclusion:
    values = {column: row.get(column) or "" for column in COLUMNS}
    if not values["dataset"] or not values["image"]:
        raise DataError(f"{path}, row {number} names no data set or no image")
    return Exclusion(**values)
