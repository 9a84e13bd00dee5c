"""The arithmetic of benchmarks/vqa.py that is its own."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import vqa

from data.test_questions import sample
from generate.models import tiny_model
from swath.data.read_questions import read_questions

OPTIONS = Namespace(members=1, epochs=2, seed=0, dropout=0.0, decay=0.0)


def test_every_question_is_answered_by_an_answerer_that_saw_neither_it_nor_its_image(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    encoder = tiny_model()
    questions = read_questions(sample(tmp_path, images=6))
    encoded = vqa.Encoded(encoder, questions)
    folds = questions.folds(3, 0)
    result, blind = vqa.run(encoder, encoded, folds, OPTIONS)
    assert {question.id for question in result.questions} == {question.id for question in questions.questions}
    # Counts are 0 to 5, one an image: an answerer that never saw an image cannot give its count.
    assert result.metrics["accuracy_count"] == 0
    assert result.metrics["prior_presence"] == blind.metrics["prior_presence"] == 100


def test_blind_asks_about_other_images(tmp_path: Path) -> None:
    encoder = tiny_model()
    questions = read_questions(sample(tmp_path, images=3))
    encoded = vqa.Encoded(encoder, questions)
    asked: list[int] = []

    class Records:
        def answer_views(self, views: object, rows: list[int], _: object) -> list[object]:
            asked.extend(rows)
            return []

    encoded.answers(Records(), questions.questions, shift=1)
    assert asked == [encoded.rows[name] for name in ("1.png", "1.png", "2.png", "2.png", "0.png", "0.png")]


def test_thinning_takes_every_nth_image(tmp_path: Path) -> None:
    questions = read_questions(sample(tmp_path, images=6))
    assert sorted(vqa.thinned(questions, 3).images) == ["0.png", "2.png", "4.png"]
    assert len(vqa.thinned(questions, 100).images) == 6
