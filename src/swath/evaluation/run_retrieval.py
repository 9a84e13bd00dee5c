"""The door of `swath evaluate retrieval`: a model and a data set in, a report out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data import Dataset
from swath.errors import EvaluationError
from swath.evaluation.encoding import Captions, Encoder, Gallery, Progress, encode_split, text_similarities
from swath.evaluation.intervals import bootstrap
from swath.evaluation.placement import Ties
from swath.evaluation.report import SHOWN, RetrievalReport
from swath.evaluation.retrieval import evaluate
from swath.similarity.fusion import PUBLISHED, Fusion
from swath.similarity.local import Route
from swath.similarity.pooled import stable_top
from swath.similarity.reranking import rerank as rerank_among
from swath.similarity.reranking import rerank_with_bank

Similarity = Literal["global", "local", "fused", "published", "calibrated"]
"""What scores a pair.

- ``global``: the cosine of pooled vectors.
- ``local``: the norm of patch x word cosines, real words only.
- ``fused``: 0.6 global + 0.4 local, the published weights, real words only.
- ``published``: the same, with every one of the context's positions counted, as the published code does (slow).
- ``calibrated``: both parts at unit spread, local without start and end tokens and count-normalised, with the weights
  that do best on the validation split.
"""

Rerank = Literal["reversed", "multivariate", "bank"]
"""``reversed`` and ``multivariate`` ask the other queries (transductive); ``bank`` asks captions of another split."""

_BANK = 2000  # captions in the bank: enough to rank against, little to encode


@dataclass(frozen=True, slots=True)
class _Scorer:
    """Texts against encoded images, under one similarity."""

    model: Encoder
    similarity: Similarity
    fusion: Fusion
    route: Route

    @property
    def local(self) -> bool:
        """Whether tokens are needed."""
        return self.similarity != "global"

    def parts(self, images: Gallery, texts: tuple[str, ...]) -> tuple[Tensor, Tensor | None]:
        """(U, I) global and local."""
        calibrated = self.similarity == "calibrated"
        return text_similarities(
            self.model,
            images.images,
            texts,
            local=self.local,
            padding=self.similarity == "published",
            ends=not calibrated,
            normalise=calibrated,
            route=self.route,
        )

    def scores(self, images: Gallery, texts: tuple[str, ...]) -> Tensor:
        """(U, I) fused."""
        pooled, local = self.parts(images, texts)
        if local is None:
            return pooled
        return local if self.similarity == "local" else self.fusion(pooled, local)

    def settings(self) -> dict[str, Any]:
        """What the scores depend on."""
        found: dict[str, Any] = {"similarity": self.similarity}
        found |= {"local_route": self.route} if self.local else {}
        return found | ({} if self.similarity in ("global", "local") else {"fusion": self.fusion.to_dict()})


def evaluate_retrieval(
    model: Encoder,
    dataset: Dataset,
    *,
    split: str | None = "test",
    similarity: Similarity = "global",
    rerank: Rerank | None = None,
    rerank_k: int = 10,
    captions: Captions = "short",
    validation: str = "val",
    fusion: Fusion | None = None,
    bank: str = "train",
    precision: Literal["auto", "exact", "fast"] = "auto",
    ties: Ties = "expected",
    rounds: int = 2000,
    seed: int = 0,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> RetrievalReport:
    """Image-text retrieval on a split, both ways.

    Args:
        model: the encoder.
        dataset: from `swath.data.read_dataset`.
        split: the split to report on; None takes the whole data set.
        similarity: what scores a pair, see `Similarity`.
        rerank: sort the first answers again, see `Rerank`; ``bank`` re-ranks caption queries only.
        rerank_k: how many answers of a query are sorted again.
        captions: ``short`` or ``long`` captions.
        validation: the split that ``calibrated`` chooses its weights on; never the split reported on.
        fusion: ready weights for ``calibrated``, instead of choosing them.
        bank: the split whose captions are the bank; never the split reported on.
        precision: of local similarity; ``auto`` multiplies in bfloat16 only where the model itself runs in half
            precision, so that the error stays below its own.
        ties: how equal scores count.
        rounds: bootstrap resamples; 0 gives no intervals.
        seed: of the bootstrap and of the bank's choice.
        batch_size: images encoded at a time.
        progress: told after every batch of images.

    Raises:
        EvaluationError: nothing can be evaluated, or an option cannot be used.
        DataError: a split is missing.
        SensorError: the model takes no images of this sensor.
    """
    _check(split, similarity, rerank, validation, bank, fusion)
    route: Route = "fast" if precision == "fast" or (precision == "auto" and _is_half(model)) else "auto"
    scorer = _Scorer(model, similarity, PUBLISHED if fusion is None else fusion, route)
    gallery = encode_split(
        model, dataset, split, captions=captions, tokens=scorer.local, batch_size=batch_size, progress=progress
    )
    if similarity == "calibrated" and fusion is None:
        scorer = _calibrated(scorer, dataset, validation, captions, batch_size)
    asked = _bank(scorer, dataset, gallery, bank, captions, seed) if rerank == "bank" else None
    scores, i2t = _both_ways(gallery.expand(scorer.scores(gallery, gallery.texts)), rerank, rerank_k, asked)
    result = evaluate(scores, gallery.relation, i2t_scores=i2t, ties=ties)
    settings = {"captions": captions, "bootstrap_rounds": rounds, "seed": seed, "ties": ties} | scorer.settings()
    settings |= {"weights_from": validation if fusion is None else "given"} if similarity == "calibrated" else {}
    settings |= {"rerank": rerank, "rerank_k": rerank_k, "transductive": rerank != "bank"} if rerank else {}
    settings |= {"bank": bank} if rerank == "bank" else {}
    intervals = bootstrap(result, rounds, seed) if rounds else {}
    names = tuple(pair.name for pair in gallery.pairs)
    first = _first(scores), _first(i2t)
    return RetrievalReport(
        dataset.name, split, model.model_id, settings, result, intervals, names, gallery.failures, *first
    )


def _both_ways(scores: Tensor, rerank: Rerank | None, k: int, bank: Tensor | None) -> tuple[Tensor, Tensor]:
    """(T, I) and (I, T) scores, re-ranked where asked for."""
    if bank is not None:
        return rerank_with_bank(scores, bank, k).apply(scores), scores.T
    if rerank is None or rerank == "bank":
        return scores, scores.T
    transposed = rerank_among(scores.T, k, method=rerank).apply(scores.T)
    return rerank_among(scores, k, method=rerank).apply(scores), transposed


def _calibrated(scorer: _Scorer, dataset: Dataset, split: str, captions: Captions, batch_size: int) -> _Scorer:
    """The scorer with weights chosen on the validation split by mean recall."""
    gallery = encode_split(scorer.model, dataset, split, captions=captions, batch_size=batch_size)
    pooled, local = scorer.parts(gallery, gallery.texts)
    if local is None:
        raise EvaluationError("only similarities with a local part can be calibrated")

    def mean_recall(fused: Tensor) -> float:
        return evaluate(gallery.expand(fused), gallery.relation).metrics["mR"]

    return replace(scorer, fusion=Fusion.calibrate(pooled, local, mean_recall, normalise=True))


def _bank(scorer: _Scorer, dataset: Dataset, gallery: Gallery, split: str, captions: Captions, seed: int) -> Tensor:
    """(I, B) scores of the gallery's images with captions drawn from another split."""
    other = dataset.split(split)
    texts = sorted(set(other.captions()[0] if captions == "short" else other.long_captions()[0]))
    if not texts:
        raise EvaluationError(f"split {split!r} of {dataset.name} has no {captions} captions to make a bank of")
    chosen = np.random.default_rng(seed).permutation(len(texts))[:_BANK]
    return scorer.scores(gallery, tuple(texts[at] for at in sorted(chosen))).T.contiguous()


