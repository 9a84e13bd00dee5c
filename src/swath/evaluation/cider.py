"""CIDEr-D (Vedantam et al. 2015) as pycocoevalcap computes it; document frequencies are those of the references."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from swath.evaluation.ngrams import NGram, ngrams

LONGEST = 4
"""The longest n-grams that count."""

SIGMA = 6.0
"""Width of the penalty for another length, in words."""


@dataclass(frozen=True, slots=True)
class _Vector:
    """TF-IDF weights of a text: for each n the weights and their norm; and the number of its bigrams."""

    weights: list[dict[NGram, float]]
    norms: list[float]
    length: int


def cider_d(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> list[float]:
    """CIDEr-D of each of I tokenised candidates, from 0 to 10; the corpus's is their mean.

    ``10 / 4 sum_n mean_j exp(-(l_c - l_j)^2 / 2 sigma^2) <min(g_c, g_j), g_j> / (|g_c| |g_j|)`` over n-grams n and
    references j, where g are counts times ``log(I / images whose references have the n-gram)``. In a corpus of a
    single image every n-gram occurs in all of it, and every score is 0.

    Args:
        candidates: I lists of words.
        references: for each, at least one list of words.
    """
    counted = [[ngrams(reference, LONGEST) for reference in own] for own in references]
    frequency: Counter[NGram] = Counter()
    for own in counted:
        frequency.update({gram for counts in own for level in counts for gram in level})
    total = math.log(len(candidates)) if candidates else 0.0

    def vector(counts: list[Counter[NGram]]) -> _Vector:
        weights = [
            {gram: count * (total - math.log(max(1, frequency[gram]))) for gram, count in level.items()}
            for level in counts
        ]
        norms = [math.sqrt(sum(weight**2 for weight in level.values())) for level in weights]
        return _Vector(weights, norms, counts[1].total())

    scores = []
    for words, own in zip(candidates, counted, strict=True):
        found = vector(ngrams(words, LONGEST))
        scores.append(10.0 * sum(_similarity(found, vector(counts)) for counts in own) / (LONGEST * len(own)))
    return scores


def _similarity(candidate: _Vector, reference: _Vector) -> float:
    """Clipped cosines of each n, summed, less what another length costs."""
    found = 0.0
    for n in range(LONGEST):
        own, other = candidate.weights[n], reference.weights[n]
        product = sum(min(weight, other[gram]) * other[gram] for gram, weight in own.items() if gram in other)
        norm = candidate.norms[n] * reference.norms[n]
        found += product / norm if norm else product
    return found * math.exp(-((candidate.length - reference.length) ** 2) / (2 * SIGMA**2))
