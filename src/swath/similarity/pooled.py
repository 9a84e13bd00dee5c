"""Global similarity: the cosine of pooled vectors, and the best candidates of each query in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor

from swath.errors import InputError

_BLOCK = 64 << 20  # bytes of scores held at a time by `top_k`


def global_similarity(images: Tensor, texts: Tensor) -> Tensor:
    """``Sim^g = cos(f_v^g, f_t^g)`` of every image with every text.

    Args:
        images: (I, D) pooled vectors, L2-normalised.
        texts: (T, D) likewise.

    Returns:
        (I, T), from -1 to 1.

    Raises:
        InputError: the shapes do not fit.
    """
    if images.ndim != 2 or texts.ndim != 2 or images.shape[1] != texts.shape[1]:
        raise InputError(
            f"pooled vectors must be (I, D) and (T, D) of equal D, got {tuple(images.shape)} and {tuple(texts.shape)}"
        )
    return images @ texts.T


def top_k(queries: Tensor, candidates: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k candidates of highest cosine for each query; equal cosines keep the candidates' order.

    Never holds more than about 64 MiB of scores, whatever the number of queries and candidates.

    Args:
        queries: (Q, D), L2-normalised.
        candidates: (C, D), L2-normalised.
        k: from 1; more than C gives C.

    Returns:
        scores (Q, k) falling along each row, and candidate indices (Q, k).

    Raises:
        InputError: the shapes do not fit, or k is below 1.
    """
    if k < 1:
        raise InputError(f"k must be at least 1, got {k}")
    if queries.ndim != 2 or candidates.ndim != 2 or queries.shape[1] != candidates.shape[1]:
        raise InputError(
            f"vectors must be (Q, D) and (C, D) of equal D, got {tuple(queries.shape)} and {tuple(candidates.shape)}"
        )
    wide = min(len(candidates), max(k, 1 << 16))
    rows = max(1, _BLOCK // max(1, wide * queries.element_size()))
    scores, places = [], []
    for start in range(0, max(len(queries), 1), rows):
        block = queries[start : start + rows]
        best = block.new_empty(len(block), 0)
        index = torch.empty(len(block), 0, dtype=torch.long, device=block.device)
        for begin in range(0, len(candidates), max(wide, 1)):
            found = block @ candidates[begin : begin + wide].T
            own = torch.arange(begin, begin + found.shape[1], device=block.device).expand_as(found)
            best, index = stable_top(torch.cat([best, found], dim=1), torch.cat([index, own], dim=1), k)
        scores.append(best)
        places.append(index)
    return torch.cat(scores), torch.cat(places)


def stable_top(scores: Tensor, index: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k highest of each row with their `index`, falling; among equal scores the earlier column comes first.

    Args:
        scores: (Q, C).
        index: (Q, C) what to return of the chosen columns.
        k: from 1; more than C gives C.

    Returns:
        (Q, k) and (Q, k).
    """
    k = min(k, scores.shape[1])
    if k == 0:
        return scores, index
    # A full sort is stable but slow; cut first at the k-th value, keeping of its equals the earliest that still fit.
    bar = scores.topk(k, dim=1, sorted=False).values.amin(dim=1, keepdim=True)
    above, equal = scores > bar, scores == bar
    kept = above | (equal & (equal.cumsum(dim=1) <= k - above.sum(dim=1, keepdim=True)))
    columns = torch.nonzero(kept)[:, 1].view(len(scores), k)
    chosen = scores.gather(1, columns)
    order = chosen.argsort(dim=1, descending=True, stable=True)
    return chosen.gather(1, order), index.gather(1, columns.gather(1, order))
