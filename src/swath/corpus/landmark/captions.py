"""Captions from unified labels: joined as CrisisLandMark has them, as a sentence, or as a paragraph."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Literal

from swath.chips import Chip
from swath.corpus.facts import Fact, Facts
from swath.corpus.gathering import facts_of
from swath.corpus.writers import GrammarWriter
from swath.data.class_names import readable
from swath.data.labels.systems import Vocabulary
from swath.data.pairs import Pair

CaptionStyle = Literal["joined", "sentence", "classes"]

_SENTENCES = (
    "An image of {}.",
    "The image shows {}.",
    "The scene contains {}.",
    "A view of {}.",
)


def caption(
    labels: Sequence[str], style: CaptionStyle, vocabulary: Vocabulary, seed: str = "", classes: Sequence[str] = ()
) -> str:
    """A short caption.

    Args:
        labels: at least one unified label, in the vocabulary's order.
        style: ``joined`` is the published form: labels in lower case, joined with ``". "``, no sentence around them.
        vocabulary: how sentences call the labels.
        seed: chooses among wordings of sentences.
        classes: the sources' own names of the classes, which style ``classes`` puts into the sentence.
    """
    if style == "joined" or (style == "classes" and not classes):
        return ". ".join(label.lower() for label in labels)
    phrases = (
        [vocabulary.phrases[label] for label in labels] if style == "sentence" else [readable(name) for name in classes]
    )
    listed = phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"
    return random.Random(seed).choice(_SENTENCES).format(listed)


def paragraph(
    chip: Chip,
    shares: Mapping[str, float | None],
    vocabulary: Vocabulary,
    writer: GrammarWriter,
) -> str:
    """A long caption from shares, place, date and sensor, checked against them; empty where nothing can be said.

    Args:
        chip: the image.
        shares: unified label -> share of the image (0 to 1), or None where only its presence is known.
        vocabulary: how sentences call the labels.
        writer: who writes; the same seed gives the same text.
    """
    known = facts_of(Pair(chip))
    found: list[Fact] = []
    for label, share in shares.items():
        phrase, source = vocabulary.phrases[label], f"labels[{label}]"
        if share is None:
            found.append(Fact("label", "", phrase, source))
        else:
            found.append(Fact("share", phrase, round(share, 3), source))
    return " ".join(one.text for one in writer.write(Facts(known.name, (*found, *known.items))))
