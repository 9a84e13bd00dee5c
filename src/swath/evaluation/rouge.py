"""ROUGE-L (Lin 2004) as pycocoevalcap computes it: longest common subsequence, beta 1.2, best of the references."""

from __future__ import annotations

from collections.abc import Sequence

BETA = 1.2
"""How much recall counts against precision."""


def rouge_l(candidate: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """ROUGE-L of one tokenised candidate, from 0 to 1.

    Precision and recall are each the best over the references, and need not come from the same one. Two empty texts
    agree, an empty and another one do not.

    Args:
        candidate: words.
        references: at least one list of words.
    """
    words = list(candidate) or [""]
    texts = [list(reference) or [""] for reference in references]
    common = [_longest_common(words, text) for text in texts]
    precision = max(common) / len(words)
    recall = max(count / len(text) for count, text in zip(common, texts, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def _longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    before = [0] * (len(b) + 1)
    for word in a:
        row = [0]
        for at, other in enumerate(b, 1):
            row.append(before[at - 1] + 1 if word == other else max(before[at], row[-1]))
        before = row
    return before[-1]
