"""Texts over the context length, read window by window.

A text is cut into the fewest windows that fit, of equal length and without overlap, each with the start and end token
of a text of its own. Its pooled vector is the normalised mean of theirs; its tokens are all of its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch.nn import functional as F

from swath.features import Features
from swath.models.towers import Tokenized


def split(rows: Sequence[list[int]], limit: int) -> Tokenized:
    """Cut token ids into windows.

    Args:
        rows: one list a text, its first id the start token, its last one the end token.
        limit: most ids in a window, 3 or more.
    """
    ids: list[list[int]] = []
    owners: list[int] = []
    for text, row in enumerate(rows):
        found = _windows(row, limit)
        ids += found
        owners += [text] * len(found)
    return Tokenized(ids, 0, tuple(owners) if len(ids) > len(rows) else None)


def join(windows: Features, owners: Sequence[int]) -> Features:
    """Features of texts from those of their windows.

    Args:
        windows: (W, D), (W, N, D) or no tokens, (W, N).
        owners: the text of each window, ascending from 0 without a gap.
    """
    members: list[list[int]] = [[] for _ in range(owners[-1] + 1)]
    for window, text in enumerate(owners):
        members[text].append(window)
    pooled = windows.pooled[torch.tensor([rows[0] for rows in members], device=windows.pooled.device)]
    for text, rows in enumerate(members):
        if len(rows) > 1:
            pooled[text] = F.normalize(windows.pooled[rows].mean(dim=0), dim=0)
    if not windows.tokens.shape[1]:
        none = pooled.new_empty(len(members), 0, windows.tokens.shape[2])
        return Features(pooled, none, torch.zeros(len(members), 0, dtype=torch.bool, device=pooled.device))
    parts = []
    for text, rows in enumerate(members):
        real = [windows.tokens[row][windows.mask[row]] for row in rows]
        # Between two windows stand the end of one and the start of the next, which the text itself has not.
        inner = [words[at > 0 : len(words) - (at < len(real) - 1)] for at, words in enumerate(real)]
        words = torch.cat(inner)[None]
        mask = torch.ones(words.shape[:2], dtype=torch.bool, device=words.device)
        parts.append(Features(pooled[text : text + 1], words, mask))
    return Features.cat(parts)


def _windows(row: list[int], limit: int) -> list[list[int]]:
    if len(row) <= limit:
        return [row]
    words = row[1:-1]
    count = -(-len(words) // (limit - 2))
    bounds = [len(words) * place // count for place in range(count + 1)]
    return [[row[0], *words[first:last], row[-1]] for first, last in pairwise(bounds)]
