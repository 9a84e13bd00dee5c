"""How a pair of image and text is scored in an evaluation, and how the first answers are sorted again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from swath.data import Dataset
from swath.errors import EvaluationError
from swath.evaluation.encoding import Captions, Encoder, Gallery, encode_split, text_similarities
from swath.evaluation.retrieval import evaluate
from swath.similarity.fusion import PUBLISHED, Fusion
from swath.similarity.local import Route
from swath.similarity.reranking import rerank as rerank_among
from swath.similarity.reranking import rerank_with_bank

Similarity = Literal["global", "local", "fused", "published"]
"""What scores a pair.

- ``global``: the cosine of pooled vectors.
- ``local``: the norm of patch x word cosines, real words only.
- ``fused``: global and local, both at unit spread, the local part without start and end tokens and count-normalised,
  with the weights that do best on the validation split; or with ready weights.
- ``published``: EBAKER's 0.6 global + 0.4 local as its code has it: unscaled, every one of the context's positions
  counted (slow).
"""

Rerank = Literal["none", "reverse", "multivariate", "bank"]
"""``reverse`` and ``multivariate`` ask the other queries (transductive); ``bank`` asks captions of another split."""

Precision = Literal["auto", "exact", "fast"]
"""Of local similarity; ``auto`` multiplies in bfloat16 only where the model itself runs in half precision, so that the
error stays below its own."""

_BANK = 2000  # captions in the bank: enough to rank against, little to encode


@dataclass(frozen=True, slots=True)
class Scoring:
    """What scores a pair, and what sorts the first answers again.

    Attributes:
        similarity: see `Similarity`.
        fusion: ready weights of ``fused``; None chooses them on `validation`.
        validation: the split that weights are chosen on; never the split reported on.
        rerank: see `Rerank`; ``bank`` re-ranks caption queries only.
        rerank_k: how many answers of a query are sorted again.
        bank: the split whose captions are the bank; never the split reported on.
        precision: see `Precision`.

    Raises:
        EvaluationError: a value that cannot be used.
    """

    similarity: Similarity = "global"
    fusion: Fusion | None = None
    validation: str = "val"
    rerank: Rerank = "none"
    rerank_k: int = 10
    bank: str = "train"
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        known = {"similarity": Similarity, "rerank": Rerank, "precision": Precision}
        for name, choices in known.items():
            if getattr(self, name) not in get_args(choices):
                raise EvaluationError(
                    f"{name} is {getattr(self, name)!r}; choose one of {', '.join(get_args(choices))}"
                )
        if self.rerank_k < 1:
            raise EvaluationError(f"rerank_k must be at least 1, got {self.rerank_k}")
        if self.fusion is not None and self.similarity != "fused":
            raise EvaluationError(f"ready weights are for similarity 'fused', not {self.similarity!r}")

    @property
    def is_local(self) -> bool:
        """Whether tokens are needed."""
        return self.similarity != "global"

    @property
    def is_transductive(self) -> bool:
        """Whether a query's answer depends on the other queries."""
        return self.rerank in ("reverse", "multivariate")

    @property
    def chooses_weights(self) -> bool:
        """Whether weights are chosen on the validation split."""
        return self.similarity == "fused" and self.fusion is None

    def check(self, split: str | None) -> None:
        """Refuse to learn anything from the split reported on.

        Args:
            split: the split reported on; None for the whole data set.

        Raises:
            EvaluationError: weights or bank would come from it.
        """
        if self.chooses_weights and split in (None, self.validation):
            raise EvaluationError(f"weights must not be chosen on the split reported on ({split or 'all'!r})")
        if self.rerank == "bank" and split in (None, self.bank):
            raise EvaluationError(f"the bank's captions must not come from the split reported on ({split or 'all'!r})")

    def settings(self, model: Encoder, fusion: Fusion | None) -> dict[str, Any]:
        """What the scores depend on, as JSON values; `fusion` is the one used."""
        found: dict[str, Any] = {"similarity": self.similarity, "rerank": self.rerank}
        found |= {"local_route": self.route(model)} if self.is_local else {}
        found |= {} if fusion is None else {"fusion": fusion.to_dict()}
        if self.similarity == "fused":
            found |= {"weights_from": self.validation if self.chooses_weights else "given"}
        if self.rerank != "none":
            found |= {"rerank_k": self.rerank_k, "transductive": self.is_transductive}
        return found | ({"bank": self.bank} if self.rerank == "bank" else {})

    def route(self, model: Encoder) -> Route:
        """How local similarity is computed for a model."""
        half = getattr(model, "dtype", torch.float32) in (torch.bfloat16, torch.float16)
        return "fast" if self.precision == "fast" or (self.precision == "auto" and half) else "auto"


