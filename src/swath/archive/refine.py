"""The second stage of a search: what the global vectors propose is looked at again, exactly.

Candidates are the best rows by the cosine of pooled vectors, under all filters. Then, as asked:

- *fused similarity*: each candidate's stored tokens give its local similarity with the words of the query, and both
  parts are fused with the model's calibrated weights (`swath.similarity.Fusion`); candidates are ordered by that.
- *re-ranking with a bank*: the first K are sorted again by how many captions of the background bank each of them
  matches better than the query (`swath.similarity.rerank_with_bank`): sort after reversed retrieval for one live query.

Both are for a query that is one text: the weights are calibrated, and the bank's captions are compared, on texts alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from shapely.geometry.base import BaseGeometry

from swath.archive.encoder import Encoder
from swath.archive.query import Query
from swath.archive.tokens import unpack_padded
from swath.errors import QueryError

if TYPE_CHECKING:
    from torch import Tensor

    from swath.features import Features
    from swath.similarity import Fusion

Similarity = Literal["global", "fused"]
"""``global``: the cosine of pooled vectors; ``fused``: global and local similarity, weighed."""

Rerank = Literal["bank"]
"""``bank``: the first hits are sorted again, asking back among the background bank; a single query can do it."""

Scores = Literal["raw", "calibrated"]
"""``raw``: cosines as they are; ``calibrated``: brought to one scale for all sensors, see `swath.archive.scale`."""

Candidate = tuple[float, dict[str, Any], BaseGeometry | None]
"""Score, row (with ``vector``, and ``tokens`` for fused similarity) and footprint."""

_BLOCK = 256  # candidates whose tokens are unpacked at a time


@dataclass(frozen=True, slots=True)
class Refinement:
    """How the rows that a search proposes are scored and ordered.

    Attributes:
        similarity: see `Similarity`.
        rerank: see `Rerank`; None leaves the order of the scores.
        fusion: weights of fused similarity; None takes those that the model brings.
        candidates: rows that fused similarity is computed for; at least as many as hits are wanted.
        rerank_k: hits that are sorted again.
        scores: see `Scores`; None calibrates queries of one text by global similarity and leaves others as they are.

    Raises:
        QueryError: a value that cannot be used.
    """

    similarity: Similarity = "global"
    rerank: Rerank | None = None
    fusion: Fusion | None = None
    candidates: int = 200
    rerank_k: int = 10
    scores: Scores | None = None

    def __post_init__(self) -> None:
        if self.similarity not in get_args(Similarity):
            raise QueryError(f"similarity is {self.similarity!r}; choose one of {', '.join(get_args(Similarity))}")
        if self.rerank is not None and self.rerank not in get_args(Rerank):
            raise QueryError(f"rerank is {self.rerank!r}; choose one of {', '.join(get_args(Rerank))}, or None")
        if self.fusion is not None and self.similarity != "fused":
            raise QueryError("weights of a fusion are for similarity 'fused'; ask for that, or leave the weights out")
        if self.scores is not None and self.scores not in get_args(Scores):
            raise QueryError(f"scores is {self.scores!r}; choose one of {', '.join(get_args(Scores))}")
        if self.scores == "calibrated" and not self.is_plain:
            raise QueryError(
                "calibrated scores are of global similarity; leave out fused similarity and re-ranking, or search one "
                "sensor at a time"
            )
        if min(self.candidates, self.rerank_k) < 1:
            raise QueryError(f"candidates and rerank_k must be at least 1, got {self.candidates} and {self.rerank_k}")

    @property
    def is_plain(self) -> bool:
        """Whether the first stage is all there is."""
        return self.similarity == "global" and self.rerank is None

    def depth(self, k: int) -> int:
        """How many rows the first stage must propose for k hits."""
        fused = self.candidates if self.similarity == "fused" else 0
        return max(k, fused, self.rerank_k if self.rerank else 0)

    def check(self, query: Query) -> None:
        """Refuse a query that is more than one text (filters are no part of it).

        Raises:
            QueryError: naming what is asked for.
        """
        only_text = query.text is not None and not (
            query.like or query.like_place or query.positives or query.negatives
        )
        if not self.is_plain and (not only_text or query.is_soft_near):
            what = "fused similarity" if self.similarity == "fused" else "re-ranking"
            raise QueryError(
                f"{what} is for a query that is one text, with filters or without; leave out the other parts, "
                "or search by global similarity"
            )

    def weights(self, encoder: Encoder) -> Fusion | None:
        """The fusion to use; None for global similarity.

        Raises:
            QueryError: no weights are given and the model brings none.
        """
        if self.similarity == "global" or self.fusion is not None:
            return self.fusion
        stored: Mapping[str, Any] | None = getattr(encoder, "fusion", None)
        if stored is None:
            raise QueryError(
                f"model {encoder.model_id} has no calibrated weights of global and local similarity: calibrate them "
                "once (swath evaluate calibrate MODEL DATASET), or give weights (--fusion ALPHA,BETA)"
            )
        from swath.similarity import Fusion  # imports torch, which searches by vectors do without

        return Fusion.from_dict(stored)

    def to_dict(self, k: int, fusion: Fusion | None) -> dict[str, Any]:
        """What was done, as JSON values: members of a search's ``query``."""
        found: dict[str, Any] = {"similarity": self.similarity, "rerank": self.rerank}
        if fusion is not None:
            found |= {"candidates": self.depth(k), "fusion": fusion.to_dict()}
        return found | ({"rerank_k": self.rerank_k} if self.rerank else {})


