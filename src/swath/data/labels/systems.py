"""Label systems as tables: what a source's classes are called, and which unified label each of them becomes.

A table is a CSV with the columns ``code,name,label``. `label` is a unified label; empty for a class that is known but
stands for none (the land around a flood), and ``nodata`` for codes that say nothing. Codes may be hierarchical as
CORINE's are, where ``31`` is the parent of ``311``; with ``children`` as its label a parent takes the label on which
all classes below it agree.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from swath.errors import DataError

NODATA = "nodata"
"""In a table's column `label`: pixels of this class are not counted."""

CHILDREN = "children"
"""In a table's column `label`: the label of the classes whose codes begin with this one's, where they agree."""

_TABLES = "tables"


@dataclass(frozen=True)
class Vocabulary:
    """The unified labels, in the order in which captions name them.

    Attributes:
        phrases: label -> how a sentence calls it.
    """

    phrases: Mapping[str, str]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in order."""
        return tuple(self.phrases)

    def ordered(self, labels: Iterable[str]) -> tuple[str, ...]:
        """Different labels in the vocabulary's order."""
        wanted = set(labels)
        return tuple(label for label in self.phrases if label in wanted)

    def extended(self, path: Path) -> Vocabulary:
        """With the labels of a CSV table ``label,phrase``; a label that is there already takes the new phrase.

        Raises:
            DataError: not readable, or a column is missing.
        """
        return Vocabulary({**self.phrases, **_phrases(_read(path, ("label", "phrase")), str(path))})


@dataclass(frozen=True)
class Category:
    """One class of a label system.

    Attributes:
        code: its number in rasters, as text.
        name: its name in label lists.
        label: the unified label; empty where it stands for none, `NODATA` where it says nothing.
        parent: whether it stands above other classes; label lists may name it, rasters hold only the classes below.
    """

    code: str
    name: str
    label: str
    parent: bool = False


@dataclass(frozen=True)
class LabelSystem:
    """A source's classes.

    Attributes:
        name: what the command line calls it.
        classes: its classes; parents before their children.
    """

    name: str
    classes: tuple[Category, ...]

    @cached_property
    def by_code(self) -> dict[int, Category]:
        """Number in rasters -> class."""
        return {int(entry.code): entry for entry in self.classes if not entry.parent}

    @cached_property
    def _by_name(self) -> dict[str, Category]:
        return {key: entry for entry in self.classes for key in (entry.code, _folded(entry.name))}

    @property
    def id(self) -> str:
        """A stable name of the content: 64 bits of SHA-256 in hexadecimal."""
        rows = "\n".join(f"{entry.code}\t{entry.name}\t{entry.label}" for entry in self.classes)
        return hashlib.sha256(rows.encode()).hexdigest()[:16]

    def maybe(self, text: str) -> Category | None:
        """The class of a name or code as `find` gives it; None where there is none."""
        return self._by_name.get(_folded(text))

    def find(self, text: str) -> Category:
        """The class of a name (upper and lower case are the same) or of a code.

        Raises:
            DataError: there is no such class; the message offers similar ones.
        """
        found = self.maybe(text)
        if found is not None:
            return found
        similar = difflib.get_close_matches(_folded(text), [_folded(entry.name) for entry in self.classes], n=3)
        known = [entry.name for entry in self.classes if _folded(entry.name) in similar] or [
            entry.name for entry in self.classes
        ]
        raise DataError(
            f"unknown label {text!r:.80} of system {self.name!r}; {'did you mean' if similar else 'it has'}: "
            f"{', '.join(known)[:400]}? Correct it, or give a table of your own (code,name,label)"
        )

    def level(self, code: str, level: int) -> Category:
        """The class itself or its ancestor whose code has `level` digits (CORINE: 1 to 3).

        Raises:
            DataError: the class, or its ancestor, is not in the table.
        """
        return self.find(self.find(code).code[:level])


