"""The door of `swath evaluate retrieval`: a model and a data set in, a report out."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data import Dataset
from swath.evaluation.encoding import Captions, Encoder, Progress, encode_split
from swath.evaluation.intervals import bootstrap
from swath.evaluation.placement import Ties
from swath.evaluation.report import SHOWN, RetrievalReport
from swath.evaluation.retrieval import evaluate
from swath.evaluation.scoring import Scorer, Scoring
from swath.similarity.pooled import stable_top

Pairing = Literal["images", "rows"]
"""What belongs together: an image and all its captions, or each caption and its image."""


def evaluate_retrieval(
    model: Encoder,
    dataset: Dataset,
    scoring: Scoring | None = None,
    *,
    split: str | None = "test",
    captions: Captions = "short",
    pairing: Pairing = "images",
    ties: Ties = "expected",
    rounds: int = 2000,
    seed: int = 0,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> RetrievalReport:
    """Image-text retrieval on a split, both ways.

    Args:
        model: the encoder; in `swath.evaluation.truncation.Reading` with a policy for texts over its context.
        dataset: from `swath.data.read_dataset`.
        scoring: what scores a pair and sorts the first answers again; by default global similarity alone.
        split: the split to report on; None takes the whole data set.
        captions: ``short`` or ``long`` captions.
        pairing: ``images`` joins the captions of an image (1:n); ``rows`` takes every caption with its image as a pair
            of its own (1:1), as some published code reads tables. They differ only where an image has several captions.
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
    scoring = scoring or Scoring()
    scoring.check(split)
    gallery = encode_split(
        model, dataset, split, captions=captions, tokens=scoring.is_local, batch_size=batch_size, progress=progress
    )
    if pairing == "rows":
        gallery = gallery.row_by_row()
    scorer = Scorer.prepare(model, scoring, dataset, captions, batch_size)
    scores, i2t = scorer.both_ways(gallery, dataset, captions, seed)
    result = evaluate(scores, gallery.relation, i2t_scores=i2t, ties=ties)
    settings: dict[str, Any] = {"captions": captions, "bootstrap_rounds": rounds, "seed": seed, "ties": ties}
    settings["pairing"] = pairing
    settings["truncation"] = getattr(model, "truncation", "warn")
    return RetrievalReport(
        dataset.name,
        split,
        model.model_id,
        settings | scoring.settings(model, scorer.fusion),
        result,
        bootstrap(result, rounds, seed) if rounds else {},
        tuple(pair.name for pair in gallery.pairs),
        gallery.failures,
        _first(scores),
        _first(i2t),
    )


def _first(scores: Tensor) -> NDArray[np.int64]:
    """(Q, 5) candidates of highest score, for picture sheets."""
    parts = []
    for start in range(0, len(scores), 4096):
        block = scores[start : start + 4096]
        columns = torch.arange(block.shape[1], device=block.device).expand_as(block)
        parts.append(stable_top(block, columns, SHOWN)[1].cpu().numpy())
    return np.concatenate(parts)