def _first(scores: Tensor) -> NDArray[np.int64]:
    """(Q, 5) candidates of highest score, for picture sheets."""
    parts = []
    for start in range(0, len(scores), 4096):
        block = scores[start : start + 4096]
        columns = torch.arange(block.shape[1], device=block.device).expand_as(block)
        parts.append(stable_top(block, columns, SHOWN)[1].cpu().numpy())
    return np.concatenate(parts)


def _is_half(model: Encoder) -> bool:
    return getattr(model, "dtype", torch.float32) in (torch.bfloat16, torch.float16)


def _check(
    split: str | None, similarity: str, rerank: str | None, validation: str, bank: str, fusion: Fusion | None
) -> None:
    for name, value, known in (("similarity", similarity, Similarity), ("rerank", rerank, Rerank)):
        if value is not None and value not in get_args(known):
            raise EvaluationError(f"{name} is {value!r}; choose one of {', '.join(get_args(known))}")
    if fusion is not None and similarity != "calibrated":
        raise EvaluationError(f"ready weights are for similarity 'calibrated', not {similarity!r}")
    if similarity == "calibrated" and fusion is None and validation == split:
        raise EvaluationError(f"weights must not be chosen on the split reported on ({split!r})")
    if rerank == "bank" and bank == split:
        raise EvaluationError(f"the bank's captions must not come from the split reported on ({split!r})")
