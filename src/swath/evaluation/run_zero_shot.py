"""The door of `swath evaluate zero-shot`: a model and labelled images in, a report out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swath.data import Dataset, Pair
from swath.errors import EvaluationError
from swath.evaluation import multi_label
from swath.evaluation.calibration import Calibration, calibrate
from swath.evaluation.encoding import Encoder, Progress, encode_pictures
from swath.evaluation.label_table import LabelTable
from swath.evaluation.prompts import TEMPLATES, Averaging, class_vectors
from swath.evaluation.zero_shot import Classification, classify
from swath.evaluation.zero_shot_report import ZeroShotReport

DEFAULT_TEMPERATURE = 0.01
"""CLIP's temperature, for a model that does not tell its own."""


def evaluate_zero_shot(
    model: Encoder,
    dataset: Dataset,
    *,
    split: str | None = None,
    templates: Sequence[str] = TEMPLATES["remoteclip"],
    averaging: Averaging = "normalised",
    names: Mapping[str, Sequence[str]] | None = None,
    classes: Sequence[str] | None = None,
    table: LabelTable | None = None,
    rounds: int = 2000,
    seed: int = 0,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> ZeroShotReport:
    """Classify images by the names of their classes.

    Where an image has several labels, or `table` is given, each label is judged by its average precision over the
    images; otherwise each image is given its class.

    Args:
        model: the encoder.
        dataset: from `swath.data.read_dataset`; labels are class folders, a label column, or the class field.
        split: the split to report on; None takes the whole data set.
        templates: see `swath.evaluation.prompts.read_templates`.
        averaging: how a class's prompts become one vector.
        names: words for classes; `swath.data.class_names.readable` makes the others.
        classes: candidates, where there are more than the split shows; by default every class of the data set.
        table: labels that take the place of the data set's own.
        rounds: bootstrap resamples; 0 gives no intervals.
        seed: of the bootstrap, and of the halves that calibration is judged on.
        batch_size: images encoded at a time.
        progress: told after every batch of images.

    Raises:
        EvaluationError: no labels, a class unknown to `classes`, or nothing can be evaluated.
        DataError, SensorError: a split is missing; the model takes no images of this sensor.
    """
    whole = dataset if split is None else dataset.split(split)
    candidates = _classes(dataset, classes, table)
    asked = _labelled(whole, split, table)
    vectors = class_vectors(model, candidates, templates, names=names, averaging=averaging)
    kept, images, unread = encode_pictures(model, asked, tokens=False, batch_size=batch_size, progress=progress)
    failures = tuple([f"{failure.name}: {failure.message}" for failure in whole.failures] + unread)
    if not kept:
        part = f"split {split!r} of " if split else ""
        raise EvaluationError(f"nothing to evaluate in {part}{dataset.name}: {failures[0]}")
    scores = (images.pooled @ vectors.T).double().cpu().numpy()
    truth = table.truth([pair.name for pair in kept]) if table is not None else _truth(kept, candidates)
    result, labels = _judge(scores, truth, candidates, table is not None)
    settings: dict[str, Any] = {
        "templates": list(templates), "averaging": averaging,
        "names": {name: list(words) for name, words in (names or {}).items() if name in candidates},
        "unlabelled": len(whole.pairs) - len(asked), "bootstrap_rounds": rounds, "seed": seed,
    }  # fmt: skip
    calibration, told = _calibrated(model, scores, labels, seed)
    intervals, shown = result.intervals(rounds, seed) if rounds else {}, tuple(pair.name for pair in kept)
    return ZeroShotReport(
        dataset.name, split, model.model_id, settings | told, result, intervals, calibration, shown, failures
    )


def _labelled(whole: Dataset, split: str | None, table: LabelTable | None) -> list[Pair]:
    """The images with a label; with a table, which must hold every image, all."""
    asked = [pair for pair in whole.pairs if table is not None or pair.labels]
    if not asked:
        raise EvaluationError(f"no image of {whole.name}, split {split or 'all'}, has a label")
    return asked


def _classes(dataset: Dataset, given: Sequence[str] | None, table: LabelTable | None) -> tuple[str, ...]:
    if table is not None:
        return table.labels
    if given is not None:
        return tuple(dict.fromkeys(given))
    return tuple(sorted({label for pair in dataset.pairs for label in pair.labels}))


def _truth(pairs: Sequence[Pair], classes: Sequence[str]) -> NDArray[np.bool_]:
    place = {name: index for index, name in enumerate(classes)}
    found = np.zeros((len(pairs), len(classes)), dtype=bool)
    for row, pair in enumerate(pairs):
        for label in pair.labels:
            if label not in place:
                raise EvaluationError(f"image {pair.name} is of class {label!r}, which is not among the classes given")
            found[row, place[label]] = True
    return found


def _judge(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], classes: Sequence[str], several: bool
) -> tuple[Classification | multi_label.MultiLabel, NDArray[np.int64] | None]:
    """The result and, with one label an image, the labels."""
    if several or (truth.sum(axis=1) > 1).any():
        return multi_label.judge(scores, truth, classes), None
    labels = truth.argmax(axis=1).astype(np.int64)
    return classify(scores, labels, classes), labels


def _calibrated(
    model: Encoder, scores: NDArray[np.float64], labels: NDArray[np.int64] | None, seed: int
) -> tuple[Calibration | None, dict[str, str]]:
    """How well the scores serve as probabilities, and where the temperature is from; nothing without labels."""
    if labels is None or len(labels) < 2:
        return None, {}
    temperature, origin = _temperature(model)
    return calibrate(scores, labels, temperature, seed), {"temperature": origin}


def _temperature(model: Encoder) -> tuple[float, str]:
    """The temperature of a model's training, and where it is from."""
    scale = getattr(model, "logit_scale", None)
    if scale is None:
        return DEFAULT_TEMPERATURE, "CLIP's, as the model tells none"
    return float((-scale.detach().float()).exp()), "the model's"
