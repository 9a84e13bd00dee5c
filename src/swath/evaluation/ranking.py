"""Graded and binary ranking metrics over relevance judgements: nDCG, MAP, precision, recall, MRR.

The definitions are trec_eval's. Documents are ranked by falling score and, among equal scores, by falling document id
(trec_eval's rule: arbitrary, but the same everywhere). As in trec_eval, scores count in single precision: what differs
less is equal. Unjudged documents and negative judgements count as not
relevant. CLOSP reports nDCG@1000 without saying which gain: both are given, and the names say which.

``nDCG@k = sum_{r <= k} g(rel_r) / log2(r + 1)``, divided by the same sum for the ideal order of all judged documents;
linear gain ``g = rel`` (trec_eval), exponential gain ``g = 2^rel - 1`` (Burges).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.errors import EvaluationError
from swath.evaluation.resampling import LEVEL, interval, resamples
from swath.similarity.pooled import stable_top

Qrels = Mapping[str, Mapping[str, int]]
"""Judgements: query id -> document id -> relevance; 0 is judged as not relevant."""

Run = Mapping[str, Mapping[str, float]]
"""Answers: query id -> document id -> score."""


@dataclass(frozen=True, slots=True, eq=False)
class RankingResult:
    """Metrics query by query.

    Attributes:
        queries: the ids of the queries that have relevant documents.
        values: metric name -> (Q,) values from 0 to 1.
        without_relevant: ids of judged queries that have none: they have no metric and do not count.
        without_answer: ids of queries in `queries` that the run does not answer: they count as 0.
    """

    queries: tuple[str, ...]
    values: Mapping[str, NDArray[np.float64]]
    without_relevant: tuple[str, ...] = ()
    without_answer: tuple[str, ...] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Means over queries, 0 to 1: ``ndcg_linear_10`` ... ``map``, ``precision_10`` ..., ``mrr``."""
        return {name: float(found.mean()) for name, found in self.values.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON values: means, how many queries, and which do not count."""
        return {
            "metrics": self.metrics,
            "queries": len(self.queries),
            "queries_without_relevant": list(self.without_relevant),
            "queries_without_answer": list(self.without_answer),
        }


def evaluate_ranking(run: Run, qrels: Qrels, ks: Sequence[int] = (10, 100, 1000)) -> RankingResult:
    """Judge a run.

    Args:
        run: scores of the documents that each query was answered with; queries without judgements are left aside.
        qrels: relevance judgements.
        ks: cut-offs.

    Returns:
        for every k ``ndcg_linear_k``, ``ndcg_exponential_k``, ``map_k``, ``precision_k``, ``recall_k``; and ``map``,
        ``mrr`` over the whole answer.

    Raises:
        EvaluationError: no judged query has a relevant document, a score is NaN, or a cut-off is below 1.
    """
    if not ks or min(ks) < 1:
        raise EvaluationError(f"cut-offs must be whole numbers from 1 on, got {list(ks)}")
    judged = {query: own for query, own in qrels.items() if any(relevance > 0 for relevance in own.values())}
    if not judged:
        raise EvaluationError("no query of the judgements has a relevant document")
    rows = [_judge(_ranked(run.get(query, {}), query), own, ks) for query, own in judged.items()]
    values = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}
    return RankingResult(
        tuple(judged),
        values,
        tuple(query for query in qrels if query not in judged),
        tuple(query for query in judged if not run.get(query)),
    )


def bootstrap_means(
    result: RankingResult, rounds: int = 1000, seed: int = 0, level: float = LEVEL
) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals of every mean, queries drawn with replacement.

    Args:
        result: judged queries.
        rounds: resamples; 0 gives no intervals.
        seed: of the draw.
        level: coverage, between 0 and 1.
    """
    if rounds < 1:
        return {}
    count = len(result.queries)
    times = np.concatenate(list(resamples(count, rounds, seed)))
    return {name: interval(times @ values / count, level) for name, values in result.values.items()}


def run_from_scores(scores: Tensor, queries: Sequence[str], documents: Sequence[str], depth: int = 1000) -> Run:
    """The run of a score matrix: the best documents of each query, ties at the cut by trec_eval's rule.

    Args:
        scores: (Q, C) on any device.
        queries: Q ids.
        documents: C ids.
        depth: documents kept for each query.

    Raises:
        EvaluationError: the ids do not fit the scores, or repeat.
    """
    if scores.shape != (len(queries), len(documents)):
        raise EvaluationError(
            f"scores are {tuple(scores.shape)} for {len(queries)} queries, {len(documents)} documents"
        )
    if len(set(queries)) != len(queries) or len(set(documents)) != len(documents):
        raise EvaluationError("query and document ids must not repeat")
    falling = sorted(range(len(documents)), key=documents.__getitem__, reverse=True)
    columns = torch.tensor(falling, dtype=torch.long, device=scores.device)
    found: dict[str, dict[str, float]] = {}
    for query, row in zip(queries, scores, strict=True):
        values, index = stable_top(row[columns][None], columns[None], depth)
        names = [documents[at] for at in index[0].tolist()]
        found[query] = dict(zip(names, values[0].tolist(), strict=True))
    return found


def ranked(answers: Mapping[str, float]) -> list[str]:
    """Document ids by trec_eval's rule: falling score in single precision, then falling id."""
    with np.errstate(over="ignore"):
        single = dict(zip(answers, np.array(list(answers.values()), dtype=np.float32).tolist(), strict=True))
    return sorted(sorted(answers, reverse=True), key=single.__getitem__, reverse=True)


def _ranked(answers: Mapping[str, float], query: str) -> list[str]:
    if any(score != score for score in answers.values()):
        raise EvaluationError(f"query {query!r} has a document whose score is NaN")
    return ranked(answers)


def _judge(ranked: Sequence[str], judgements: Mapping[str, int], ks: Sequence[int]) -> dict[str, float]:
    relevance = np.array([max(0, judgements.get(document, 0)) for document in ranked], dtype=np.float64)
    ideal = np.sort(np.array([max(0, value) for value in judgements.values()], dtype=np.float64))[::-1]
    hits = np.cumsum(relevance > 0)
    places = np.arange(1, len(ranked) + 1)
    precisions = np.where(relevance > 0, hits / places, 0.0)
    relevant = int((ideal > 0).sum())
    found: dict[str, float] = {}
    for k in ks:
        found[f"ndcg_linear_{k}"] = _dcg(relevance[:k]) / _dcg(ideal[:k])
        found[f"ndcg_exponential_{k}"] = _dcg(np.exp2(relevance[:k]) - 1) / _dcg(np.exp2(ideal[:k]) - 1)
        found[f"map_{k}"] = float(precisions[:k].sum()) / relevant
        hit = float((relevance[:k] > 0).sum())
        found[f"precision_{k}"] = hit / k
        found[f"recall_{k}"] = hit / relevant
    first = np.flatnonzero(relevance > 0)
    return found | {"map": float(precisions.sum()) / relevant, "mrr": 1.0 / (first[0] + 1) if len(first) else 0.0}


def _dcg(gains: NDArray[np.float64]) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())
