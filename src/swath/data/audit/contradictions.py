"""Captions that describe another class than the image's: found by the words that mark each class.

A word marks a class strongly if most images of the class have it and few others do ("farmland" for agricultural), and
weakly if it is merely typical. An image is suspicious if its captions carry a strong mark of another class that its own
class hardly ever carries, carry no weak mark of its own class, and are far likelier under the other class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.data.words import content_words

STRONG_SHARE, STRONG_LIFT = 0.5, 5.0
"""A strong mark: in at least half of the class's images, and five times as often as elsewhere."""

WEAK_SHARE, WEAK_LIFT = 0.2, 2.0
"""A weak mark: in at least a fifth of the class's images, and twice as often as elsewhere."""

FOREIGN_SHARE = 0.1
"""A mark is foreign to a class if at most a tenth of its other images have it."""

MIN_IMAGES = 10
"""Classes with fewer images say too little about what is usual."""

_PRIOR = 2.0


@dataclass(frozen=True, slots=True)
class LabelledCaptions:
    """One image's class and captions.

    Attributes:
        dataset: the data set's name; classes are compared within one data set.
        split: its split.
        image: the image's name.
        label: its class.
        captions: its captions.
    """

    dataset: str
    split: str
    image: str
    label: str
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Captions that speak of another class.

    Attributes:
        item: the image.
        looks_like: the class that the captions speak of.
        because: the words that mark it, foreign to the image's own class.
        score: natural logarithm of how much likelier the captions' words are under that class.
    """

    item: LabelledCaptions
    looks_like: str
    because: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class _Counts:
    """Word counts of one data set: `images` (C,) and `with_word` (C, V) images of a class that have a word."""

    images: NDArray[np.float64]
    with_word: NDArray[np.float64]

    @property
    def share(self) -> NDArray[np.float64]:
        """(C, V) share of a class's images that have a word."""
        shares: NDArray[np.float64] = self.with_word / self.images[:, None]
        return shares

    @property
    def elsewhere(self) -> NDArray[np.float64]:
        """(C, V) share of all other classes' images that have a word."""
        others = np.maximum(self.images.sum() - self.images, 1.0)
        shares: NDArray[np.float64] = (self.with_word.sum(axis=0) - self.with_word) / others[:, None]
        return shares

    def marks(self, share: float, lift: float) -> NDArray[np.bool_]:
        """(C, V) words that at least `share` of a class has, `lift` times as often as elsewhere."""
        return (self.share >= share) & (self.share >= lift * self.elsewhere)


def contradictions(items: Sequence[LabelledCaptions], min_score: float = 5.0) -> list[Contradiction]:
    """Images whose captions contradict their class, the most certain first.

    Args:
        items: labelled images of one or several data sets.
        min_score: smallest score; 5 is odds of about 150 to 1.
    """
    found = []
    for dataset in dict.fromkeys(item.dataset for item in items):
        found += _within([item for item in items if item.dataset == dataset], min_score)
    return sorted(found, key=lambda one: (-one.score, one.item.image))


def _within(items: list[LabelledCaptions], min_score: float) -> list[Contradiction]:
    classes = sorted({item.label for item in items})
    place = {label: number for number, label in enumerate(classes)}
    vocabulary: dict[str, int] = {}
    rows = [_row(item, vocabulary) for item in items]
    names = list(vocabulary)
    labels = np.array([place[item.label] for item in items], dtype=np.int64)
    counts = _Counts(
        np.bincount(labels, minlength=len(classes)).astype(np.float64), np.zeros((len(classes), len(names)))
    )
    for row, label in zip(rows, labels, strict=True):
        counts.with_word[label, row] += 1
    usual = counts.with_word.sum(axis=0) / max(1, len(items))
    enough = counts.images >= MIN_IMAGES
    strong = counts.marks(STRONG_SHARE, STRONG_LIFT) & enough[:, None]
    weak = counts.marks(WEAK_SHARE, WEAK_LIFT)
    found = []
    for item, row, own in zip(items, rows, labels, strict=True):
        if not enough[own] or not len(row) or _has_own_mark(counts, weak, row, int(own)):
            continue
        scores = _scores(counts, usual, row, int(own))
        scores[~enough] = -np.inf
        other = int(scores.argmax())
        foreign = (counts.with_word[own, row] - 1) / (counts.images[own] - 1) <= FOREIGN_SHARE
        because = [names[word] for word in row[strong[other, row] & foreign]]
        if because and scores[other] >= min_score:
            found.append(Contradiction(item, classes[other], tuple(sorted(because)), float(scores[other])))
    return found


def _row(item: LabelledCaptions, vocabulary: dict[str, int]) -> NDArray[np.int64]:
    """The distinct content words of an image's captions, as ascending indices; new ones join the vocabulary."""
    found = {word for text in item.captions for word in content_words(text)}
    return np.array(sorted(vocabulary.setdefault(word, len(vocabulary)) for word in sorted(found)), dtype=np.int64)


def _has_own_mark(counts: _Counts, weak: NDArray[np.bool_], row: NDArray[np.int64], own: int) -> bool:
    """Whether an image has a weak mark of its class that it is not alone in having."""
    return bool((weak[own, row] & (counts.with_word[own, row] > 1)).any())


def _scores(counts: _Counts, usual: NDArray[np.float64], row: NDArray[np.int64], own: int) -> NDArray[np.float64]:
    """(C,) log-likelihood ratio of an image's words under each class against its own, itself left out of its own."""
    prior = _PRIOR * usual[row]
    under = (counts.with_word[:, row] + prior) / (counts.images[:, None] + _PRIOR)
    mine = (counts.with_word[own, row] - 1 + prior) / (counts.images[own] - 1 + _PRIOR)
    scores: NDArray[np.float64] = np.log(under / mine).sum(axis=1)
    scores[own] = -np.inf
    return scores
