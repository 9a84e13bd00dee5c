"""The training loop: one for every recipe, on one process or many, on a CPU or GPUs.

    swath train swath_mini data.root=/data output=runs/mini                   one process
    torchrun --nproc_per_node 2 -m swath train swath_mini data.root=/data     several

Every random choice is a function of (seed, epoch, step), so a run that was killed goes on from the last whole epoch to
the same weights; on a CPU with the same number of threads, to the last bit.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from swath.errors import RecipeError, TrainingError
from swath.models import DualEncoder
from swath.models.checkpoint import compare
from swath.models.precision import choose_device, choose_dtype
from swath.training import checkpoint
from swath.training.augment import size_at
from swath.training.average import WeightAverage
from swath.training.batches import TrainingSet
from swath.training.check import batch_shape, passing_folder, shortened
from swath.training.elimination import Elimination
from swath.training.logs import Means, RunLog
from swath.training.looked import look_once
from swath.training.masking import build_masker, vocabulary
from swath.training.optimizers import build_optimizers
from swath.training.processes import open_accelerator
from swath.training.recipe import Recipe
from swath.training.result import RunResult
from swath.training.schedule import warmup_cosine
from swath.training.sources import read_sources
from swath.training.start import starting_model
from swath.training.step import TrainingModel
from swath.training.validation import Validation, validation_split

_LOG = logging.getLogger(__name__)

Progress = Callable[[int, int, float], None]
"""Called after every step with steps done, steps in all, and steps a second."""


def train(recipe: Recipe, *, check: bool = False, progress: Progress | None = None) -> RunResult:
    """Train the model of a recipe, going on where an earlier run in the same folder was cut off.

    Args:
        recipe: what to train on what, and how.
        check: try everything out on a few images: two optimiser steps, validation, saving and reading back, in
            seconds, leaving nothing behind.
        progress: told how far the run is, on the main process.

    Raises:
        MissingExtraError: accelerate or tensorboard is not installed.
        DataError: the data cannot be read.
        TrainingError: the folder holds another recipe's run, or the loss is no longer finite.
    """
    if not check:
        return _Run(recipe, progress).go()
    accelerator = _accelerator(recipe)
    processes = accelerator.num_processes
    with passing_folder(accelerator) as folder:
        limit = 2 * batch_shape(recipe, processes)[0]
        result = _Run(shortened(recipe, folder, processes), progress, limit).go()
        if accelerator.is_main_process:
            DualEncoder.from_pretrained(result.model)
        return result


class _Run:
    """One run: what is built before the first step, and the steps."""

    def __init__(self, recipe: Recipe, progress: Progress | None, limit: int | None = None) -> None:
        self.recipe = recipe
        self.progress = progress
        self.accelerator = _accelerator(recipe)
        _check_shares(recipe, self.accelerator.num_processes)
        self.folder = recipe.output
        self.started = time.monotonic()
        self.history: list[dict[str, float]] = []
        self.epoch = self.step = 0
        if self.accelerator.is_main_process:
            checkpoint.claim(self.folder, recipe, {"output": True, "tensorboard": True, "data": {"cache"}})
        # Whatever is missing is told before images are decoded, which may take hours.
        sources = read_sources(recipe.data)
        held_out = validation_split(recipe) if self.accelerator.is_main_process else None
        torch.manual_seed(recipe.seed)
        encoder = starting_model(recipe).train().requires_grad_(True)
        # Where images are kept in files, one process of a machine makes them, and the others find them.
        alone = nullcontext() if recipe.data.cache is None else self.accelerator.local_main_process_first()
        with alone:
            self.data = TrainingSet(recipe, limit, sources)
        words, weak = recipe.objective.keywords, recipe.objective.elimination
        self.masker = None if words is None else build_masker(words, self.data, recipe.data.root, encoder)
        choices = None if words is None or self.masker is None else vocabulary(words, self.masker)
        model = TrainingModel(
            encoder, recipe.objective, len(self.data.classes), choices, recipe.batch.cached, recipe.optim.freeze
        )
        self.elimination = None if weak is None else Elimination(weak, self.data.pair_count)
        for value in model.parameters():
            if value.ndim == 4:  # filters: channels last is the fast layout on CPUs and GPUs alike
                value.data = value.data.contiguous(memory_format=torch.channels_last)
        self.average = WeightAverage(model.encoder, recipe.optim.average)
        self.validation = None if held_out is None else Validation(recipe, self.average.model, limit, held_out)
        self.optimizers = [self.accelerator.prepare(entry) for entry in build_optimizers(model, recipe.optim)]
        self.model = self.accelerator.prepare(model)
        self.average.model.to(self.accelerator.device)  # beside the weights that it follows
        self.total = recipe.optim.epochs * self.data.batches_per_epoch
        if recipe.objective.captioning is not None and recipe.objective.captioning.views:
            self.data.looked = look_once(self.data, self._as_used())

    def go(self) -> RunResult:
        """Train to the end."""
        self._resume()
        main = self.accelerator.is_main_process
        with RunLog(self.folder, self.recipe.tensorboard) if main else nullcontext() as log:
            while self.epoch < self.recipe.optim.epochs:
                means = self._train_epoch()
                self.epoch += 1
                if self.elimination is not None:
                    self.elimination.close_epoch()
                if log is not None:
                    log.write("train", self.step, means)
                    if self.elimination is not None:
                        self.elimination.write_report(self.folder, self.data)
                    self._validate(log)
                    self._save()
                self.accelerator.wait_for_everyone()
        self.history = self._from_main(self.history)
        best = max(self.history, key=lambda entry: entry[self.recipe.data.validation.metric], default={})
        return RunResult(
            directory=self.folder,
            model=self.folder / "best",
            metric=self.recipe.data.validation.metric,
            best=best.get(self.recipe.data.validation.metric, float("nan")),
            best_epoch=int(best.get("epoch", 0)),
            epochs=self.epoch,
            steps=self.step,
            seconds=time.monotonic() - self.started,
            history=tuple(self.history),
        )

    def _from_main(self, value: list[dict[str, float]]) -> list[dict[str, float]]:
        """The main process's value, on every process."""
        from accelerate.utils import broadcast_object_list

        shared: list[list[dict[str, float]]] = broadcast_object_list([value])
        return shared[0]

    def _train_epoch(self) -> dict[str, float]:
        """One pass over the epoch's order; means of the losses and images a second."""
        recipe, started = self.recipe, time.monotonic()
        order = self.data.order(self.epoch)
        size = size_at(recipe.augment.sizes, self.epoch, recipe.optim.epochs)
        means = Means()
        self.model.train()
        steps = self.data.batches_per_epoch
        warmup = recipe.optim.warmup_share(self.total)
        thresholds = None if self.elimination is None else self.elimination.thresholds(self.epoch)
        for index in range(steps):
            rate = warmup_cosine(self.step, self.total, warmup, recipe.optim.final_lr)
            for optimizer in self.optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate * group["highest_lr"]
            rows = order[index * recipe.batch.size : (index + 1) * recipe.batch.size]
            for part in range(recipe.batch.accumulate):
                key = (self.epoch, index, part, self.accelerator.process_index)
                mine = rows[part :: recipe.batch.accumulate]
                mine = mine[self.accelerator.process_index :: self.accelerator.num_processes]
                batch = self.data.batch(mine, self._encoder(), size, key, self.masker)
                # Dropout draws from torch's global state: fix it, so that a step does not depend on those before it.
                torch.manual_seed(hash((recipe.seed, *key)) & (2**62 - 1))
                with self.accelerator.accumulate(self.model):
                    losses, seen = self.model(
                        **batch.to(self.accelerator.device), thresholds=thresholds, progress=self.step / self.total
                    )
                    self.accelerator.backward(losses["loss"])
                    if self.accelerator.sync_gradients:
                        self.accelerator.clip_grad_norm_(self.model.parameters(), recipe.optim.clip)
                    self._advance()
                means.add({name: float(value.detach()) for name, value in losses.items()}, self.step)
                if self.elimination is not None:
                    self.elimination.record(seen)
            if self.accelerator.is_main_process:
                self.average.update(self._encoder(), self.step)
            self.step += 1
            if self.progress is not None and self.accelerator.is_main_process:
                self.progress(self.step, self.total, (index + 1) / (time.monotonic() - started))
        speed = steps * recipe.batch.size / (time.monotonic() - started)
        return {"epoch": self.epoch + 1, "size": size, "lr": rate * recipe.optim.lr, **means.take(), "images_s": speed}

    def _advance(self) -> None:
        """One step of the optimisers, if the whole batch has been seen."""
        scaler = self.accelerator.scaler
        if scaler is None:
            for optimizer in self.optimizers:
                optimizer.step()
        elif self.accelerator.sync_gradients:
            # accelerate updates the scale after each optimiser, which would unscale the second one's gradients twice.
            for optimizer in self.optimizers:
                scaler.step(optimizer.optimizer)
            scaler.update()
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def _validate(self, log: RunLog) -> None:
        """Measure the average, and keep it if it is the best so far."""
        settings = self.recipe.data.validation
        if self.epoch % settings.every and self.epoch < self.recipe.optim.epochs:
            return
        assert self.validation is not None  # noqa: S101 - only the main process comes here
        metrics = self.validation(self._as_used())
        log.write("validation", self.step, metrics)
        before = max((entry[settings.metric] for entry in self.history), default=float("-inf"))
        self.history.append({"epoch": float(self.epoch), **metrics})
        if metrics[settings.metric] > before:
            self.average.model.save_pretrained(self.folder / "best")

    def _as_used(self) -> DualEncoder:
        """The average in the precision that users will run it in; this is also the fast one."""
        if self.accelerator.mixed_precision != "bf16":
            return self.average.model
        return copy.deepcopy(self.average.model).to(torch.bfloat16)

    def _encoder(self) -> DualEncoder:
        """The encoder without the wrappers of parallel training."""
        module: Any = self.accelerator.unwrap_model(self.model, keep_torch_compile=False)
        encoder: DualEncoder = module.encoder
        return encoder

    def _save(self) -> None:
        module: nn.Module = self.accelerator.unwrap_model(self.model)
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        state: dict[str, Any] = {
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
            "optimizers": optimizers,
        }
        if self.elimination is not None:
            state["banks"] = self.elimination.state_dict()
        if self.accelerator.scaler is not None:
            state["scaler"] = self.accelerator.scaler.state_dict()
        checkpoint.save_state(self.folder / "last", module.state_dict(), self.average.model.state_dict(), state)

    def _resume(self) -> None:
        found = checkpoint.find_state(self.folder / "last")
        if found is None:
            return
        model, average, state = checkpoint.load_state(found)
        _fill(self.accelerator.unwrap_model(self.model), model, found)
        _fill(self.average.model, average, found)
        for optimizer, stored in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
        if self.elimination is not None:
            self.elimination.load_state_dict(state["banks"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.epoch, self.step, self.history = state["epoch"], state["step"], state["history"]
        _LOG.info("going on after epoch %d (%d steps) in %s", self.epoch, self.step, self.folder)


def _check_shares(recipe: Recipe, processes: int) -> None:
    """See that every process gets as many images as the others: they wait for each other's rows.

    Raises:
        RecipeError: it cannot be.
    """
    shares = processes * recipe.batch.accumulate
    if processes > 1 and recipe.batch.size % shares:
        raise RecipeError(
            f"batch.size: {recipe.batch.size} images cannot be shared evenly among {processes} processes with "
            f"batch.accumulate={recipe.batch.accumulate}; give a multiple of {shares}"
        )


def _fill(module: nn.Module, state: dict[str, Tensor], origin: Path) -> None:
    """Copy values in place, so that the optimiser keeps its parameters and filters their memory layout.

    Raises:
        TrainingError: the weights are another model's.
    """
    mine = module.state_dict()
    misfits = compare({key: tuple(value.shape) for key, value in mine.items()}, state)
    if misfits:
        raise TrainingError(
            f"{origin} holds a checkpoint of another architecture than the recipe's model ({'; '.join(misfits)}); "
            "give another output=, or delete it to start anew"
        )
    with torch.no_grad():
        for key, value in mine.items():
            value.copy_(state[key])


def _accelerator(recipe: Recipe) -> Any:  # noqa: ANN401 - a type of an optional package
    precision = recipe.precision
    if precision == "auto":
        precision = "bf16" if choose_dtype("auto", choose_device()) == torch.bfloat16 else "no"
    # A process may have a batch without images of some tower, or without a known place; where captions alone are
    # learned, the ends of the towers have no part.
    alone = recipe.objective.captioning is not None and not recipe.objective.captioning.contrastive
    several = len(recipe.model.towers) > 1 or recipe.model.location is not None or alone
    return open_accelerator("train", precision, accumulate=recipe.batch.accumulate, unused=several)
