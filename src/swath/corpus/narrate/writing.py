"""Captions from statements: several an image, each beginning with another thing, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from swath.corpus.checker import Finding
from swath.corpus.facts import Facts
from swath.corpus.narrate.material import Statement
from swath.corpus.tokens import LONGEST_CONTEXT, token_count
from swath.corpus.writers.base import Sentence

MOST_TOKENS = LONGEST_CONTEXT - 8
"""Byte-pair tokens of a paragraph at most."""

Caption = tuple[Sentence, ...]
"""A caption: its sentences, each with its sources."""

_TWO = 0.5
"""How often a caption has a second sentence."""

_ASIDE = frozenset({"incidence", "location", "place", "time"})
"""Topics for paragraphs only: when, where and how an image was taken cannot be seen in it, and a caption is what a
model learns to see."""

_TRIES = 12
"""How often another wording is drawn for a caption that is there already."""


class StatementWriter:
    """Writes the captions of one image from its statements.

    Args:
        statements: what may be said, in the order of a paragraph.
        count: how many captions.
        seed: chooses among statements and wordings.
        longest: words of a caption at most; a second thing is only added where it fits.
    """

    name = "rules"
    model = ""
    workers = 1

    def __init__(self, statements: Sequence[Statement], count: int, seed: int = 0, longest: int = 45) -> None:
        self._statements = tuple(statements)
        self._count = count
        self._seed = seed
        self._longest = longest

    @property
    def settings(self) -> dict[str, object]:
        """Everything the texts depend on beside the statements."""
        return {"writer": self.name, "seed": self._seed, "captions": self._count, "longest": self._longest}

    def write(self, facts: Facts, rejected: Sequence[Finding] = ()) -> tuple[Sentence, ...]:  # noqa: ARG002
        """The captions of `captions`, each as one text; findings change nothing: the rules know no other."""
        return tuple(
            Sentence(
                " ".join(one.text for one in caption),
                tuple(dict.fromkeys(source for one in caption for source in one.sources)),
            )
            for caption in self.captions(facts)
        )

    def captions(self, facts: Facts) -> list[Caption]:
        """Different captions of one or two sentences, fewer where the statements do not give that many.

        Args:
            facts: what is known of the image; its name and content choose the wordings together with the seed.
        """
        openers = [statement for statement in self._statements if statement.opens and statement.topic not in _ASIDE]
        if not openers:
            return []
        rng = random.Random(f"{self._seed}:{facts.name}:{facts.id}")
        # What a paragraph says first is always said; the other things take turns.
        turns = [openers[0], *rng.sample(openers[1:], len(openers) - 1)]
        written: dict[str, Caption] = {}
        for turn in range(self._count):
            first = turns[turn % len(turns)]
            for _ in range(_TRIES):
                caption = self._caption(first, rng)
                text = " ".join(one.text for one in caption)
                if text not in written:
                    written[text] = caption
                    break
        return list(written.values())

    def _caption(self, first: Statement, rng: random.Random) -> Caption:
        text = rng.choice((*first.wordings, *first.fragments))
        caption = (Sentence(f"{_capital(text)}.", first.sources),)
        others = [
            other for other in self._statements if other.follows and other.topic not in _ASIDE and _new(first, other)
        ]
        if others and rng.random() < _TWO:
            second = rng.choice(others)
            more = rng.choice(second.wordings)
            if len(text.split()) + len(more.split()) <= self._longest:
                return (*caption, Sentence(f"{_capital(more)}.", second.sources))
        return caption


def _new(first: Statement, other: Statement) -> bool:
    """Whether a statement says nothing that another has said: its facts, but for the thing itself, are others."""
    return other.topic != first.topic and not set(first.sources[1:]) & set(other.sources[1:])


def paragraph(statements: Sequence[Statement], name: str, seed: int = 0) -> tuple[Sentence, ...]:
    """A paragraph of every statement in order, one wording each, as long as a text tower reads.

    Args:
        statements: what may be said.
        name: the image's name; with `seed` it chooses the wordings.
        seed: chooses the wordings.
    """
    rng = random.Random(f"{seed}:{name}:paragraph")
    written: list[Sentence] = []
    length = 0
    for statement in statements:
        if written and not statement.follows:
            continue
        text = f"{_capital(rng.choice(statement.wordings))}."
        tokens = token_count(text)
        if length + tokens > MOST_TOKENS or any(text == one.text for one in written):
            continue
        written.append(Sentence(text, statement.sources))
        length += tokens
    return tuple(written)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
