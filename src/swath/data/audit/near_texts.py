"""Captions that are nearly the same: an exact similarity join on their sets of words."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from swath.data.words import normalised
from swath.errors import InputError


def near_repeats(texts: Sequence[str], threshold: float = 0.9) -> list[tuple[int, int, float]]:
    """All pairs of texts whose sets of words have a Jaccard similarity of at least `threshold`.

    Exact, by prefix filtering (Bayardo et al., WWW 2007): with words in order of rarity, two sets that similar share
    one of the first ``n - ceil(threshold * n) + 1`` words of each, so only texts that share a rare word are compared.

    Args:
        texts: the texts; those without a word match nothing. Equal texts are pairs too: give distinct texts.
        threshold: similarity, above 0 to 1.

    Returns:
        (i, j, similarity) with i < j, in order.

    Raises:
        InputError: `threshold` is out of range.
    """
    if not 0.0 < threshold <= 1.0:
        raise InputError(f"threshold must be above 0 and at most 1, not {threshold}")
    sets = [set(normalised(text).split()) for text in texts]
    frequency = Counter(word for found in sets for word in found)
    ordered = [sorted(found, key=lambda word: (frequency[word], word)) for found in sets]
    by_word: dict[str, list[int]] = defaultdict(list)
    pairs = []
    for index in sorted(range(len(sets)), key=lambda i: len(sets[i])):
        found = sets[index]
        size = len(found)
        prefix = ordered[index][: size - math.ceil(threshold * size) + 1] if size else []
        candidates = {other for word in prefix for other in by_word[word]}
        for other in candidates:
            smaller = sets[other]
            if len(smaller) < threshold * size:
                continue
            common = len(found & smaller)
            similarity = common / (size + len(smaller) - common)
            if similarity >= threshold:
                pairs.append((min(index, other), max(index, other), similarity))
        for word in prefix:
            by_word[word].append(index)
    return sorted(pairs)
