"""`answer`: one query from its parts to its hits, through both stages of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from swath.archive import ranking
from swath.archive.background import BEST, Background, confidence
from swath.archive.encoder import Encoder
from swath.archive.filters import Filters
from swath.archive.hits import Hit, Hits
from swath.archive.query import Query
from swath.archive.ranking import Part
from swath.archive.refine import Candidate, Refinement, refine
from swath.archive.scale import Scale, query_moments
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
    scale = _scale(query, refinement, parts, snapshot, encoder, background)
    ranked = None if refinement.scores == "raw" else scale
    columns = [*HIT_COLUMNS, "vector", *(["tokens"] if fusion is not None else [])]
    # At least as many as say how well the query is matched here.
    found = list(ranking.search(query, parts, snapshot, max(refinement.depth(k), BEST), columns, ranked))
    sure = _query_confidence(query, parts, found, snapshot, encoder, background, ranked)
    if text is not None:
        bank = background.features(encoder()) if refinement.rerank else None
        found = refine(found[: refinement.depth(k)], text, bank, fusion, refinement.rerank_k)
    found = found[:k]
    each = _hit_confidences(parts, found, encoder, background)
    hits = [
        Hit.from_row(rank, score, own, row, footprint, _both(score, row["sensor"], scale, ranked))
        for rank, ((score, row, footprint), own) in enumerate(zip(found, each, strict=True), 1)
    ]
    done = {**query.to_dict(), "k": k, **refinement.to_dict(k, fusion)}
    done["scores"] = "raw" if ranked is None else "calibrated"
    return Hits(done, query.title(), hits, sure)


def answer_each(
    query: Query,
    k: int,
    refinement: Refinement,
    snapshot: Snapshot,
    encoder: Callable[[], Encoder],
    background: Background,
) -> Hits:
    """The k best chips of each sensor, see `answer`; the sensor whose best hit has the highest score comes first.

    Args:
        query: what to look for; its sensors are those that are told apart.
        k: hits wanted of each sensor.
        refinement: how candidates are scored and ordered.
        snapshot: the archive.
        encoder: gives the model.
        background: the archive's bank of captions.

    Returns:
        The hits of one sensor after those of another, ranks from 1 for each. The confidence is that of the sensor
        that matches best.
    """
    wanted = [name for name in snapshot.sensors if name in (query.filters.sensors or snapshot.sensors)]
    each = [answer(replace(query, sensor=name), k, refinement, snapshot, encoder, background) for name in wanted]
    each = sorted((hits for hits in each if hits), key=lambda hits: -(hits[0].score or 0.0))
    sure = [hits.confidence for hits in each if hits.confidence is not None]
    done = (each[0].query if each else {}) | {"k": k, "per_sensor": True}
    done["sensor"] = list(query.filters.sensors) or wanted
    return Hits(done, query.title(), [hit for hits in each for hit in hits], max(sure, default=None))


def is_one_text(query: Query, parts: Sequence[Part]) -> bool:
    """Whether a query is one text (with filters or without): what the background bank tells the scale of."""
    return len(parts) == 1 and parts[0].kind == "text" and not query.is_soft_near


def confidences(
    texts: Sequence[str], filters: Filters, snapshot: Snapshot, encoder: Callable[[], Encoder], background: Background
) -> list[float | None]:
    """How sure one can be that the archive has what each of several texts says; None where no chip passes."""
    best = min(BEST, snapshot.count(filters.sql()))
    if not best or not texts:
        return [None] * len(texts)
    scale = background.scale(snapshot, encoder)
    means = snapshot.best_means(ranking.pooled(encoder().encode_texts(texts)), filters, best, scale)
    return [float(sure) for sure in background.query_confidence(means, best, snapshot, filters, encoder(), scale)]


def _scale(
    query: Query,
    refinement: Refinement,
    parts: list[Part],
    snapshot: Snapshot,
    encoder: Callable[[], Encoder],
    background: Background,
) -> Scale | None:
    """What calibrates the scores of a query; None where nothing is to be calibrated, or nothing tells how."""
    if not parts or not refinement.is_plain:
        return None
    if is_one_text(query, parts):
        return background.scale(snapshot, encoder)
    if refinement.scores != "calibrated" or len(snapshot.sensors) < 2:
        return None
    direction = ranking.combine(parts, snapshot, standardise=query.is_soft_near)
    own = query_moments(direction.vector, snapshot.samples())
    return Scale.of(
        {
            name: ((mean - direction.offset) / direction.scale, deviation / direction.scale)
            for name, (mean, deviation) in own.items()
        }
    )


def _both(score: float, sensor: str, scale: Scale | None, ranked: Scale | None) -> tuple[float | None, float | None]:
    """A hit's score before and after calibration; None where there is no such thing."""
    if scale is None:
        return score, None
    return (score, scale.calibrated(score, sensor)) if ranked is None else (scale.raw(score, sensor), score)


def _query_confidence(
    query: Query,
    parts: list[Part],
    found: list[Candidate],
    snapshot: Snapshot,
    encoder: Callable[[], Encoder],
    background: Background,
    ranked: Scale | None,
) -> float | None:
    """How sure one can be that the archive has what the query's text says; None without a text."""
    texts = [part.vector for part in parts if part.kind == "text"]
    if not texts or not found:
        return None
    # On one scale for all sensors, however the hits are ranked.
    best, scale = min(BEST, len(found)), background.scale(snapshot, encoder)
    if is_one_text(query, parts) and ranked is scale:
        means = np.array([np.mean([score for score, _, _ in found[:best]], dtype=np.float64)])
    else:
        means = snapshot.best_means(texts[0][None], query.filters, best, scale)
    return float(background.query_confidence(means, best, snapshot, query.filters, encoder(), scale)[0])


def _hit_confidences(
    parts: list[Part], found: list[Candidate], encoder: Callable[[], Encoder], background: Background
) -> list[float] | list[None]:
    texts = [part.vector for part in parts if part.kind == "text"]
    if not texts or not found:
        return [None] * len(found)
    stored = np.stack([np.asarray(row["vector"], dtype=np.float32) for _, row, _ in found])
    return [float(value) for value in confidence(background.vectors(encoder()), texts[0], stored)]
