"""Re-ranking by asking back: a candidate is trusted if it would choose the query too.

*Sort after reversed retrieval*: the first K candidates of a query are sorted again by the rank that the query has when
the candidate is the query. iEBAKER names the step and publishes neither text nor code of it: this is our reading, after
the nearest published algorithm, GaLR's re-ranking. Its multivariate form is here too. Of its flaws these are mended:
ties (equal scores stay equal, and no order of the data decides among them inside the first K), negative similarities,
candidates beyond K (they keep their order), and loops.

Ranking among the other queries of a test set is **transductive**: a query's answer depends on which other queries were
asked, so such numbers must not be compared with those of single queries. `rerank_with_bank` asks back among a stored
bank of captions instead, which a single live query can do as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from swath.errors import InputError
from swath.similarity.pooled import stable_top

Method = Literal["reverse", "multivariate"]
_BLOCK = 64 << 20  # bytes of ranks or comparisons held at a time


@dataclass(frozen=True, slots=True, eq=False)
class Reranked:
    """A new order of each query's first K candidates.

    Attributes:
        order: (Q, K) candidate indices, best first.
        position: (Q, K) the place of each, from 0; candidates that nothing tells apart share the first of their places.
        method: how it was found.
        transductive: whether it depends on the other queries.
    """

    order: Tensor
    position: Tensor
    method: Method
    transductive: bool

    def apply(self, scores: Tensor) -> Tensor:
        """Scores that sort as the new order, for `swath.evaluation.evaluate`: (Q, C).

        The first K stand above all others, which keep their scores.

        Args:
            scores: (Q, C) the scores that were re-ranked; left as they are.
        """
        ceiling = scores.amax(dim=1, keepdim=True) if scores.shape[1] else scores
        places = self.order.shape[1] - self.position.to(scores.dtype)
        return scores.scatter(1, self.order, ceiling + places)


def rerank(
    scores: Tensor,
    k: int = 10,
    *,
    method: Method = "reverse",
    share_weight: float = 1.0,
    reverse_weight: float = 0.7,
) -> Reranked:
    """Re-rank with the other queries of the set (transductive).

    ``reverse``: the first K by reverse rank, the number of other queries that the candidate scores higher; candidates
    of equal reverse rank keep their forward order.

    ``multivariate`` (GaLR): by ``w1 s_qc / sum_q' s_q'c + exp(-0.05 (j + 1)) + w2 exp(-0.05 (r + 1))`` with forward
    position j, reverse rank r and scores shifted to be at least 0; K is at least 10.

    Args:
        scores: (Q, C) similarity of all queries of the set to all candidates; for the other direction, its transpose.
        k: how many candidates of each query are sorted again.
        method: which form.
        share_weight: w1 of the multivariate form.
        reverse_weight: w2 of the multivariate form.

    Raises:
        InputError: scores are no matrix, k is below 1, or the method is unknown.
    """
    _check(scores, k, method)
    k = max(10, k) if method == "multivariate" else k
    values, order = _first(scores, k)
    reverse = reverse_ranks(scores, order)
    if method == "reverse":
        return _sorted(order, reverse.double(), values, method, transductive=True)
    forward = torch.arange(order.shape[1], device=scores.device).expand_as(order)
    tied = _group_starts(forward, values[:, 1:] == values[:, :-1])
    low = min(0.0, float(scores.min())) if scores.numel() else 0.0
    total = (scores - low).sum(dim=0).clamp_min(torch.finfo(scores.dtype).tiny)
    share = (values - low) / total[order]
    worth = (
        share_weight * share.double()
        + torch.exp(-0.05 * (tied.double() + 1))
        + reverse_weight * torch.exp(-0.05 * (reverse.double() + 1))
    )
    return _sorted(order, -worth, values, method, transductive=True)


def rerank_with_bank(scores: Tensor, bank_scores: Tensor, k: int = 10) -> Reranked:
    """Re-rank each query by itself, asking back among a bank of stored captions (inductive).

    The reverse rank of a candidate is the number of the bank's captions that it scores higher than the query: a
    candidate that fits everything is no answer to anything in particular.

    Args:
        scores: (Q, C); one live query is (1, C), where C may be the candidates that a search gave.
        bank_scores: (C, B) similarity of each candidate to each caption of the bank, by the same measure as `scores`.
        k: how many candidates of each query are sorted again.

    Raises:
        InputError: shapes do not fit, the bank is empty, or k is below 1.
    """
    _check(scores, k, "reverse")
    if bank_scores.ndim != 2 or len(bank_scores) != scores.shape[1] or not bank_scores.shape[1]:
        raise InputError(
            f"bank scores must be ({scores.shape[1]}, B) with at least one caption, got {tuple(bank_scores.shape)}"
        )
    values, order = _first(scores, k)
    size = order.shape[1] * bank_scores.shape[1] * (bank_scores.element_size() + 1)
    step = max(1, _BLOCK // max(1, size))
    reverse = [
        (bank_scores[order[start : start + step]] > values[start : start + step, :, None]).sum(dim=2)
        for start in range(0, max(len(scores), 1), step)
    ]
    return _sorted(order, torch.cat(reverse).double(), values, "reverse", transductive=False)


def reverse_ranks(scores: Tensor, candidates: Tensor) -> Tensor:
    """How many other queries each candidate scores strictly higher than the query at hand.

    Args:
        scores: (Q, C).
        candidates: (Q, K) candidate indices of each query.

    Returns:
        (Q, K), from 0.
    """
    found = torch.zeros_like(candidates)
    # A column's ranks need the column sorted; only those of a block of columns exist at a time.
    step = max(1, _BLOCK // max(1, len(scores) * (2 * scores.element_size() + 8)))
    for start in range(0, scores.shape[1], step):
        columns = scores[:, start : start + step].T.contiguous()
        below = torch.searchsorted(columns.sort(dim=1).values, columns, right=True)
        query, place = torch.nonzero((candidates >= start) & (candidates < start + step), as_tuple=True)
        own = candidates[query, place] - start
        found[query, place] = len(scores) - below[own, query]
    return found


def _first(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    columns = torch.arange(scores.shape[1], device=scores.device).expand_as(scores)
    return stable_top(scores, columns, k)


def _sorted(order: Tensor, key: Tensor, values: Tensor, method: Method, transductive: bool) -> Reranked:
    """Sort (Q, K) candidates, given in forward order, by a rising key."""
    rising, places = key.sort(dim=1, stable=True)
    forward = values.gather(1, places)
    alike = (rising[:, 1:] == rising[:, :-1]) & (forward[:, 1:] == forward[:, :-1])
    position = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return Reranked(order.gather(1, places), _group_starts(position, alike), method, transductive)


def _group_starts(position: Tensor, alike: Tensor) -> Tensor:
    """Give every element of a run of equals the position of the run's first; `alike` (Q, K - 1) links neighbours."""
    if position.shape[1] < 2:
        return position
    starts = position.clone()
    starts[:, 1:] = starts[:, 1:].masked_fill(alike, 0)
    return starts.cummax(dim=1).values


def _check(scores: Tensor, k: int, method: str) -> None:
    if scores.ndim != 2:
        raise InputError(f"scores must be (queries, candidates), got shape {tuple(scores.shape)}")
    if k < 1:
        raise InputError(f"k must be at least 1, got {k}")
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; choose one of {', '.join(get_args(Method))}")
