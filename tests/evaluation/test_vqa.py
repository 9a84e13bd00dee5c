"""Judging answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data.test_questions import sample
from swath.chips import Pixels
from swath.data.questions import Question
from swath.data.read_questions import read_questions
from swath.errors import EvaluationError
from swath.evaluation.run_vqa import evaluate_vqa
from swath.evaluation.vqa import Prior, category, judge, normalise, ranged_types
from swath.models.answers import Answer


def question(number: int, kind: str, answer: str, image: str = "a", text: str = "How many ships?") -> Question:
    return Question(str(number), image, text, answer, kind)


class Says:
    """An answerer that reads from a list."""

    model_id = "says@1"

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    def answer(self, images: Sequence[Pixels], questions: Sequence[str]) -> list[Answer]:
        return [Answer(self.answers.pop(0), 1.0, "open") for _ in questions]


def test_types_average_and_overall_are_told_apart() -> None:
    asked = [question(0, "presence", "yes"), question(1, "presence", "no"), question(2, "count", "3")]
    found = judge(asked, ["yes", "yes", "3"], ["yes", "yes", "0"], ranges=()).metrics
    assert found["accuracy"] == pytest.approx(200 / 3)
    assert found["average_accuracy"] == pytest.approx(75)
    assert (found["accuracy_presence"], found["accuracy_count"]) == (50, 100)
    assert (found["prior"], found["average_prior"], found["prior_count"]) == (pytest.approx(100 / 3), 25, 0)


def test_numbers_are_judged_by_range_where_the_type_is() -> None:
    asked = [question(at, "count", answer) for at, answer in enumerate(["0", "7", "10", "11", "150"])]
    answers = ["0", "1", "11", "99", "1000"]
    ranged, exact = (judge(asked, answers, [""] * 5, ranges=ranges) for ranges in ({"count"}, ()))
    assert ranged.right[:, 0].tolist() == [True, True, False, True, True]
    assert exact.right[:, 0].tolist() == [True, False, False, False, False]
    assert ranged.metrics["exact_count"] == 20  # what the ranges hide is told beside
    assert category("1045 m2", by_range=True) == ">1000"


def test_ranges_are_for_types_with_large_numbers() -> None:
    low = [question(0, "count", "412"), question(1, "presence", "yes")]
    high = [question(0, "count", "90"), question(1, "area", "407m2")]
    assert ranged_types(low) == {"count"}
    assert ranged_types(high) == {"area"}


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("A road.", "road"),
        ("  Three ", "3"),
        ("Yes!", "yes"),
        ("2.5 m", "2.5 m"),
        ("the sea, and trees", "sea and trees"),
    ],
)
def test_normalised_texts(written: str, wanted: str) -> None:
    assert normalise(written) == wanted


def test_an_answer_outside_every_vocabulary_is_wrong_and_nothing_worse() -> None:
    asked = [question(0, "count", "3"), question(1, "open", "a pier", text="What is shown?")]
    found = judge(asked, ["a shoal of fish", ""], ["1-10", "pier"], ranges={"count"})
    assert not found.right[:, 0].any()
    assert found.right[:, 1].all()
    assert found.metrics["bleu4"] == pytest.approx(0, abs=1e-6)


def test_bleu_is_of_open_answers_alone() -> None:
    text = "the image shows a harbour with ships"
    asked = [question(0, "open", text, text="What is shown?"), question(1, "count", "3")]
    assert judge(asked, [text, "4"], ["", ""], ()).metrics["bleu4"] == pytest.approx(100, abs=1e-3)


def test_the_prior_is_the_most_frequent_answer_of_the_type() -> None:
    train = [question(at, "count", answer) for at, answer in enumerate(["1", "2", "0", "0", "30"])]
    assert Prior(train, ()).answers == {"count": "0"}
    assert Prior(train, {"count"}).answers == {"count": "0"}  # 0 and 1-10 tie: the alphabet decides
    assert Prior(train, ())([question(9, "area", "3m2")]) == [""]
    with pytest.raises(EvaluationError, match="training split"):
        Prior([], ())


def test_intervals_come_from_images_not_questions() -> None:
    """All questions of an image are right or wrong together: with two images the interval is everything."""
    asked = [question(at, "count", "1", image="ab"[at // 50]) for at in range(100)]
    found = judge(asked, ["1"] * 50 + ["2"] * 50, ["1"] * 100, ())
    low, high = found.intervals(500)["accuracy"]
    assert (low, high) == (0, 100)
    assert found.intervals(200, seed=3) == found.intervals(200, seed=3)
    with pytest.raises(EvaluationError, match="rounds"):
        found.intervals(0)


def test_intervals_hold_the_value_and_narrow_with_images() -> None:
    rng = np.random.default_rng(0)
    right = rng.random(400) < 0.6
    widths = []
    for images in (20, 400):
        asked = [question(at, "count", "1", image=str(at % images)) for at in range(400)]
        found = judge(asked, ["1" if one else "2" for one in right], ["1"] * 400, ())
        low, high = found.intervals(400)["accuracy"]
        assert low < found.metrics["accuracy"] < high
        widths.append(high - low)
    assert widths[1] < widths[0] * 1.5


def test_as_many_answers_as_questions_are_needed() -> None:
    with pytest.raises(EvaluationError, match="1 answers"):
        judge([question(0, "a", "1"), question(1, "a", "1")], ["1"], ["1", "1"], ())


def test_a_run_reports_what_it_left_out_and_where_the_prior_is_from(tmp_path: Path) -> None:
    questions = read_questions(sample(tmp_path, images=3))
    (tmp_path / "1.png").write_bytes(b"damaged since")
    report = evaluate_vqa(Says("yes", "0", "no", "2"), questions, rounds=50)
    assert report.metrics["accuracy"] == 75
    assert report.failures[0].startswith("1.png")
    assert "too high" in report.settings["prior_from"]
    saved = json.loads(report.save(tmp_path / "out").read_text())
    assert saved["metrics"] == report.metrics
    lines = [json.loads(line) for line in (tmp_path / "out" / "answers.jsonl").read_text().splitlines()]
    assert [line["right"] for line in lines] == [True, True, False, True]


def test_priors_are_taken_from_the_train_split(tmp_path: Path) -> None:
    rows = [
        {"image": f"{at}.png", "type": "count", "question": "How many?", "answer": str(at > 0), "split": split}
        for at, split in enumerate(["test", "train", "train"])
    ]
    questions = read_questions(sample(tmp_path, images=3, questions=rows))
    report = evaluate_vqa(Says("False"), questions, split="test", rounds=0)
    assert report.settings["prior_from"] == "the train split"
    assert (report.metrics["accuracy"], report.metrics["prior"]) == (100, 0)
