"""What is wrong with captions as texts: shared between images and splits, repeated, blank or odd."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from swath.data.annotations import Annotations
from swath.data.dataset import Dataset
from swath.data.words import normalised, words

LONG = 60
"""Words above which a short caption is odd: CLIP's 77 tokens hold about that many."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffd]")
_MARKUP = re.compile(r"https?://|www\.|</?\w+>|&\w+;")


@dataclass(frozen=True, slots=True)
class CaptionRow:
    """One caption slot.

    Attributes:
        dataset: the data set's name.
        split: its split; empty where there is none.
        image: the image's name.
        text: the caption as written.
    """

    dataset: str
    split: str
    image: str
    text: str


@dataclass(frozen=True, slots=True)
class CaptionFacts:
    """Counts of one data set.

    Attributes:
        dataset: the data set's name.
        images: images with at least one caption.
        slots: captions counted as often as they stand there.
        distinct: different captions, spaces aside.
        distinct_sets: different sets of captions of an image.
        shared: slots whose caption also stands at another image.
        repeated: slots that repeat a caption of the same image.
    """

    dataset: str
    images: int
    slots: int
    distinct: int
    distinct_sets: int
    shared: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Captions that two splits have in common (case and punctuation aside).

    Attributes:
        first: (data set, split) whose captions are counted.
        second: (data set, split) they are looked for in.
        shared: how many different captions of `first` also stand in `second`.
        of: how many different captions `first` has.
        examples: some of them.
    """

    first: tuple[str, str]
    second: tuple[str, str]
    shared: int
    of: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OddCaption:
    """One caption that looks wrong by itself.

    Attributes:
        row: the caption.
        reason: what is odd.
    """

    row: CaptionRow
    reason: str


def caption_rows(data: Iterable[Dataset | Annotations]) -> list[CaptionRow]:
    """All short captions of data sets, or of annotations whose images are not at hand; blank ones included."""
    rows = []
    for one in data:
        if isinstance(one, Dataset):
            rows += [CaptionRow(one.name, pair.split, pair.name, text) for pair in one for text in pair.captions]
        else:
            for entry in one.entries:
                rows += [CaptionRow(one.name, entry.split, entry.name, text) for text in entry.captions]
    return rows


def caption_facts(rows: Sequence[CaptionRow]) -> list[CaptionFacts]:
    """Counts a data set, in order of appearance."""
    by_image: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_image[row.dataset][row.image].append(" ".join(row.text.split()))
    facts = []
    for dataset, images in by_image.items():
        holders = Counter(text for texts in images.values() for text in set(texts))
        facts.append(
            CaptionFacts(
                dataset,
                images=len(images),
                slots=sum(map(len, images.values())),
                distinct=len(holders),
                distinct_sets=len({tuple(sorted(texts)) for texts in images.values()}),
                shared=sum(holders[text] > 1 for texts in images.values() for text in texts),
                repeated=sum(len(texts) - len(set(texts)) for texts in images.values()),
            )
        )
    return facts


def split_overlaps(rows: Sequence[CaptionRow], examples: int = 5) -> list[Overlap]:
    """For every two (data set, split), in both directions, the captions they share; those without any are left out."""
    texts: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in rows:
        key = normalised(row.text)
        if key:
            texts[row.dataset, row.split].setdefault(key, row.text.strip())
    overlaps = []
    for first, mine in texts.items():
        for second, theirs in texts.items():
            if first == second:
                continue
            common = [text for key, text in mine.items() if key in theirs]
            if common:
                overlaps.append(Overlap(first, second, len(common), len(mine), tuple(common[:examples])))
    return overlaps


def odd_captions(rows: Iterable[CaptionRow]) -> list[OddCaption]:
    """Captions that are blank, hold no word or one word, double a word, are very long, or carry markup or debris."""
    return [OddCaption(row, reason) for row in rows if (reason := _oddity(row.text))]


def _oddity(text: str) -> str:
    if not text.strip():
        return "blank"
    found = words(text)
    if not found:
        return "no word"
    if len(found) == 1:
        return "a single word"
    if len(found) > LONG:
        return f"{len(found)} words: too long for a short caption"
    if _CONTROL.search(text):
        return "control or replacement characters"
    if _MARKUP.search(text):
        return "markup or a link"
    doubled = next((first for first, second in pairwise(found) if first == second), None)
    return f"doubled word {doubled!r}" if doubled else ""
