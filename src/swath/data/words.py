"""Words of captions: the same cut into words as CLIP's tokenizer makes, so that a word's tokens can be found again."""

from __future__ import annotations

from functools import cache
from importlib import resources

import regex

_LETTERS = regex.compile(r"\p{L}+")
_LETTERS_OR_DIGITS = regex.compile(r"\p{L}+|\p{N}+")


def words(text: str) -> list[str]:
    """The words of a text in order, lower case: runs of letters; digits and punctuation are left out."""
    found: list[str] = _LETTERS.findall(text.lower())
    return found


def normalised(text: str) -> str:
    """A text without case, punctuation and repeated spaces: what counts as the same caption. Digits stay."""
    return " ".join(_LETTERS_OR_DIGITS.findall(text.lower()))


@cache
def stop_words() -> frozenset[str]:
    """English words that say nothing of what an image shows (articles, prepositions, "many", "there", ...)."""
    return frozenset(resources.files("swath.data").joinpath("stop_words.txt").read_text(encoding="utf-8").split())


def content_words(text: str) -> list[str]:
    """The words of a text that are not stop words, in order."""
    stops = stop_words()
    return [word for word in words(text) if word not in stops]
