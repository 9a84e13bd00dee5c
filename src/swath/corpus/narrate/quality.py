"""Quality control: which captions stay, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swath.corpus.checker import Checker
from swath.corpus.facts import Facts
from swath.corpus.narrate.admissible import inadmissible
from swath.corpus.narrate.writing import Caption
from swath.data.words import normalised, words
from swath.errors import InputError

INADMISSIBLE, CONTRADICTED, LENGTH, REPEATED, SCORE, DUPLICATE = (
    "inadmissible words",
    "contradicts the facts",
    "length",
    "repeated",
    "image-text score",
    "duplicate",
)
"""Why a caption is rejected."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A caption that does not stay.

    Attributes:
        text: the caption.
        reason: one of the module's reasons.
        detail: the words at fault, or the number.
    """

    text: str
    reason: str
    detail: str = ""

    def to_dict(self) -> dict[str, str]:
        """JSON values."""
        return {"text": self.text, "reason": self.reason, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class QualityControl:
    """What a caption must be.

    Attributes:
        shortest: words of a caption at least; `longest`: at most.
        copies: images that may have one and the same caption; further ones keep it only if they have no other.
        keep: image-text score from which a caption stays; None keeps all.
    """

    shortest: int = 3
    longest: int = 60
    copies: int = 20
    keep: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest or self.copies < 1:
            raise InputError(
                f"captions of {self.shortest} to {self.longest} words on at most {self.copies} images cannot be"
            )

    def inspect(self, captions: Sequence[Caption], facts: Facts) -> tuple[list[Caption], list[Rejection]]:
        """Hold the captions of one image against its facts and each other.

        Args:
            captions: candidates.
            facts: what is known of the image.

        Returns:
            Those that stay, in order, and the others with reasons.
        """
        kept: list[Caption] = []
        rejected: list[Rejection] = []
        seen = set[str]()
        for caption in captions:
            text = text_of(caption)
            fault = self.fault(text, facts)
            if fault is None and normalised(text) in seen:
                fault = Rejection(text, REPEATED)
            seen.add(normalised(text))
            if fault is None:
                kept.append(caption)
            else:
                rejected.append(fault)
        return kept, rejected

    def fault(self, text: str, facts: Facts) -> Rejection | None:
        """What is wrong with one caption by itself; None for a good one."""
        words_of_radar = inadmissible(text)
        if words_of_radar:
            return Rejection(text, INADMISSIBLE, "; ".join(finding.phrase for finding in words_of_radar))
        findings = Checker().check(text, facts)
        if findings:
            return Rejection(text, CONTRADICTED, "; ".join(map(str, findings)))
        count = len(words(text))
        return None if self.shortest <= count <= self.longest else Rejection(text, LENGTH, f"{count} words")


def text_of(caption: Caption) -> str:
    """A caption's sentences as one text."""
    return " ".join(sentence.text for sentence in caption)


def without_duplicates(rows: Sequence[Mapping[str, Any]], copies: int) -> list[list[bool]]:
    """Which captions of a corpus stay when no caption may stand on more than `copies` images.

    The first images keep it. An image keeps its first caption if it would be left without any.

    Args:
        rows: one entry an image, with ``captions``.
        copies: images that may share a caption.

    Returns:
        For each image, for each caption, whether it stays.
    """
    seen: Counter[str] = Counter()
    verdicts = []
    for row in rows:
        keys = [normalised(text) for text in row["captions"]]
        stays = [seen[key] < copies for key in keys]
        if keys and not any(stays):
            rarest = min(range(len(keys)), key=lambda at: (seen[keys[at]], at))
            stays[rarest] = True
        seen.update(key for key, stay in zip(keys, stays, strict=True) if stay)
        verdicts.append(stays)
    return verdicts