@cache
def vocabulary() -> Vocabulary:
    """The 12 unified labels of CrisisLandMark."""
    file = resources.files(__package__).joinpath("vocabulary.csv")
    return Vocabulary(_phrases(_read(file, ("label", "phrase")), "vocabulary.csv"))


def system_names() -> tuple[str, ...]:
    """The label systems that come with swath."""
    folder = resources.files(__package__).joinpath(_TABLES)
    return tuple(sorted(entry.name.removesuffix(".csv") for entry in folder.iterdir() if entry.name.endswith(".csv")))


def read_system(name: str, unified: Vocabulary) -> LabelSystem:
    """A label system by its name, or from a CSV table of one's own.

    Args:
        name: one of `system_names`, or a path that ends in ``.csv``.
        unified: the labels that the table may use.

    Raises:
        DataError: no such system or file, a column is missing, a code is repeated or no number, or a label is not in
            the vocabulary.
    """
    file: Traversable
    if name.lower().endswith(".csv"):
        file, title = Path(name), Path(name).stem
    elif name in system_names():
        file, title = resources.files(__package__).joinpath(_TABLES, f"{name}.csv"), name
    else:
        raise DataError(
            f"unknown label system {name!r}; known: {', '.join(system_names())}, or the path of a .csv table"
        )
    rows = _read(file, ("code", "name", "label"))
    seen: dict[str, Category] = {}
    numbers: set[int] = set()
    for number, row in enumerate(rows, 2):
        entry = Category(row["code"].strip(), row["name"].strip(), row["label"].strip())
        where = f"{file}, line {number}"
        if not re.fullmatch("-?[0-9]+", entry.code) or int(entry.code) in numbers:
            raise DataError(f"{where}: code {entry.code!r} must be a whole number that stands there only once")
        numbers.add(int(entry.code))
        if not entry.name:
            raise DataError(f"{where}: class {entry.code} has no name")
        if entry.label not in ("", NODATA, CHILDREN, *unified.phrases):
            raise DataError(
                f"{where}: label {entry.label!r} is none of {', '.join(unified.labels)}; correct it, "
                "or extend the vocabulary (a table label,phrase)"
            )
        seen[entry.code] = entry
    for entry in seen.values():
        if entry.label == CHILDREN and not any(_is_below(code, entry.code) for code in seen):
            raise DataError(
                f"{file}: class {entry.code} ({entry.name}) is to take the label of its {CHILDREN}, but no other code "
                f"begins with {entry.code}; give it a label"
            )
    return LabelSystem(title, tuple(_with_children(seen)))


def _with_children(classes: Mapping[str, Category]) -> Iterator[Category]:
    """The classes, with the label on which all children agree in place of `CHILDREN`; empty where they do not."""
    for code, entry in classes.items():
        if entry.label == CHILDREN:
            below = (other.label for key, other in classes.items() if _is_below(key, code))
            labels = set(below) - {CHILDREN}
            yield replace(entry, label=labels.pop() if len(labels) == 1 else "", parent=True)
        else:
            yield entry


def _is_below(code: str, parent: str) -> bool:
    return code.startswith(parent) and code != parent


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _phrases(rows: list[dict[str, str]], where: str) -> dict[str, str]:
    found = {row["label"].strip(): row["phrase"].strip() for row in rows}
    if not all(found) or not all(found.values()) or {NODATA, CHILDREN} & set(found):
        raise DataError(f"{where}: every label needs a name other than {NODATA!r} and {CHILDREN!r}, and a phrase")
    return found


def _read(file: Traversable, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"{file} lacks the column(s) {', '.join(missing)}; a table has {','.join(columns)}")
    try:
        rows = [{name: row.get(name) or "" for name in columns} for row in reader]
    except csv.Error as error:
        raise DataError(f"{file} is no table of comma-separated values: {error}") from error
    if not rows:
        raise DataError(f"{file} has no rows")
    return rows
