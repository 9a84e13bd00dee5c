"""The door of `swath evaluate vqa`: an answerer and questions in, a report out."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swath.chips import Pixels
from swath.data.questions import Question, QuestionSet
from swath.errors import EvaluationError, SensorError, SwathError
from swath.evaluation.vqa import Prior, VqaResult, judge, ranged_types
from swath.models.answerer import CompactAnswerer
from swath.models.answers import Answerer
from swath.provenance import made_with
from swath.raster import read_chip

_IMAGES = 16  # read and asked about at a time

Progress = Callable[[int, int], None]
"""Called with (done, total) images."""


@dataclass(frozen=True, slots=True, eq=False)
class VqaReport:
    """One run of one model on one set of questions.

    Attributes:
        dataset: its name.
        split: the split's name; None for all of it.
        model: the model id.
        settings: everything that the numbers depend on; JSON values only. ``seen_in_training`` tells whether the
            answerer's provenance names the questions.
        result: the judged answers.
        intervals: 95 % bootstrap intervals of the metrics.
        failures: what was left out, and why.
    """

    dataset: str
    split: str | None
    model: str
    settings: Mapping[str, Any]
    result: VqaResult
    intervals: Mapping[str, tuple[float, float]]
    failures: Sequence[str] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Those of the result."""
        return self.result.metrics

    def to_dict(self) -> dict[str, Any]:
        """JSON values, without the answers."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "model": self.model,
            "images": len(self.result.images),
            "questions": len(self.result.questions),
            "metrics": self.metrics,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "per_type": self.result.per_type(),
            "settings": dict(self.settings),
            "failures": list(self.failures),
        }

    def save(self, directory: Path) -> Path:
        """Write ``report.json`` and ``answers.jsonl``, a line a question; returns the report's path.

        Raises:
            EvaluationError: the folder cannot be written.
        """
        file = directory / "report.json"
        lines = [
            {
                "id": question.id,
                "image": question.image,
                "type": question.type,
                "question": question.text,
                "answer": question.answer,
                "answered": answer,
                "right": bool(right[0]),
            }
            for question, answer, right in zip(
                self.result.questions, self.result.answers, self.result.right, strict=True
            )
        ]
        try:
            directory.mkdir(parents=True, exist_ok=True)
            document = self.to_dict() | {"made_with": made_with()}
            file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (directory / "answers.jsonl").write_text(text, encoding="utf-8")
        except OSError as error:
            raise EvaluationError(f"cannot write {error.filename or file}: {error.strerror}") from error
        return file


def evaluate_vqa(
    model: Answerer,
    questions: QuestionSet,
    *,
    split: str | None = None,
    train: Sequence[Question] | None = None,
    ranges: Collection[str] | None = None,
    rounds: int = 2000,
    seed: int = 0,
    progress: Progress | None = None,
) -> VqaReport:
    """Ask every question and judge the answers. An image that cannot be read is left out and reported.

    Args:
        model: what answers.
        questions: from `swath.data.read_questions.read_questions`.
        split: the split to report on; None takes all of it.
        train: questions that the priors are taken from; by default the split ``train``, where it is not the one
            reported on. Without one they are taken from the questions judged, which makes the floor too high; the
            report says so.
        ranges: types whose numbers are judged by range; None decides by `ranged_types`.
        rounds: bootstrap resamples; 0 gives no intervals.
        seed: of the bootstrap.
        progress: told after every few images.

    Raises:
        DataError: there is no such split.
        EvaluationError: no image can be read.
        SensorError: the model takes no images of a sensor.
    """
    asked = questions if split is None else questions.split(split)
    chosen = frozenset(ranges) if ranges is not None else ranged_types(questions.questions)
    source = "the train split" if train is None else "the questions given"
    if train is None:
        apart = "train" in questions.splits and split not in (None, "train")
        train = questions.split("train").questions if apart else ()
        source = source if train else "the questions judged: too high"
    kept, answers, failures = ask(model, asked, progress)
    prior = Prior(train or kept, chosen)
    result = judge(kept, answers, prior(kept), chosen)
    settings = {
        "ranges": sorted(chosen),
        "prior_from": source,
        "priors": prior.answers,
        "seen_in_training": isinstance(model, CompactAnswerer) and model.config.learned_from(questions.name, split),
        "bootstrap_rounds": rounds,
        "seed": seed,
    }
    failures = [f"{failure.name}: {failure.message}" for failure in asked.failures] + failures
    intervals = result.intervals(rounds, seed) if rounds else {}
    return VqaReport(questions.name, split, model.model_id, settings, result, intervals, tuple(failures))


def ask(
    model: Answerer, questions: QuestionSet, progress: Progress | None = None
) -> tuple[list[Question], list[str], list[str]]:
    """Ask every question about the images that can be read.

    Returns:
        the questions asked, their answers, and messages about images that were left out.

    Raises:
        EvaluationError: no image can be read.
        SensorError: the model takes no images of a sensor.
    """
    about: dict[str, list[Question]] = {}
    for question in questions.questions:
        about.setdefault(question.image, []).append(question)
    kept: list[Question] = []
    answers: list[str] = []
    failures: list[str] = []
    names = list(about)
    for start in range(0, len(names), _IMAGES):
        images: list[Pixels] = []
        batch: list[Question] = []
        for name in names[start : start + _IMAGES]:
            try:
                pixels = read_chip(questions.images[name], min_valid=0.0)
            except SensorError:
                raise
            except SwathError as error:
                failures.append(f"{name}: {error}")
                continue
            batch += about[name]
            images += [pixels] * len(about[name])
        if batch:
            answers += [answer.text for answer in model.answer(images, [question.text for question in batch])]
            kept += batch
        if progress is not None:
            progress(min(start + _IMAGES, len(names)), len(names))
    if not kept:
        raise EvaluationError(f"no image of {questions.name} can be read: {failures[0] if failures else 'none'}")
    return kept, answers, failures