@dataclass(frozen=True, slots=True)
class Scorer:
    """Texts against encoded images, under one scoring.

    Attributes:
        model: the encoder.
        scoring: what scores a pair.
        fusion: the weights in use; None for ``global`` and ``local``.
    """

    model: Encoder
    scoring: Scoring
    fusion: Fusion | None = None

    @classmethod
    def prepare(
        cls, model: Encoder, scoring: Scoring, dataset: Dataset, captions: Captions = "short", batch_size: int = 64
    ) -> Scorer:
        """A scorer with its weights, chosen on the validation split where none are given.

        Raises:
            EvaluationError: the validation split cannot be encoded.
            DataError: there is no validation split.
        """
        if scoring.similarity == "published":
            return cls(model, scoring, PUBLISHED)
        if not scoring.chooses_weights:
            return cls(model, scoring, scoring.fusion)
        fusion = calibrate(
            model, dataset, scoring.validation, captions=captions, precision=scoring.precision, batch_size=batch_size
        )
        return cls(model, scoring, fusion)

    def parts(self, gallery: Gallery, texts: tuple[str, ...]) -> tuple[Tensor, Tensor | None]:
        """(U, I) global and local similarities."""
        return text_similarities(
            self.model,
            gallery.images,
            texts,
            local=self.scoring.is_local,
            padding=self.scoring.similarity == "published",
            ends=self.fusion is None or self.fusion.ends,
            normalise=self.fusion is not None and self.fusion.normalise,
            route=self.scoring.route(self.model),
        )

    def scores(self, gallery: Gallery, texts: tuple[str, ...]) -> Tensor:
        """(U, I) similarities."""
        pooled, local = self.parts(gallery, texts)
        if local is None:
            return pooled
        return local if self.fusion is None else self.fusion(pooled, local)

    def both_ways(self, gallery: Gallery, dataset: Dataset, captions: Captions, seed: int) -> tuple[Tensor, Tensor]:
        """(T, I) and (I, T) scores of a split, re-ranked as asked.

        Args:
            gallery: the split.
            dataset: the data set, for the bank's captions.
            captions: which captions the bank has.
            seed: of the bank's choice.
        """
        scores, k = gallery.expand(self.scores(gallery, gallery.texts)), self.scoring.rerank_k
        if self.scoring.rerank == "none":
            return scores, scores.T
        if self.scoring.rerank == "bank":
            texts = bank_texts(dataset, self.scoring.bank, captions, seed)
            asked_back = self.scores(gallery, texts).T.contiguous()
            return rerank_with_bank(scores, asked_back, k).apply(scores), scores.T
        there, back = (rerank_among(way, k, method=self.scoring.rerank).apply(way) for way in (scores, scores.T))
        return there, back


def calibrate(
    model: Encoder,
    dataset: Dataset,
    split: str = "val",
    *,
    captions: Captions = "short",
    precision: Precision = "auto",
    batch_size: int = 64,
) -> Fusion:
    """The weights of global and local similarity that do best, by mean recall, on a split.

    Args:
        model: the encoder.
        dataset: from `swath.data.read_dataset`.
        split: the split to choose on; never one that results are reported on.
        captions: ``short`` or ``long`` captions.
        precision: see `Precision`.
        batch_size: images encoded at a time.

    Raises:
        EvaluationError: the split cannot be encoded.
        DataError: there is no such split.
    """
    gallery = encode_split(model, dataset, split, captions=captions, batch_size=batch_size)
    kind = Fusion(normalise=True, ends=False)
    pooled, local = Scorer(model, Scoring("local", precision=precision), kind).parts(gallery, gallery.texts)
    if local is None:
        raise EvaluationError(f"model {model.model_id} gives no local similarity to calibrate")

    def mean_recall(fused: Tensor) -> float:
        return evaluate(gallery.expand(fused), gallery.relation).metrics["mR"]

    return Fusion.calibrate(pooled, local, mean_recall, normalise=kind.normalise, ends=kind.ends)


def bank_texts(dataset: Dataset, split: str, captions: Captions, seed: int) -> tuple[str, ...]:
    """Captions drawn from a split, each once, in alphabetical order.

    Raises:
        DataError: there is no such split.
        EvaluationError: it has no such captions.
    """
    other = dataset.split(split)
    texts = sorted(set(other.captions()[0] if captions == "short" else other.long_captions()[0]))
    if not texts:
        raise EvaluationError(f"split {split!r} of {dataset.name} has no {captions} captions to make a bank of")
    chosen = np.random.default_rng(seed).permutation(len(texts))[:_BANK]
    return tuple(texts[at] for at in sorted(chosen))
