"""BLEU-1 to BLEU-4 (Papineni et al. 2002) as pycocoevalcap counts it: over the corpus, closest reference length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.evaluation.ngrams import ngrams

LONGEST = 4
"""The longest n-grams that count."""

_SMALL, _TINY = 1e-9, 1e-15  # pycocoevalcap's guards against division by zero


@dataclass(frozen=True, slots=True, eq=False)
class BleuCounts:
    """What BLEU needs to know of I candidates; counts of several images may be added.

    Attributes:
        correct: (I, 4) n-grams that a reference has, clipped to how often it has them.
        guessed: (I, 4) n-grams of the candidate.
        length: (I,) words of the candidate.
        wanted: (I,) words of the reference closest in length.
    """

    correct: NDArray[np.float64]
    guessed: NDArray[np.float64]
    length: NDArray[np.float64]
    wanted: NDArray[np.float64]

    def score(self) -> NDArray[np.float64]:
        """(..., 4) BLEU-1 to BLEU-4 of each row, from 0 to 1: geometric mean of precisions times brevity penalty."""
        precision = (self.correct + _TINY) / (self.guessed + _SMALL)
        order = np.arange(1, LONGEST + 1)
        mean = np.cumprod(precision, axis=-1) ** (1.0 / order)
        ratio = (self.length + _TINY) / (self.wanted + _SMALL)
        # 1 - 1 / ratio of an empty candidate is -1e15 or less: the penalty is 0, as it should be.
        penalty = np.where(ratio < 1, np.exp(np.minimum(0.0, 1 - 1 / ratio)), 1.0)
        return np.asarray(mean * penalty[..., None])

    def weighted(self, times: NDArray[np.float64] | NDArray[np.int64]) -> BleuCounts:
        """Counts of R corpora in which image i occurs ``times[r, i]`` times, (R, I): rows are corpora."""
        return BleuCounts(times @ self.correct, times @ self.guessed, times @ self.length, times @ self.wanted)


def bleu_counts(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> BleuCounts:
    """Count n-grams of I tokenised candidates in their tokenised references.

    A corpus of a single image takes the mean length of its references, as pycocoevalcap does; otherwise the length
    closest to the candidate's counts, of two the shorter.

    Args:
        candidates: I lists of words.
        references: for each, at least one list of words.
    """
    rows = []
    for words, own in zip(candidates, references, strict=True):
        clipped = [ngrams(reference, LONGEST) for reference in own]
        correct = [
            sum(min(count, max(found[n][gram] for found in clipped)) for gram, count in counts.items())
            for n, counts in enumerate(ngrams(words, LONGEST))
        ]
        guessed = [max(0, len(words) - n) for n in range(LONGEST)]
        lengths = [len(reference) for reference in own]
        wanted = float(min((abs(length - len(words)), length) for length in lengths)[1])
        if len(candidates) == 1:
            wanted = float(np.mean(lengths))
        rows.append([*correct, *guessed, len(words), wanted])
    table = np.array(rows, dtype=np.float64).reshape(-1, 2 * LONGEST + 2)
    return BleuCounts(table[:, :LONGEST], table[:, LONGEST : 2 * LONGEST], table[:, -2], table[:, -1])
