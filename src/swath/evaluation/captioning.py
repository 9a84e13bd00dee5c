"""Generated captions against references: BLEU-1 to BLEU-4, ROUGE-L, CIDEr-D, with intervals, in plain Python.

Numbers are those of pycocoevalcap to 1e-6, tokenisation included (see `swath.evaluation.ptb`), and on its scales: 0 to
1, CIDEr-D 0 to 10. METEOR and SPICE, which are Java programs, are in `swath.evaluation.meteor_spice`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError
from swath.evaluation.bleu import LONGEST, BleuCounts, bleu_counts
from swath.evaluation.cider import cider_d
from swath.evaluation.ptb import tokenize
from swath.evaluation.resampling import interval, resamples
from swath.evaluation.rouge import rouge_l


@dataclass(frozen=True, slots=True)
class CaptionResult:
    """What the captions of a set of images are worth.

    Attributes:
        metrics: ``bleu1`` ... ``bleu4``, ``rouge_l``, ``cider``, and whatever was added by `with_scores`; of the whole
            set.
        per_image: the same of each image alone; their mean is the set's value for all but BLEU, which counts n-grams
            over the whole set.
        intervals: 95 % bootstrap intervals over images; empty where none were asked for. CIDEr's document
            frequencies are held fixed.
    """

    metrics: Mapping[str, float]
    per_image: Mapping[str, Mapping[str, float]]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def with_scores(
        self, name: str, scores: Mapping[str, float], value: float | None = None, rounds: int = 2000, seed: int = 0
    ) -> CaptionResult:
        """The result with one more metric.

        Args:
            name: the metric's name.
            scores: its value for each image of `per_image`; NaN where it has none.
            value: its value for the whole set; the mean over images by default.
            rounds: bootstrap resamples of that mean; 0 gives no interval.
            seed: of the resamples.

        Raises:
            EvaluationError: an image is not in `scores`, or none has a number.
        """
        missing = self.per_image.keys() - scores.keys()
        values = np.array([scores.get(image, np.nan) for image in self.per_image], dtype=np.float64)
        known = np.isfinite(values)
        if missing or not known.any():
            which = f"image {min(missing)!r} ({len(missing)} such images)" if missing else "any image"
            raise EvaluationError(f"{name}: no score for {which}")
        intervals = dict(self.intervals)
        if rounds:
            filled = np.where(known, values, 0.0)
            drawn = [times @ filled / np.maximum(1, times @ known) for times in resamples(len(values), rounds, seed)]
            intervals[name] = interval(np.concatenate(drawn))
        per_image = {image: {**own, name: float(scores[image])} for image, own in self.per_image.items()}
        mean = float(values[known].mean()) if value is None else value
        return CaptionResult({**self.metrics, name: mean}, per_image, intervals)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "metrics": dict(self.metrics),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "per_image": {image: dict(own) for image, own in self.per_image.items()},
        }


def evaluate_captions(
    candidates: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    *,
    rounds: int = 2000,
    seed: int = 0,
) -> CaptionResult:
    """Compare one generated caption an image with its references.

    Args:
        candidates: image -> caption. An empty caption is a caption: it scores 0.
        references: image -> at least one reference, for exactly the same images.
        rounds: bootstrap resamples of the images; 0 gives no intervals.
        seed: of the resamples.

    Returns:
        metrics, intervals, and the metrics of each image; the order of images and references changes nothing.

    Raises:
        EvaluationError: no image, an image with candidate but without references or the other way round, or a caption
            that is not a text.
    """
    _check(candidates, references, rounds)
    images = sorted(candidates)
    words = [tokenize(candidates[image]) for image in images]
    texts = [[tokenize(text) for text in references[image]] for image in images]
    # A mixed fraction is one token with a space in it; pycocoevalcap splits it for n-grams, but not for ROUGE-L.
    split, split_texts = [_split(own) for own in words], [[_split(text) for text in own] for own in texts]
    counts = bleu_counts(split, split_texts)
    means = {
        "rouge_l": np.array([rouge_l(own, refs) for own, refs in zip(words, texts, strict=True)]),
        "cider": np.array(cider_d(split, split_texts)),
    }
    alone, together = counts.score(), counts.weighted(np.ones((1, len(images)))).score()[0]
    names = [f"bleu{n}" for n in range(1, LONGEST + 1)]
    metrics = dict(zip(names, map(float, together), strict=True))
    metrics |= {name: float(values.mean()) for name, values in means.items()}
    per_image = {
        image: dict(zip(names, map(float, alone[at]), strict=True))
        | {name: float(values[at]) for name, values in means.items()}
        for at, image in enumerate(images)
    }
    return CaptionResult(metrics, per_image, _intervals(counts, names, means, rounds, seed) if rounds else {})


def _check(candidates: Mapping[str, str], references: Mapping[str, Sequence[str]], rounds: int) -> None:
    if rounds < 0:
        raise EvaluationError(f"rounds must be 0 or more, not {rounds}")
    if not candidates:
        raise EvaluationError("no captions to evaluate: candidates is empty")
    bare = sorted(image for image in candidates if not references.get(image))
    if bare:
        raise EvaluationError(
            f"image {bare[0]!r} has a candidate but no reference caption ({len(bare)} such images): "
            "give references, or leave it out"
        )
    open_ = sorted(references.keys() - candidates.keys())
    if open_:
        raise EvaluationError(
            f"image {open_[0]!r} has references but no candidate ({len(open_)} such images): caption it (an empty "
            "caption counts as 0), or leave it out of the references too"
        )
    for image, text in candidates.items():
        given: object = references[image]
        wrong = [entry for entry in (text, *references[image]) if not isinstance(entry, str)]
        if wrong or isinstance(given, str):
            raise EvaluationError(
                f"image {image!r}: a candidate is one text and references are a list of texts; "
                f"found {wrong[0] if wrong else given!r:.80}"
            )


def _split(words: Sequence[str]) -> list[str]:
    return " ".join(words).split()


def _intervals(
    counts: BleuCounts, names: Sequence[str], means: Mapping[str, NDArray[np.float64]], rounds: int, seed: int
) -> dict[str, tuple[float, float]]:
    images = len(counts.length)
    columns = np.stack(list(means.values()), axis=1)
    blocks = [
        np.concatenate([counts.weighted(times).score(), times @ columns / images], axis=1)
        for times in resamples(images, rounds, seed)
    ]
    drawn = np.concatenate(blocks)
    return {name: interval(drawn[:, at]) for at, name in enumerate((*names, *means))}
