"""What classes are called, and what they are a kind of: from the lexicon, the annotations and a table of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from swath.corpus.gathering import class_name
from swath.corpus.language import lexicon
from swath.corpus.language.lexicon import singular
from swath.corpus.narrate.tables import read_rows
from swath.errors import DataError

_NO_KIND = frozenset({"construction", "land area", "landform", "field", "settlement", "vegetation"})
"""General words that nobody would say of the things under them."""


class Hierarchy:
    """Class -> what it is a kind of.

    Args:
        above: class -> class above it, as annotations name them; comes before the lexicon.

    Raises:
        DataError: a class is above itself.
    """

    def __init__(self, above: Mapping[str, str] | None = None) -> None:
        self._above = {thing(child): thing(parent) for child, parent in (above or {}).items()}
        for name in self._above:
            self.line(name)

    @property
    def settings(self) -> dict[str, str]:
        """The classes that do not come from the lexicon."""
        return dict(sorted(self._above.items()))

    def line(self, name: str) -> tuple[str, ...]:
        """Everything that a thing is a kind of, the nearest first; without itself.

        Raises:
            DataError: it is a kind of itself.
        """
        found: list[str] = []
        current = name
        while (parent := self._parent(current)) is not None:
            if parent == name or parent in found:
                raise DataError(
                    f"class {name!r} is a kind of itself ({' > '.join((name, *found, parent))}); correct it"
                )
            found.append(parent)
            current = parent
        return tuple(found)

    def common(self, names: Iterable[str]) -> str:
        """The nearest thing that all of several different things are a kind of (or are); empty where there is none."""
        names = list(dict.fromkeys(names))
        if len(names) < 2:
            return ""
        lines = [(name, *self.line(name)) for name in names]
        return next((one for one in lines[0] if all(one in line for line in lines[1:])), "")

    def _parent(self, name: str) -> str | None:
        given = self._above.get(name)
        if given is not None:
            return given
        concept = lexicon().concept(name)
        above = lexicon().parents.get(concept, ()) if concept is not None else ()
        return next((parent for parent in above if parent not in _NO_KIND), None)


def thing(label: str) -> str:
    """A class in the singular, in words: ``storage-tanks`` -> "storage tank"."""
    words = class_name(label)
    head, _, last = words.rpartition(" ")
    return f"{head} {singular(last)}".strip() if lexicon().concept(words) is not None else words


def read_hierarchy(path: Path) -> dict[str, str]:
    """Class -> class above it, from a table with the columns ``class,parent``.

    Raises:
        DataError: not readable, or a column is missing.
    """
    found = {}
    for number, row in enumerate(read_rows(path), 2):
        child, parent = row.get("class"), row.get("parent")
        if not child or not parent:
            raise DataError(f"{path}, line {number}: a hierarchy has the columns class,parent, both filled in")
        found[str(child)] = str(parent)
    return found
