"""Answers judged: RSVQA's accuracies, exact and normalised match, BLEU of open answers, and the prior as the floor.

RSVQA (Lobry et al. 2020, section IV) judges numbers by range where they can be large (counts of its low-resolution
set, areas of its high-resolution set): 0, 1 to 10, 11 to 100, 101 to 1000, over 1000. Overall accuracy is over
questions, average accuracy over types. The prior answers with the most frequent answer of the question's type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.data.questions import Question
from swath.errors import EvaluationError
from swath.evaluation.bleu import BleuCounts, bleu_counts
from swath.evaluation.ptb import tokenize
from swath.evaluation.resampling import interval, resamples
from swath.models.answerer import order_of_magnitude, parse

RANGES = ("0", "1-10", "11-100", "101-1000", ">1000")
"""Names of RSVQA's ranges."""

_LARGE = 100
_NUMBER = re.compile(r"^(\d+)\s*(?:m2|m\^2|m²|square met(?:er|re)s)?$")
_DROPPED = re.compile(r"[^\w\s.-]|(?<!\d)\.|\.(?!\d)")
_ARTICLES = frozenset({"a", "an", "the"})
_DIGITS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}


@dataclass(frozen=True, slots=True, eq=False)
class VqaResult:
    """Judged answers to N questions.

    Attributes:
        questions: the questions.
        answers: what was answered.
        ranges: types whose numbers are judged by range.
        right: (N, 4) bool: right by RSVQA's rules; the prior by the same; equal texts; equal normalised texts.
        bleu: n-gram counts of the open questions; None without any.
        bleu_images: the image of each row of `bleu`, as a position in `images`.
    """

    questions: tuple[Question, ...]
    answers: tuple[str, ...]
    ranges: frozenset[str]
    right: NDArray[np.bool_]
    bleu: BleuCounts | None
    bleu_images: NDArray[np.int64]

    @property
    def types(self) -> tuple[str, ...]:
        """Types of questions, in order of appearance."""
        return tuple(dict.fromkeys(question.type for question in self.questions))

    @property
    def images(self) -> tuple[str, ...]:
        """Images asked about, in order of appearance."""
        return tuple(dict.fromkeys(question.image for question in self.questions))

    @property
    def metrics(self) -> dict[str, float]:
        """In per cent: ``accuracy``, ``average_accuracy``, ``accuracy_TYPE`` and for each the same of the ``prior``.

        ``exact`` and ``normalised`` are shares of equal texts, ``exact_TYPE`` of types judged by range; ``bleu1`` and
        ``bleu4`` are of the open answers.
        """
        values = self._of_corpora(np.ones((1, len(self.images)), dtype=np.int64))
        return {name: float(value[0]) for name, value in values.items()}

    def intervals(self, rounds: int = 2000, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % percentile bootstrap intervals of every metric, images drawn with all their questions.

        Raises:
            EvaluationError: `rounds` is below 1.
        """
        drawn: dict[str, list[NDArray[np.float64]]] = {}
        for times in resamples(len(self.images), rounds, seed):
            for name, values in self._of_corpora(times).items():
                drawn.setdefault(name, []).append(values)
        return {name: interval(np.concatenate(values)) for name, values in drawn.items()}

    def per_type(self) -> list[dict[str, float | int | str]]:
        """One entry a type: ``type``, ``questions``, ``accuracy``, ``prior``."""
        metrics, counts = self.metrics, Counter(question.type for question in self.questions)
        return [
            {
                "type": name,
                "questions": counts[name],
                "accuracy": metrics[f"accuracy_{name}"],
                "prior": metrics[f"prior_{name}"],
            }
            for name in self.types
        ]

    def _of_corpora(self, times: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Every metric of R corpora in which image i occurs ``times[r, i]`` times."""
        place = {name: at for at, name in enumerate(self.images)}
        owner = np.array([place[question.image] for question in self.questions])
        kinds = np.array([question.type for question in self.questions])
        everything = np.ones(len(owner), dtype=bool)

        def share(column: int, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
            hits = np.bincount(owner[chosen], self.right[chosen, column], len(place))
            asked = np.bincount(owner[chosen], minlength=len(place))
            total = times @ asked
            return np.where(total > 0, 100 * (times @ hits) / np.maximum(total, 1), np.nan)

        found: dict[str, NDArray[np.float64]] = {}
        for column, name in enumerate(("accuracy", "prior")):
            own = {kind: share(column, kinds == kind) for kind in self.types}
            found[name] = share(column, everything)
            found[f"average_{name}"] = np.nanmean(np.stack(list(own.values())), axis=0)
            found |= {f"{name}_{kind}": values for kind, values in own.items()}
        found |= {"exact": share(2, everything), "normalised": share(3, everything)}
        found |= {f"exact_{kind}": share(2, kinds == kind) for kind in self.types if kind in self.ranges}
        if self.bleu is not None:
            scores = 100 * self.bleu.weighted(times[:, self.bleu_images]).score()
            found |= {"bleu1": scores[:, 0], "bleu4": scores[:, 3]}
        return found


def judge(
    questions: Sequence[Question],
    answers: Sequence[str],
    priors: Sequence[str],
    ranges: Collection[str],
) -> VqaResult:
    """Judge answers.

    Args:
        questions: with their right answers.
        answers: what a model answered.
        priors: what the prior answers to each (see `Prior`).
        ranges: types whose numbers are judged by range (see `ranged_types`).

    Raises:
        EvaluationError: there are no questions, or not as many answers.
    """
    if not questions or len(answers) != len(questions) or len(priors) != len(questions):
        raise EvaluationError(f"{len(answers)} answers and {len(priors)} priors to {len(questions)} questions")
    rows = []
    for question, answer, prior in zip(questions, answers, priors, strict=True):
        by_range = question.type in ranges
        wanted = category(question.answer, by_range)
        rows.append(
            (
                category(answer, by_range) == wanted,
                prior == wanted,
                answer.strip() == question.answer.strip(),
                normalise(answer) == normalise(question.answer),
            )
        )
    opened = [at for at, question in enumerate(questions) if parse(question.text).kind == "open"]
    place = {name: at for at, name in enumerate(dict.fromkeys(question.image for question in questions))}
    counts = None
    if opened:
        counts = bleu_counts(
            [tokenize(answers[at]) for at in opened], [[tokenize(questions[at].answer)] for at in opened]
        )
    owners = np.array([place[questions[at].image] for at in opened], dtype=np.int64)
    return VqaResult(tuple(questions), tuple(answers), frozenset(ranges), np.array(rows, dtype=bool), counts, owners)


class Prior:
    """The floor: for each type the most frequent category of answers in the training split.

    Args:
        train: questions that it is taken from; never those judged, or the floor is too high.
        ranges: types whose numbers are judged by range.

    Raises:
        EvaluationError: there are no questions.
    """

    def __init__(self, train: Sequence[Question], ranges: Collection[str]) -> None:
        if not train:
            raise EvaluationError("the prior needs questions of a training split")
        counts: dict[str, Counter[str]] = {}
        for question in train:
            counts.setdefault(question.type, Counter())[category(question.answer, question.type in ranges)] += 1
        # Equal counts: the alphabet decides, not the order of the file.
        self.answers = {kind: min(found, key=lambda one: (-found[one], one)) for kind, found in counts.items()}

    def __call__(self, questions: Sequence[Question]) -> list[str]:
        """The category that it answers to each question; empty for a type that it never saw."""
        return [self.answers.get(question.type, "") for question in questions]


def ranged_types(questions: Sequence[Question]) -> frozenset[str]:
    """Types with a number over 100 among their answers.

    On RSVQA's sets this is its own rule: counts of the low-resolution set, areas of the high-resolution one.
    """
    return frozenset(question.type for question in questions if (_number(question.answer) or 0) > _LARGE)


def category(answer: str, by_range: bool) -> str:
    """What two answers must share to count as the same: the range of a number, else the normalised text."""
    number = _number(answer)
    return RANGES[order_of_magnitude(number)] if by_range and number is not None else normalise(answer)


def normalise(answer: str) -> str:
    """Lower case, no punctuation, no articles, number words as digits (the VQA challenge's rules, shortened)."""
    words = _DROPPED.sub(" ", answer.lower()).split()
    return " ".join(_DIGITS.get(word, word) for word in words if word not in _ARTICLES)


def _number(answer: str) -> int | None:
    found = _NUMBER.match(normalise(answer))
    return int(found[1]) if found else None
