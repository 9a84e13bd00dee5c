"""`train_answerer`: a recipe of kind ``answerer`` becomes a compact answerer in its model's directory.

The tower is frozen, so every image is encoded once and its features are kept in the run's folder; a run that was cut
off goes on after its last whole epoch, to the same weights.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import safetensors
import safetensors.torch
from pydantic import Field

from swath.data.questions import QuestionSet
from swath.data.read_questions import read_questions
from swath.errors import SensorError, SwathError, TrainingError
from swath.models import DualEncoder
from swath.models.answerer import CompactAnswerer
from swath.models.answerer.config import CONFIG, WEIGHTS
from swath.models.answerer.views import Views, view
from swath.models.hub import resolve
from swath.raster import read_chip
from swath.training import checkpoint
from swath.training.answerer_fit import Fit, Fitting, configure, lessons_of
from swath.training.logs import RunLog
from swath.training.loop import Progress
from swath.training.parts import RecipePart
from swath.training.processes import by_main
from swath.training.result import RunResult

_LOG = logging.getLogger(__name__)

_FEATURES = "features.safetensors"
_ENCODED = 32  # images read and encoded at a time
_CHECKED = 4  # images of each source that a trial takes


class QuestionSource(RecipePart):
    """One set of questions.

    Attributes:
        path: relative to `data.root`; any layout of `swath.data.read_questions.read_questions`.
        split: its split; None takes all questions.
        images: the image folder, where it is not beside the questions.
        labels: a table of labels that questions are generated from; `path` is then a data set of images.
        sensor: the images' sensor; recognised by default.
    """

    path: Path
    split: str | None = None
    images: Path | None = None
    labels: Path | None = None
    sensor: str | None = None


class QuestionData(RecipePart):
    """What is learned.

    Attributes:
        root: folder that the sources' paths are relative to.
        train: the sources.
    """

    root: Path = Path()
    train: tuple[QuestionSource, ...] = Field(min_length=1)


class AnswererOptim(RecipePart):
    """See `swath.training.answerer_fit.Fitting`."""

    epochs: int = Field(default=20, ge=1)
    batch: int = Field(default=256, ge=1)
    lr: float = Field(default=3e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    open_weight: float = Field(default=1.0, gt=0)


class AnswererRecipe(RecipePart):
    """Everything that decides how an answerer is trained.

    Attributes:
        kind: ``answerer``.
        init: the model whose frozen features are read.
        data: the questions.
        members: networks whose answers are averaged.
        hidden: width of a network.
        image_dims: length of an image's summary.
        dropout: in training.
        most_words: the most frequent open answers that can be given.
        optim: see `AnswererOptim`.
        seed: decides every random choice.
        output: the run's folder; a run that was cut off goes on from there.
    """

    kind: Literal["answerer"] = "answerer"
    init: str = "swath-mini"
    data: QuestionData
    members: int = Field(default=3, ge=1)
    hidden: int = Field(default=64, ge=4)
    image_dims: int = Field(default=12, ge=2)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    most_words: int = Field(default=1000, ge=1)
    optim: AnswererOptim = AnswererOptim()
    seed: int = Field(default=0, ge=0)
    output: Path = Path("runs/answerer")

    def fitting(self) -> Fitting:
        """How it is fitted."""
        return Fitting(**self.optim.model_dump(), seed=self.seed)


def train_answerer(recipe: AnswererRecipe, *, check: bool = False, progress: Progress | None = None) -> RunResult:
    """Train an answerer, going on where an earlier run in the same folder was cut off.

    Of several processes the main one alone trains: encoding aside, it is a matter of minutes.

    Args:
        recipe: what to learn from what, and how.
        check: try everything out on a few images, leaving nothing behind.
        progress: told after every epoch.

    Returns:
        the run; `RunResult.model` is a copy of `recipe.init` with the answerer beside it, and of the same model id.

    Raises:
        DataError: the questions cannot be read.
        TrainingError: the folder holds another recipe's run, or there is nothing to learn.
        MissingExtraError: torchrun started several processes, and accelerate is not installed.
    """
    return by_main("train", partial(_train if not check else _try_out, recipe, progress))


def _try_out(recipe: AnswererRecipe, progress: Progress | None) -> RunResult:
    """A short run in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        optim = recipe.optim.model_copy(update={"epochs": 2})
        short = recipe.model_copy(update={"optim": optim, "members": 1, "output": Path(folder)})
        return _train(short, progress, _CHECKED)


def _train(recipe: AnswererRecipe, progress: Progress | None, limit: int | None = None) -> RunResult:
    started = time.monotonic()
    checkpoint.claim(recipe.output, recipe, {"output": True})
    sets = [_read(recipe, source, limit) for source in recipe.data.train]
    encoder = DualEncoder.from_pretrained(recipe.init)
    views, questions = _encoded(recipe.output / _FEATURES, encoder, sets)
    config = configure(
        encoder,
        [(text, answer) for _, text, answer in questions],
        most_words=recipe.most_words,
        members=recipe.members,
        hidden=recipe.hidden,
        image_dims=recipe.image_dims,
        dropout=recipe.dropout,
    ).model_copy(update={"provenance": _provenance(recipe, sets)})
    answerer = CompactAnswerer(encoder, config)
    lessons, left_out = lessons_of(config, questions)
    if left_out:
        _LOG.warning("%d of %d questions have an answer that cannot be given; left out", left_out, len(questions))
    fit = Fit(answerer, views, lessons, recipe.fitting())
    history = _fit(recipe, fit, progress)
    model = recipe.output / "model"
    _copy_base(resolve(recipe.init), model)
    answerer.save(model)
    last = history[-1]
    return RunResult(
        recipe.output, model, "loss", last["loss"], int(last["epoch"]), len(history), fit.total,
        time.monotonic() - started, tuple(history),
    )  # fmt: skip


