"""Captions as sentences of a paragraph: mended, finished, without near repeats.

Captions of real data sets come with spaces before the full stop, doubled spaces, no capital, and as fragments without a
verb ("a football field with trees beside ."). Words are never changed: a wrong word is the caption's.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from swath.corpus.language import claims_of
from swath.corpus.language.lexicon import singular
from swath.data.words import content_words

NEW = 0.2
"""A caption is kept beside others if at least this share of its content words is new."""

_SPACES = re.compile(r"\s+")
_BEFORE_MARK = re.compile(r"\s+([.,;:!?])")
_DOUBLED = re.compile(r"\b(\w+)( \1\b)+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029\u202a-\u202e\ufeff]+")
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|can|lies?|lie|takes?|fills?|borders?|goes|go|runs?|stands?|sits?|locates?|consists?|contains?|includes?|"
    r"forms?|makes?|constitutes?|composes?|covers?|surrounds?|divides?|separates?|connects?|crosses|passes|shows?|"
    r"flourish|grows?|looks?|seems?|beats?|comes?|occupies|occupy|stretches|flows?|winds|extends?|spans|owns|holds|"
    r"decorates?|splits?|slap|pat|press)\b",
    re.IGNORECASE,
)
_STARTS = re.compile(
    r"(?:a|an|the|one|two|three|four|five|six|seven|eight|nine|ten|many|some|several|lots|few|numerous)\b"
)
# "the gate separated the yard" is a sentence, "a gate surrounded by trees" none.
_MAY_BE_VERB = re.compile(r"^the\b.*ed\b", re.IGNORECASE)
_LEADS = ("The image shows {}", "The view shows {}", "One can see {}", "{} can be made out")


def mend(caption: str) -> str:
    """A caption with single spaces, no space before its marks, no word doubled, no control characters, no end mark."""
    text = _SPACES.sub(" ", _CONTROL.sub(" ", caption)).strip()
    text = _DOUBLED.sub(r"\1", _BEFORE_MARK.sub(r"\1", text))
    return text.rstrip(" .,;:!?`'\"").strip()


def finish(caption: str, rng: random.Random) -> str:
    """A mended caption as a whole sentence: a fragment gets a lead ("The image shows ..."), and all a full stop."""
    if _STARTS.match(caption.lower()) and not _VERB.search(caption) and not _MAY_BE_VERB.search(caption):
        lead = rng.choice(_LEADS)
        fragment = caption[0].lower() + caption[1:]
        caption = lead.format(fragment)
    return f"{caption[0].upper()}{caption[1:]}."


def distinct(captions: Sequence[str]) -> list[int]:
    """Indices of the captions to keep, in the order given: those that say something that the others do not.

    The caption with the most content words comes first; each further one must bring a share of at least `NEW` words
    that no kept one has. Words for the same thing ("planes", "aircraft") count as one.
    """
    words = [_contents(caption) for caption in captions]
    told, kept = set[str](), list[int]()
    for index in sorted(range(len(captions)), key=lambda at: (-len(words[at]), at)):
        new = words[index] - told
        if (new and len(new) >= NEW * len(words[index])) or (captions[index] and not kept):
            kept.append(index)
            told |= words[index]
    return sorted(kept)


def _contents(caption: str) -> frozenset[str]:
    """The content words of a caption in singular, things by their concept."""
    things = claims_of(caption).objects
    rest = {singular(word) for word in content_words(caption)}
    return frozenset(things) | (rest - {singular(word) for phrase in things.values() for word in phrase.split()})
