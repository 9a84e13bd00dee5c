"""Fitting a compact answerer to questions about encoded images."""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from swath.errors import TrainingError
from swath.models.answerer import AnswererConfig, Asked, CompactAnswerer, parse
from swath.models.answerer.network import KINDS, Network, Readings
from swath.models.answerer.views import Views
from swath.models.dual_encoder import DualEncoder
from swath.training.schedule import warmup_cosine

_LOG = logging.getLogger(__name__)

_NUMBER = re.compile(r"^(\d+)\s*(\S*)$")
_NUMERIC = ("count", "area")
_FEW = 40
"""Distinct numbers that become steps one by one; of more, those nearest to a logarithmic grid."""

_GRID = tuple(sorted({*range(11), *(round(10 ** (1 + step / 6)) for step in range(31))}))


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question with its answer as a network learns it.

    Attributes:
        image: row of the image.
        asked: the question.
        target: index of the number or word, or 1 for yes and 0 for no.
    """

    image: int
    asked: Asked
    target: int


@dataclass(frozen=True, slots=True)
class Fitting:
    """How an answerer is fitted.

    Attributes:
        epochs: passes over the questions.
        batch: questions in a step.
        lr: highest learning rate.
        weight_decay: of all weights.
        open_weight: weight of a question answered by words; those with numbers and yes or no have 1.
        seed: decides every random choice.
    """

    epochs: int = 20
    batch: int = 256
    lr: float = 3e-3
    weight_decay: float = 0.02
    open_weight: float = 1.0
    seed: int = 0


def configure(
    encoder: DualEncoder, questions: Sequence[tuple[str, str]], *, most_words: int = 1000, **sizes: int | float
) -> AnswererConfig:
    """The answers that an answerer can give, from questions and answers of the training split.

    Args:
        encoder: the model whose features it reads.
        questions: (question, answer).
        most_words: the most frequent open answers that are kept.
        sizes: further fields of `AnswererConfig`.
    """
    numbers: dict[str, list[int]] = {"count": [], "area": []}
    words: Counter[str] = Counter()
    units: Counter[str] = Counter()
    for text, answer in questions:
        kind = parse(text).kind
        if kind in numbers and (found := _NUMBER.match(answer.strip().lower())):
            numbers[kind].append(int(found[1]))
            units[found[2]] += kind == "area"
        elif kind == "open":
            words[answer] += 1
    return AnswererConfig(
        base=encoder.model_id,
        dim=encoder.dim,
        words=tuple(word for word, _ in words.most_common(most_words)),
        counts=steps_of(numbers["count"]),
        areas=steps_of(numbers["area"]),
        area_unit=units.most_common(1)[0][0] if numbers["area"] else "m2",
        **sizes,  # type: ignore[arg-type]
    )


def steps_of(numbers: Sequence[int]) -> tuple[int, ...]:
    """The numbers that can be answered: those seen, or where they are many a grid that grows by the factor 1.47."""
    seen = sorted({0, *numbers})
    if len(seen) <= _FEW:
        return tuple(seen) if len(seen) > 1 else (0, 1)
    return tuple(step for step in _GRID if step <= seen[-1])


def lessons_of(config: AnswererConfig, questions: Sequence[tuple[int, str, str]]) -> tuple[list[Lesson], int]:
    """Questions (image row, text, answer) as lessons, and how many have an answer that `config` cannot give."""
    words = {word: at for at, word in enumerate(config.words)}
    found: list[Lesson] = []
    for image, text, answer in questions:
        asked = parse(text)
        target = _target(config, words, asked, answer)
        if target is not None:
            found.append(Lesson(image, asked, target))
    return found, len(questions) - len(found)


class Fit:
    """One answerer being fitted, epoch by epoch; every random choice is a function of (seed, member, epoch).

    Args:
        answerer: with fresh networks; they are changed.
        views: encoded images.
        lessons: the questions.
        fitting: how.

    Raises:
        TrainingError: there is nothing to learn.
    """

    def __init__(self, answerer: CompactAnswerer, views: Views, lessons: Sequence[Lesson], fitting: Fitting) -> None:
        if not lessons:
            raise TrainingError("no question of the training data has an answer that can be learned")
        self.answerer, self.views, self.lessons, self.fitting = answerer, views, lessons, fitting
        self.steps = math.ceil(len(lessons) / fitting.batch)
        self.total = self.steps * fitting.epochs * len(answerer.networks)
        self.optimizer = self._optimizer(0)

    def epochs(self, first: int = 0) -> Iterator[tuple[int, float]]:
        """Fit member after member; after each epoch its number over all members, from 1, and its mean loss.

        Args:
            first: epochs that are done already; weights and optimiser must be theirs.
        """
        per_member = self.fitting.epochs
        for number in range(first, per_member * len(self.answerer.networks)):
            member, epoch = divmod(number, per_member)
            if not epoch:
                self.optimizer = self._optimizer(member)
            yield number + 1, self._epoch(member, epoch)

    def start(self, member: int) -> None:
        """Draw a member's first weights."""
        torch.manual_seed(self.fitting.seed * 1000 + member)
        fresh = Network(self.answerer.config)
        self.answerer.networks[member].load_state_dict(fresh.state_dict())

    def _optimizer(self, member: int) -> torch.optim.Optimizer:
        self.start(member)
        return self.optimizer_of(member)

    def optimizer_of(self, member: int) -> torch.optim.Optimizer:
        """A fresh optimiser of a member's weights."""
        parameters = self.answerer.networks[member].parameters()
        return torch.optim.AdamW(parameters, lr=self.fitting.lr, weight_decay=self.fitting.weight_decay)

    def _epoch(self, member: int, epoch: int) -> float:
        network = cast(Network, self.answerer.networks[member])
        network.train()
        order = np.random.default_rng([self.fitting.seed, member, epoch]).permutation(len(self.lessons))
        torch.manual_seed(hash((self.fitting.seed, member, epoch)) & (2**62 - 1))
        losses = []
        for step in range(self.steps):
            rate = warmup_cosine(epoch * self.steps + step, self.steps * self.fitting.epochs, 0.1, 1e-2)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * self.fitting.lr
            loss = self._loss(network, order[step * self.fitting.batch : (step + 1) * self.fitting.batch])
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            self.optimizer.step()
            losses.append(float(loss.detach()))
        network.eval()
        if not math.isfinite(losses[-1]):
            raise TrainingError(f"the loss became {losses[-1]}: lower optim.lr")
        return float(np.mean(losses))

    def _loss(self, network: Network, rows: NDArray[np.int64]) -> Tensor:
        chosen = [self.lessons[row] for row in rows]
        asked = [lesson.asked for lesson in chosen]
        names, subject, other, images, image = self.answerer.batch([lesson.image for lesson in chosen], asked)
        read = network(names, subject, other, self.views.select(images), image)
        targets = torch.tensor([lesson.target for lesson in chosen])
        return loss_of(read, [one.kind for one in asked], targets, self.fitting.open_weight)


