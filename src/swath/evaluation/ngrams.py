"""N-grams of tokenised captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

NGram = tuple[str, ...]


def ngrams(words: Sequence[str], longest: int = 4) -> list[Counter[NGram]]:
    """How often each n-gram occurs, a counter for each n from 1 to `longest`."""
    return [Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1)) for n in range(1, longest + 1)]
