"""`Fact` and `Facts`: everything known about one image, each item with where it is known from.

Facts are what writers write from and what the checker holds their texts against. A writer never sees the image.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from swath.errors import DataError

FactKind = Literal[
    "statement",
    "caption",
    "class",
    "label",
    "count",
    "position",
    "length",
    "width",
    "area",
    "share",
    "gsd",
    "tag",
    "place",
    "location",
    "date",
    "sensor",
]
"""What a fact says of its subject:

- ``statement``, ``caption``: a sentence (str); a statement is certain, captions may contradict each other.
- ``class``: the image's one class (str); ``label``: one of several (str).
- ``count``: how many of the subject (int); ``position``: where the subject lies (str, "upper left");
  ``length`` and ``width``: in metres (float); ``area``: in hectares (float); ``share``: the part of the image that it
  covers (float, 0 to 1).
- ``gsd``: metres a pixel (float); ``tag``: a map tag, the subject is its key (str); ``place``: a name (str).
- ``location``: (lon, lat) in degrees, EPSG:4326; ``date``: an ISO date or time (str); ``sensor``: a title (str).
"""

Value = str | int | float | tuple[float, float]

_KINDS = frozenset(get_args(FactKind))


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known about an image.

    Attributes:
        kind: what is said (`FactKind`).
        subject: of what: a thing's name, a tag's key; empty for the image as a whole.
        value: what holds; its type depends on the kind.
        source: where it is known from (``captions[2]``, ``boxes``, ``labels[0]``).
    """

    kind: FactKind
    subject: str
    value: Value
    source: str

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise DataError(f"unknown kind of fact {self.kind!r}; known: {', '.join(sorted(_KINDS))}")

    def to_dict(self) -> dict[str, object]:
        """JSON values."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"kind": self.kind, "subject": self.subject, "value": value, "source": self.source}


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about one image.

    Attributes:
        name: the image's name in its data set.
        items: the facts, in a fixed order.
    """

    name: str
    items: tuple[Fact, ...] = ()

    def __iter__(self) -> Iterator[Fact]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def of(self, *kinds: FactKind) -> tuple[Fact, ...]:
        """The facts of these kinds, in order."""
        return tuple(fact for fact in self.items if fact.kind in kinds)

    @property
    def id(self) -> str:
        """A stable name of the content: 128 bits of SHA-256 in hexadecimal; the image's name counts, too."""
        document = json.dumps([self.name, [fact.to_dict() for fact in self.items]], ensure_ascii=False)
        return hashlib.sha256(document.encode()).hexdigest()[:32]


def text_of(fact: Fact) -> str:
    """A fact's value as text.

    Raises:
        DataError: the value of this kind must be a text and is not.
    """
    if not isinstance(fact.value, str):
        raise DataError(f"fact {fact.kind} of {fact.subject!r} ({fact.source}) must be a text, not {fact.value!r}")
    return fact.value


def number_of(fact: Fact) -> float:
    """A fact's value as a number.

    Raises:
        DataError: the value of this kind must be a number and is not.
    """
    if isinstance(fact.value, bool) or not isinstance(fact.value, int | float):
        raise DataError(f"fact {fact.kind} of {fact.subject!r} ({fact.source}) must be a number, not {fact.value!r}")
    return float(fact.value)


def place_of(fact: Fact) -> tuple[float, float]:
    """A location's (lon, lat) in degrees.

    Raises:
        DataError: the value is not a pair of degrees.
    """
    if not isinstance(fact.value, tuple) or len(fact.value) != 2:
        raise DataError(f"fact {fact.kind} ({fact.source}) must be (lon, lat), not {fact.value!r}")
    return fact.value


def merged(first: Facts, second: Mapping[str, Facts]) -> Facts:
    """`first` with what `second` has under the same image name; repeated facts are kept once."""
    more = second.get(first.name)
    return first if more is None else Facts(first.name, tuple(dict.fromkeys((*first.items, *more.items))))
