"""`Writer`: facts in, sentences out, each with the facts that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from swath.corpus.checker import Finding
from swath.corpus.facts import Facts


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a long caption.

    Attributes:
        text: the sentence, with its full stop.
        sources: sources of the facts that it was made from (`Fact.source`).
    """

    text: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LongCaption:
    """A paragraph about an image.

    Attributes:
        sentences: its sentences in order.
        writer: what wrote it ("grammar", "llm").
        model: the language model, if one wrote it.
        rejected: what the checker found in earlier attempts at this caption, or why there was none ("refusal").
    """

    sentences: tuple[Sentence, ...]
    writer: str
    model: str = ""
    rejected: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The paragraph."""
        return " ".join(sentence.text for sentence in self.sentences)


class Writer(Protocol):
    """Writes paragraphs from facts."""

    @property
    def name(self) -> str:
        """What provenance calls the writer."""
        ...

    @property
    def model(self) -> str:
        """The language model behind it; empty where there is none."""
        ...

    @property
    def workers(self) -> int:
        """How many captions it may write at the same time; 1 for writers that gain nothing from more."""
        ...

    @property
    def settings(self) -> dict[str, object]:
        """What its texts depend on, as JSON values; a corpus is only continued with the same settings."""
        ...

    def write(self, facts: Facts, rejected: Sequence[Finding] = ()) -> tuple[Sentence, ...]:
        """A paragraph from the facts of one image; empty where the facts say nothing.

        Args:
            facts: what is known.
            rejected: what was wrong with the writer's last attempt.

        Raises:
            WritingError: the writer has no text for these facts (a refusal, no usable answer).
            LanguageModelError: the writer cannot work at all now (no connection, no access).
        """
        ...
