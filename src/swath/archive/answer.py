"""`answer`: one query from its parts to its hits, through both stages of a search."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from swath.archive import ranking
from swath.archive.background import BEST, Background, confidence
from swath.archive.encoder import Encoder
from swath.archive.hits import Hit, Hits
from swath.archive.query import Query
from swath.archive.ranking import Part
from swath.archive.refine import Candidate, Refinement, refine
from swath.archive.schema import HIT_COLUMNS
from swath.archive.snapshot import Snapshot

if TYPE_CHECKING:
    from swath.features import Features
    from swath.similarity import Fusion


def answer(
    query: Query,
    k: int,
    refinement: Refinement,
    snapshot: Snapshot,
    encoder: Callable[[], Encoder],
    background: Background,
) -> Hits:
    """The k best chips for a query.

    Args:
        query: what to look for.
        k: hits wanted; fewer come back only where fewer chips satisfy the filters.
        refinement: how candidates are scored and ordered.
        snapshot: the archive.
        encoder: gives the model; called only if something must be encoded.
        background: the archive's bank of captions.

    Raises:
        QueryError: a part of the query cannot be used, or not together with the refinement.
    """
    refinement.check(query)
    fusion: Fusion | None = None
    text: Features | None = None
    if refinement.is_plain:
        parts = ranking.embed(query, encoder, snapshot)
    else:
        fusion = refinement.weights(encoder())
        text = ranking.encode_texts([(query.text or "").strip()], query, encoder()).to("cpu")
        parts = [Part("text", 1.0, ranking.pooled(text)[0])]
    columns = [*HIT_COLUMNS, "vector", *(["tokens"] if fusion is not None else [])]
    # At least as many as say how well the query is matched here.
    found = list(ranking.search(query, parts, snapshot, max(refinement.depth(k), BEST), columns))
    sure = _query_confidence(query, parts, found, snapshot, encoder, background)
    if text is not None:
        bank = background.features(encoder()) if refinement.rerank else None
        found = refine(found[: refinement.depth(k)], text, bank, fusion, refinement.rerank_k)
    found = found[:k]
    each = _hit_confidences(parts, found, encoder, background)
    hits = [
        Hit.from_row(rank, score, own, row, footprint)
        for rank, ((score, row, footprint), own) in enumerate(zip(found, each, strict=True), 1)
    ]
    done = {**query.to_dict(), "k": k, **refinement.to_dict(k, fusion)}
    return Hits(done, query.title(), hits, sure)


def _query_confidence(
    query: Query,
    parts: list[Part],
    found: list[Candidate],
    snapshot: Snapshot,
    encoder: Callable[[], Encoder],
    background: Background,
) -> float | None:
    """How sure one can be that the archive has what the query's text says; None without a text."""
    texts = [part.vector for part in parts if part.kind == "text"]
    if not texts or not found:
        return None
    best = min(BEST, len(found))
    if len(parts) == 1 and not query.is_soft_near:
        means = np.array([np.mean([score for score, _, _ in found[:best]], dtype=np.float64)])
    else:
        means = snapshot.best_means(texts[0][None], query.filters, best)
    return float(background.query_confidence(means, best, snapshot, query.filters, encoder())[0])


def _hit_confidences(
    parts: list[Part], found: list[Candidate], encoder: Callable[[], Encoder], background: Background
) -> list[float] | list[None]:
    texts = [part.vector for part in parts if part.kind == "text"]
    if not texts or not found:
        return [None] * len(found)
    stored = np.stack([np.asarray(row["vector"], dtype=np.float32) for _, row, _ in found])
    return [float(value) for value in confidence(background.vectors(encoder()), texts[0], stored)]
