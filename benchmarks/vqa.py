"""Questions about images, answered from the packaged model's frozen features: RSVQA's samples and UCM's 17 labels.

    python benchmarks/vqa.py [--model MODEL] [--epochs 30] [--members 2] [--folds 5] [--ucm IMAGES]

writes `vqa.json`. RSVQA's samples have 25 images each, so they are cut into folds by image: every question is answered
by an answerer that saw no question about that image. Questions of UCM are generated from its table of labels;
they are learned on images of its train split and asked on its test split. `prior` is the floor: the most frequent
answer of the question's type in the training images. `blind` is the same answerer with another image put before each
question, so what it is short of `accuracy` comes from the image. Intervals are over images.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import torch
from harness import data_root, write_result

from swath.data.questions import Question, QuestionSet
from swath.data.read_questions import read_questions
from swath.evaluation.vqa import Prior, VqaResult, judge, ranged_types
from swath.models import DualEncoder
from swath.models.answerer import CompactAnswerer, parse
from swath.models.answerer.views import Views, view
from swath.raster import read_chip
from swath.training.answerer_fit import Fitting, configure, fit_answerer

Split = tuple[QuestionSet, QuestionSet]


class Encoded:
    """A question set's images, encoded once."""

    def __init__(self, encoder: DualEncoder, questions: QuestionSet) -> None:
        self.rows = {name: at for at, name in enumerate(questions.images)}
        chips = list(questions.images.values())
        parts = [view(encoder, [read_chip(chip) for chip in chips[at : at + 32]]) for at in range(0, len(chips), 32)]
        self.views = Views.cat(parts)

    def lessons(self, questions: Sequence[Question]) -> list[tuple[int, str, str]]:
        """(image row, question, answer)."""
        return [(self.rows[question.image], question.text, question.answer) for question in questions]

    def answers(self, answerer: CompactAnswerer, questions: Sequence[Question], shift: int = 0) -> list[str]:
        """Answers; with `shift`, about an image that many places further among those asked about."""
        names = sorted({question.image for question in questions})
        other = {name: names[(at + shift) % len(names)] for at, name in enumerate(names)}
        rows = [self.rows[other[question.image]] for question in questions]
        asked = [parse(question.text) for question in questions]
        return [answer.text for answer in answerer.answer_views(self.views, rows, asked)]


def run(
    encoder: DualEncoder, encoded: Encoded, splits: Sequence[Split], options: argparse.Namespace
) -> list[VqaResult]:
    """Train on the first part and ask the second part of each split: the result, and the blind one."""
    everything = [question for _, test in splits for question in test.questions]
    ranges = ranged_types([*everything, *splits[0][0].questions])
    answers: list[str] = []
    blind: list[str] = []
    priors: list[str] = []
    for train, test in splits:
        pairs = [(question.text, question.answer) for question in train.questions]
        config = configure(encoder, pairs, members=options.members, dropout=options.dropout)
        fitting = Fitting(epochs=options.epochs, seed=options.seed, weight_decay=options.decay)
        answerer = fit_answerer(encoder, config, encoded.views, encoded.lessons(train.questions), fitting)
        answers += encoded.answers(answerer, test.questions)
        # Half of the way round: neighbours by name may be of one class.
        blind += encoded.answers(answerer, test.questions, shift=len(test.images) // 2)
        priors += Prior(train.questions, ranges)(test.questions)
    return [judge(everything, found, priors, ranges) for found in (answers, blind)]


def thinned(questions: QuestionSet, images: int) -> QuestionSet:
    """Every n-th image, so that all classes take part."""
    names = sorted(questions.images)
    return questions.of_images(names[:: max(1, len(names) // images)])


def main() -> None:
    """Measure and write the result."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    encoder = DualEncoder.from_pretrained(options.model)
    root = data_root()
    sets = {
        "lr": read_questions(root / "rsvqa" / "lr_s2.json"),
        "hr": read_questions(root / "rsvqa" / "hr_usgs.json"),
        "ucm": read_questions(root / "ucm", labels=root / "ucm" / "multilabels_17.csv"),
    }
    train = thinned(sets["ucm"].split("train"), options.ucm)
    test = thinned(sets["ucm"].split("test"), options.ucm)
    together = sets["ucm"].of_images({*train.images, *test.images})
    splits = {
        "lr": sets["lr"].folds(options.folds, options.seed),
        "hr": sets["hr"].folds(options.folds, options.seed),
        "ucm": [(train, test)],
    }
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for name in options.sets.split(","):
        encoded = Encoded(encoder, together if name == "ucm" else sets[name])
        result, blind = run(encoder, encoded, splits[name], options)
        own = result.intervals(options.rounds)
        metrics |= {f"{name}_{metric}": value for metric, value in result.metrics.items()}
        metrics |= {f"{name}_blind_{kind}": blind.metrics[f"accuracy_{kind}"] for kind in blind.types}
        intervals |= {f"{name}_{metric}": value for metric, value in own.items()}
        print(name, f"{time.process_time():.0f} s", result.per_type(), flush=True)
    if options.dry:
        return
    for name in ("accuracy", "prior"):
        metrics[name] = float(np.mean([metrics[f"{one}_average_{name}"] for one in splits]))
    write_result(
        "vqa",
        settings={
            "model": encoder.model_id,
            "members": options.members,
            "epochs": options.epochs,
            "folds": options.folds,
            "seed": options.seed,
            "threads": options.threads,
            "ucm_images": {"train": len(train.images), "test": len(test.images)},
            "questions": {name: len(sets[name]) for name in ("lr", "hr")} | {"ucm": len(train) + len(test)},
            "accuracy": "mean over the three sets of the average over types; RSVQA's ranges where it has them",
            "seen_in_training": "UCM's train images with their captions, by the packaged model; its test images not",
            "cpu_seconds": round(time.process_time()),
            "intervals": f"95 % bootstrap over images, {options.rounds} rounds",
        },
        metrics=metrics,
        intervals=intervals,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini", help="name or directory")
    parser.add_argument("--sets", default="lr,hr,ucm", help="which of lr, hr, ucm")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.4)
    parser.add_argument("--decay", type=float, default=0.1)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ucm", type=int, default=840, help="images of UCM's train split that are learned from")
    parser.add_argument("--rounds", type=int, default=2000, help="bootstrap resamples")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
