"""The best documents of many queries, gathered while documents stream by: memory is queries x depth, never the corpus.

Ties, also at the cut, go by trec_eval's rule (falling document id), so the result is the same for every order and
size of chunks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from swath.errors import EvaluationError

Answers = dict[str, dict[str, float]]


class BoundedRun:
    """Keeps the `depth` best documents of each query.

    Args:
        queries: Q ids.
        depth: documents kept for each.

    Raises:
        EvaluationError: ids repeat, or `depth` is below 1.
    """

    def __init__(self, queries: Sequence[str], depth: int) -> None:
        if len(set(queries)) != len(queries) or depth < 1:
            raise EvaluationError(f"query ids must not repeat, and depth {depth} must be at least 1")
        self.queries = tuple(queries)
        self.depth = depth
        self._scores = torch.empty(len(queries), 0)
        self._ranks = torch.empty(len(queries), 0, dtype=torch.long)

    def add(self, scores: Tensor, ranks: Tensor) -> None:
        """Offer a chunk of documents.

        Args:
            scores: (Q, C); minus infinity never answers.
            ranks: (C,) int64, the place of each document's id among all ids in falling order.
        """
        if scores.shape != (len(self.queries), len(ranks)):
            raise EvaluationError(f"scores are {tuple(scores.shape)} for {len(self.queries)} queries, {len(ranks)} ids")
        all_scores = torch.cat([self._scores, scores.float().cpu()], dim=1)
        all_ranks = torch.cat([self._ranks, ranks.expand(len(self.queries), -1)], dim=1)
        by_rank = all_ranks.argsort(dim=1)
        all_scores, all_ranks = all_scores.gather(1, by_rank), all_ranks.gather(1, by_rank)
        found, order = all_scores.sort(dim=1, descending=True, stable=True)
        self._scores = found[:, : self.depth].contiguous()
        self._ranks = all_ranks.gather(1, order[:, : self.depth])

    def answers(self, names: Sequence[str]) -> Answers:
        """Query -> document -> score.

        Args:
            names: all document ids in falling order, as `ranks` count them.
        """
        return {
            query: {names[rank]: score for score, rank in zip(values, ranks, strict=True) if score > float("-inf")}
            for query, values, ranks in zip(self.queries, self._scores.tolist(), self._ranks.tolist(), strict=True)
        }


def joined(parts: Sequence[Answers], depth: int) -> Answers:
    """The best of several answers to the same queries over separate documents, by trec_eval's rule."""
    found: Answers = {}
    for query in dict.fromkeys(query for part in parts for query in part):
        whole = {name: score for part in parts for name, score in part.get(query, {}).items()}
        ranked = sorted(sorted(whole, reverse=True), key=whole.__getitem__, reverse=True)[:depth]
        found[query] = {name: whole[name] for name in ranked}
    return found