def loss_of(read: Readings, kinds: Sequence[str], targets: Tensor, open_weight: float) -> Tensor:
    """Mean loss of B questions.

    Numbers: cross-entropy of the number's probability, and the binary cross-entropies of "more than" at every step,
    each with weight 0.5 and 0.25, so that a near miss costs less than a far one. Yes or no: binary cross-entropy.
    Words: cross-entropy.

    Args:
        read: what it read off the questions.
        kinds: of each question.
        targets: (B,) see `Lesson.target`.
        open_weight: weight of the questions answered by words.
    """
    total = read.count.new_zeros(())
    for what, numbers in (("count", read.count), ("area", read.area)):
        rows = [at for at, kind in enumerate(kinds) if kind == what]
        if rows:
            chance, target = numbers[rows], targets[rows]
            # The chance of more than each number but the last.
            more = 1 - chance.exp().cumsum(dim=1)[:, :-1].clamp(1e-6, 1 - 1e-6)
            above = (target[:, None] > torch.arange(more.shape[1])[None]).float()
            ordinal = F.binary_cross_entropy(more, above, reduction="sum")
            total = total + 0.25 * ordinal + 0.5 * F.nll_loss(chance, target, reduction="sum")
    places = {kind: at for at, kind in enumerate(KINDS)}
    rows = [at for at, kind in enumerate(kinds) if kind in places]
    if rows:
        logits = read.yes[rows, [places[kinds[at]] for at in rows]]  # type: ignore[index]
        total = total + F.binary_cross_entropy_with_logits(logits, targets[rows].float(), reduction="sum")
    rows = [at for at, kind in enumerate(kinds) if kind == "open"]
    if rows:
        total = total + open_weight * F.cross_entropy(read.words[rows], targets[rows], reduction="sum")
    return total / len(kinds)


def fit_answerer(
    encoder: DualEncoder,
    config: AnswererConfig,
    views: Views,
    questions: Sequence[tuple[int, str, str]],
    fitting: Fitting,
    progress: Callable[[int, int], None] | None = None,
) -> CompactAnswerer:
    """Fit an answerer in memory, from nothing to the end.

    Args:
        encoder: the model whose features `views` are.
        config: from `configure`.
        views: encoded images.
        questions: (row of the image, question, answer).
        fitting: how.
        progress: told after every epoch (done, all).

    Raises:
        TrainingError: nothing to learn, or the loss is no longer finite.
    """
    answerer = CompactAnswerer(encoder, config)
    lessons, left_out = lessons_of(config, questions)
    if left_out:
        _LOG.info("%d of %d questions have an answer that cannot be given and are left out", left_out, len(questions))
    fit = Fit(answerer, views, lessons, fitting)
    for done, _ in fit.epochs():
        if progress is not None:
            progress(done, fitting.epochs * config.members)
    return answerer


def _target(config: AnswererConfig, words: dict[str, int], asked: Asked, answer: str) -> int | None:
    text = answer.strip().lower()
    if asked.kind in _NUMERIC:
        found = _NUMBER.match(text)
        if found is None:
            return None
        values = config.counts if asked.kind == "count" else config.areas
        number = int(found[1])
        return min(range(len(values)), key=lambda at: (abs(math.log1p(values[at]) - math.log1p(number)), at))
    if asked.kind == "open":
        return words.get(answer)
    return {"yes": 1, "no": 0}.get(text)
