"""The door of `swath evaluate caption`: generated captions and a data set in, a report out."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch

from swath.chips import Pixels
from swath.data import Dataset
from swath.data.pairs import Pair
from swath.errors import EvaluationError
from swath.evaluation import meteor_spice
from swath.evaluation.candidates import match_names
from swath.evaluation.captioning import CaptionResult, evaluate_captions
from swath.evaluation.clip_score import clip_scores, ref_clip_scores
from swath.evaluation.encoding import Encoder, Progress, encode_pictures, read_pictures
from swath.models.decoding import Decoding
from swath.provenance import made_with

OPTIONAL = ("meteor", "spice")
"""Metrics that need Java."""


class Writer(Protocol):
    """What writes captions; `swath.models.captioner.Captioner` is one."""

    @property
    def id(self) -> str:
        """What wrote: equal ids write equal captions."""
        ...

    def caption(
        self, pixels: Sequence[Pixels], decoding: Decoding | None = None, *, batch_size: int = 32, first: int = 0
    ) -> list[str]:
        """A caption for each image."""
        ...


@dataclass(frozen=True, slots=True)
class CaptionReport:
    """The captions of one split, and what they are worth.

    Attributes:
        dataset: the data set's name.
        split: the split's name; None for the whole data set.
        source: what wrote the captions: a model's id, or a file.
        settings: everything that the numbers depend on; JSON values only.
        result: metrics, intervals, metrics of each image.
        candidates: image -> the caption.
        references: image -> its references.
        failures: what was left out, and why.
    """

    dataset: str
    split: str | None
    source: str
    settings: Mapping[str, Any]
    result: CaptionResult
    candidates: Mapping[str, str]
    references: Mapping[str, tuple[str, ...]]
    failures: tuple[str, ...] = ()

    @property
    def metrics(self) -> Mapping[str, float]:
        """Flat numbers, see `CaptionResult.metrics`."""
        return self.result.metrics

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "source": self.source,
            "images": len(self.candidates),
            "settings": dict(self.settings),
            **self.result.to_dict(),
            "failures": list(self.failures),
        }

    def save(self, directory: str | Path) -> Path:
        """Write ``report.json`` and ``captions.csv`` (image, caption, metrics, references); returns the directory."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict() | {"made_with": made_with()}, ensure_ascii=False, indent=2)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        names = list(self.metrics)
        with (folder / "captions.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["image", "caption", *names, "references"])
            for image, own in self.result.per_image.items():
                texts = " | ".join(self.references[image])
                rows.writerow([image, self.candidates[image], *(f"{own[name]:.6f}" for name in names), texts])
        return folder


def write_captions(
    writer: Writer,
    pairs: Sequence[Pair],
    *,
    decoding: Decoding | None = None,
    batch_size: int = 32,
    progress: Progress | None = None,
) -> tuple[dict[str, str], list[str]]:
    """Caption images. One that cannot be read, or has no valid pixel, is left out and reported.

    Args:
        writer: the captioning model.
        pairs: whose images.
        decoding: how it writes.
        batch_size: images read and captioned at a time.
        progress: told after every batch.

    Returns:
        image -> caption, and messages about what was left out.

    Raises:
        SensorError: the model takes no images of a sensor.
    """
    found: dict[str, str] = {}
    failures: list[str] = []
    for done, good, unread in read_pictures(pairs, batch_size):
        failures += unread + [f"{pair.name}: no valid pixel" for pair, pixels in good if not pixels.valid.any()]
        shown = [(pair, pixels) for pair, pixels in good if pixels.valid.any()]
        if shown:
            texts = writer.caption([pixels for _, pixels in shown], decoding, batch_size=batch_size, first=len(found))
            found |= {pair.name: text for (pair, _), text in zip(shown, texts, strict=True)}
        if progress is not None:
            progress(done, len(pairs))
    return found, failures


def judge_captions(
    candidates: Mapping[str, str],
    dataset: Dataset,
    *,
    source: str,
    split: str | None = "test",
    optional: Sequence[str] = (),
    corenlp: Path | None = None,
    encoder: Encoder | None = None,
    rounds: int = 2000,
    seed: int = 0,
    failures: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> CaptionReport:
    """Compare captions with the references of a split.

    Args:
        candidates: image -> caption; names need only end alike (see `swath.evaluation.candidates.match_names`).
        dataset: its short captions are the references.
        source: what wrote the captions.
        split: the split that is judged; None takes the whole data set. Images of it without a caption, and captions
            of no image of it, are reported and left out.
        optional: of `OPTIONAL`.
        corenlp: where SPICE finds CoreNLP's jars.
        encoder: for CLIPScore and RefCLIPScore; None leaves them out.
        rounds: bootstrap resamples; 0 gives no intervals.
        seed: of the bootstrap.
        failures: what was already left out.
        settings: what else the numbers depend on.
        progress: told while images are encoded, and while Java programs work.

    Raises:
        EvaluationError: nothing is left to judge, an optional metric is unknown or cannot be had.
        MissingExtraError: an optional metric needs a package.
        DataError: there is no such split.
    """
    _check_metrics(optional)
    whole = dataset if split is None else dataset.split(split)
    pairs = {pair.name: pair for pair in whole.pairs if pair.captions}
    names = match_names(candidates, pairs)
    texts = {names[name]: caption for name, caption in candidates.items() if name in names}
    left_out = [*failures, *(f"{name}: no image of the split" for name in candidates if name not in names)]
    left_out += [f"{name}: no caption to judge" for name in pairs if name not in texts]
    if not texts:
        raise EvaluationError(
            f"no caption of {source} belongs to an image of split {split!r} of {dataset.name}: the first names are "
            f"{next(iter(candidates), None)!r} and {next(iter(pairs), None)!r}"
        )
    references = {name: pairs[name].captions for name in texts}
    result = evaluate_captions(texts, references, rounds=rounds, seed=seed)
    if "meteor" in optional:
        value, scores = meteor_spice.meteor(texts, references, progress)
        result = result.with_scores("meteor", scores, value, rounds=0)  # the set's value is no mean over images
    if "spice" in optional:
        value, scores = meteor_spice.spice(texts, references, corenlp, progress=progress)
        result = result.with_scores("spice", scores, value, rounds=rounds, seed=seed)
    options: dict[str, Any] = {"rounds": rounds, "seed": seed, "tokenizer": "ptb", **(settings or {})}
    report = CaptionReport(dataset.name, split, source, options, result, texts, references, tuple(left_out))
    return report if encoder is None else _with_clip(report, encoder, [pairs[name] for name in texts], progress)


def _check_metrics(optional: Sequence[str]) -> None:
    unknown = sorted(set(optional) - set(OPTIONAL))
    if unknown:
        raise EvaluationError(f"unknown metric {unknown[0]!r}; optional ones are {', '.join(OPTIONAL)}")


def _with_clip(
    report: CaptionReport, encoder: Encoder, pairs: Sequence[Pair], progress: Progress | None
) -> CaptionReport:
    """Add CLIPScore and RefCLIPScore."""
    kept, images, unread = encode_pictures(encoder, pairs, tokens=False, progress=progress)
    if unread:
        raise EvaluationError(f"CLIPScore needs every image; {len(unread)} cannot be read: {unread[0]}")
    written = encoder.encode_texts([report.candidates[pair.name] for pair in kept], tokens=False).pooled
    texts = [text for pair in kept for text in report.references[pair.name]]
    vectors = encoder.encode_texts(texts, tokens=False).pooled
    own = torch.split(vectors, [len(report.references[pair.name]) for pair in kept])
    scores = clip_scores(images.pooled, written)
    both = {"clip_score": scores, "ref_clip_score": ref_clip_scores(scores, written, own)}
    result = report.result
    for name, values in both.items():
        by_image = {pair.name: float(value) for pair, value in zip(kept, values, strict=True)}
        rounds, seed = report.settings["rounds"], report.settings["seed"]
        result = result.with_scores(name, by_image, rounds=rounds, seed=seed)
    return replace(report, result=result, settings={**report.settings, "clip_model": encoder.model_id})