def _fit(recipe: AnswererRecipe, fit: Fit, progress: Progress | None) -> list[dict[str, float]]:
    """Epoch after epoch, keeping each; returns what each came to."""
    history = _resume(recipe, fit)
    started, first = time.monotonic(), len(history)
    total = recipe.optim.epochs * recipe.members
    with RunLog(recipe.output, tensorboard=False) as log:
        for done, loss in fit.epochs(first):
            history.append({"epoch": float(done), "loss": loss})
            log.write("train", done * fit.steps, {"epoch": done, "loss": loss})
            state = {"history": history, "optimizer": fit.optimizer.state_dict()}
            checkpoint.save_state(recipe.output / "last", fit.answerer.networks.state_dict(), {}, state)
            if progress is not None:
                pace = (done - first) * fit.steps / (time.monotonic() - started)
                progress(done * fit.steps, total * fit.steps, pace)
    return history


def _resume(recipe: AnswererRecipe, fit: Fit) -> list[dict[str, float]]:
    found = checkpoint.find_state(recipe.output / "last")
    if found is None:
        return []
    model, _, state = checkpoint.load_state(found)
    history: list[dict[str, float]] = state["history"]
    fit.optimizer = fit.optimizer_of((len(history) - 1) // recipe.optim.epochs)
    try:
        fit.answerer.networks.load_state_dict(model)
        fit.optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"{found} does not fit the recipe's data: {error}; delete it to start anew") from error
    _LOG.info("going on after epoch %d in %s", len(history), recipe.output)
    return history


def _read(recipe: AnswererRecipe, source: QuestionSource, limit: int | None) -> QuestionSet:
    root = recipe.data.root
    found = read_questions(
        root / source.path,
        images=None if source.images is None else root / source.images,
        labels=None if source.labels is None else root / source.labels,
        sensor=source.sensor,
    )
    chosen = found if source.split is None else found.split(source.split)
    return chosen if limit is None else chosen.of_images(list(chosen.images)[:limit])


def _encoded(file: Path, encoder: DualEncoder, sets: Sequence[QuestionSet]) -> tuple[Views, list[tuple[int, str, str]]]:
    """Features of every image that can be read, from the file where they are there, and the questions about them."""
    chips = {chip.id: chip for one in sets for chip in one.images.values()}
    stored = _stored(file, encoder.model_id)
    if stored is None or not set(chips) <= set(stored[0]):
        rows: list[str] = []
        parts: list[Views] = []
        names = list(chips)
        for start in range(0, len(names), _ENCODED):
            read = []
            for name in names[start : start + _ENCODED]:
                try:
                    read.append((name, read_chip(chips[name], min_valid=0.0)))
                except SensorError:
                    raise
                except SwathError as error:
                    _LOG.warning("left out: %s", error)
            if read:
                parts.append(view(encoder, [pixels for _, pixels in read]))
                rows += [name for name, _ in read]
        if not parts:
            raise TrainingError("no image of the training data can be read")
        stored = (rows, Views.cat(parts))
        _store(file, encoder.model_id, *stored)
    place = {name: row for row, name in enumerate(stored[0])}
    questions = [
        (place[one.images[question.image].id], question.text, question.answer)
        for one in sets
        for question in one.questions
        if one.images[question.image].id in place
    ]
    return stored[1], questions


def _store(file: Path, model_id: str, rows: Sequence[str], views: Views) -> None:
    beside = file.with_name(f".{file.name}")
    metadata = {"model": model_id, "chips": json.dumps(list(rows))}
    tensors = {name: value.contiguous() for name, value in views.tensors().items()}
    safetensors.torch.save_file(tensors, beside, metadata=metadata)
    beside.replace(file)


def _stored(file: Path, model_id: str) -> tuple[list[str], Views] | None:
    """What `_store` wrote for this model; None where there is none."""
    if not file.is_file():
        return None
    try:
        with safetensors.safe_open(file, "pt") as opened:
            metadata = opened.metadata()
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    except safetensors.SafetensorError as error:
        raise TrainingError(f"{file} is damaged: {error}; delete it") from error
    if metadata.get("model") != model_id:
        return None
    return json.loads(metadata["chips"]), Views(**tensors)


def _provenance(recipe: AnswererRecipe, sets: Sequence[QuestionSet]) -> dict[str, Any]:
    return {
        "data": [
            {"name": one.name, "split": source.split, "images": len(one.images), "questions": len(one)}
            for one, source in zip(sets, recipe.data.train, strict=True)
        ],
        "optim": recipe.optim.model_dump(),
        "seed": recipe.seed,
    }


def _copy_base(source: Path, target: Path) -> None:
    """Copy a model directory's files, but no answerer of its own."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.is_file() and entry.name not in (CONFIG, WEIGHTS):
            shutil.copyfile(entry, target / entry.name)
        elif entry.is_dir():
            shutil.copytree(entry, target / entry.name, dirs_exist_ok=True)
