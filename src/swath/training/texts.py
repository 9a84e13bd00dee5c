"""Captions as they are trained on."""

from __future__ import annotations

import re

import numpy as np

from swath.data import Pair
from swath.errors import DataError
from swath.training.long_texts import first_sentence
from swath.training.recipe import SourceRecipe

NO_TEXT = -2
"""Id of the caption of a text that only fills the place of an image without one."""

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])|[_-]+")
_SPACES = re.compile(r"\s+")


def training_captions(pair: Pair, source: SourceRecipe, *, needed: bool = True) -> tuple[str, ...]:
    """The captions of an image that are trained on: written ones, or made from the source's templates.

    Args:
        pair: the image.
        source: where it comes from.
        needed: whether it must have one.

    Raises:
        DataError: it has none, but needs one.
    """
    if source.captions == "long" and not pair.long_captions and needed:
        raise DataError(f"{pair.name} in {source.path} has no long caption; make them with: swath corpus long")
    written = pair.captions if source.captions == "short" else pair.long_captions
    if not written and not source.templates:
        written = tuple(map(first_sentence, pair.long_captions))
    if written:
        return tuple(dict.fromkeys(map(tidy, written)))
    made = tuple(template.format(label=plain(label)) for label in pair.labels for template in source.templates)
    if not made and needed:
        raise DataError(
            f"{pair.name} in {source.path} has no caption; give data.train templates to make captions from its labels"
        )
    return tuple(dict.fromkeys(made))


def tidy(text: str) -> str:
    """The text with single spaces."""
    return _SPACES.sub(" ", text).strip()


def plain(label: str) -> str:
    """A class name as words: ``HerbaceousVegetation`` and ``herbaceous_vegetation`` become two words."""
    return _SPACES.sub(" ", _WORD_START.sub(" ", label)).strip().lower()


def vary(text: str, word_dropout: float, full_stop_dropout: float, numbers: np.random.Generator) -> str:
    """A caption with some words left out, but never all, and sometimes without its full stop."""
    if full_stop_dropout and numbers.random() < full_stop_dropout:
        text = text.rstrip(" .") or text
    if not word_dropout:
        return text
    words = text.split()
    kept = [word for word, chance in zip(words, numbers.random(len(words)), strict=True) if chance >= word_dropout]
    return " ".join(kept) or text