def refine(
    candidates: Sequence[Candidate], text: Features, bank: Features | None, fusion: Fusion | None, rerank_k: int
) -> list[Candidate]:
    """Score candidates exactly and put them in order.

    Args:
        candidates: the first stage's, in any order.
        text: the query, (1, D) with its words.
        bank: captions to ask back among; None leaves the order of the scores.
        fusion: weights of fused similarity; None takes global similarity.
        rerank_k: how many of the first are sorted again.

    Returns:
        All candidates with their scores, best first, equal scores in the order of their ids. Re-ranking changes the
        order and no score.

    Raises:
        QueryError: a candidate has no tokens, and fused similarity needs them.
    """
    if not candidates:
        return []
    from swath.similarity import rerank_with_bank

    scores = similarities([row for _, row, _ in candidates], text, fusion)[:, 0]
    scored = [(float(score), row, shape) for score, (_, row, shape) in zip(scores, candidates, strict=True)]
    scored.sort(key=lambda found: (-found[0], found[1]["id"]))
    if bank is None:
        return scored
    first = scored[:rerank_k]
    forward = scores.sort(descending=True).values[None, : len(first)]
    asked_back = similarities([row for _, row, _ in first], bank, fusion)
    order = rerank_with_bank(forward, asked_back, len(first)).order[0].tolist()
    return [first[place] for place in order] + scored[rerank_k:]


def similarities(rows: Sequence[Mapping[str, Any]], texts: Features, fusion: Fusion | None) -> Tensor:
    """(C, T) similarity of stored chips with texts, a block of chips at a time.

    Args:
        rows: C rows with ``vector``, and ``tokens`` for fused similarity.
        texts: T texts with their words.
        fusion: the weights; None gives the cosine of pooled vectors.

    Raises:
        QueryError: a row has no tokens, and fused similarity needs them.
    """
    import torch

    from swath.similarity import content_mask, local_similarity

    parts = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        vectors = torch.from_numpy(np.stack([np.asarray(row["vector"], dtype=np.float32) for row in block]))
        found = vectors @ texts.pooled.T
        if fusion is not None:
            tokens, mask = (torch.from_numpy(array) for array in unpack_padded(_tokens(block)))
            words = texts.mask if fusion.ends else content_mask(texts.mask)
            local = local_similarity(tokens, texts.tokens, image_mask=mask, text_mask=words, normalise=fusion.normalise)
            found = fusion(found, local)
        parts.append(found)
    return torch.cat(parts)


def _tokens(rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    stored = [row["tokens"] for row in rows if row["tokens"] is not None]
    if len(stored) < len(rows):
        bare = next(row for row in rows if row["tokens"] is None)
        raise QueryError(
            f"fused similarity needs local tokens, and {len(rows) - len(stored)} of {len(rows)} candidates (such as "
            f"chip {bare['id']}) were indexed without them; remove those chips (swath archive delete) and index their "
            "source again with tokens (the default of swath index), or search by global similarity"
        )
    return stored
