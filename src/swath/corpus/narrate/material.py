"""What a route gives: images (`Item`), what is known of each (`Material`), and the door that routes share (`Route`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from swath.chips import Chip
from swath.corpus.facts import Facts
from swath.errors import SwathError


@dataclass(frozen=True, slots=True)
class Item:
    """One image to write about.

    Attributes:
        name: its name in the corpus; for a whole image file the path relative to the image folder.
        chip: the image.
        unit: what is never divided between splits: the scene, or the record, that it comes from.
        split: the official split; empty where there is none.
    """

    name: str
    chip: Chip
    unit: str
    split: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that may be said of an image, in several wordings that all say exactly that.

    Attributes:
        topic: what it is about (``count``, ``size``, ``position``); a caption says one thing of a topic.
        wordings: whole sentences in lower case without a full stop.
        sources: sources of the facts that it states (`Fact.source`), that of the thing itself first.
        opens: whether a caption may consist of it alone, or begin with it.
        follows: whether it may be a later sentence of a caption, or stand in a paragraph that has begun.
        fragments: further wordings without a verb ("a tanker 80 metres long"), as people caption; never inside a text.
    """

    topic: str
    wordings: tuple[str, ...]
    sources: tuple[str, ...]
    opens: bool = True
    follows: bool = True
    fragments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that a route knows of one image.

    Attributes:
        facts: what is known; nothing else may be said.
        statements: what the rules can say, in the order in which a paragraph says it.
        labels: class names.
        notes: what was wrong with the annotation, and is therefore not told.
        origin: where texts come from that are not written from annotations (``captioner``, ``optical``).
    """

    facts: Facts
    statements: tuple[Statement, ...]
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Mapping[str, str] = field(default_factory=dict)


class Route(Protocol):
    """A way from annotations to material; further ones come through entry points (`swath.corpus.narrate.routes`)."""

    @property
    def name(self) -> str:
        """What provenance calls the route."""
        ...

    @property
    def items(self) -> Sequence[Item]:
        """The images, in a fixed order."""
        ...

    @property
    def settings(self) -> Mapping[str, object]:
        """What the material depends on beside the images, as JSON values; a run only goes on with the same settings."""
        ...

    @property
    def failures(self) -> Sequence[str]:
        """What could not be read at all, and is not among the items."""
        ...

    def tell(self, items: Sequence[Item]) -> list[Material | SwathError]:
        """What is known of some of the items, in their order; the error of an item about which nothing can be told."""
        ...
