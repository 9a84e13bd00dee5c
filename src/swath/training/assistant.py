"""`train_assistant`: a recipe of kind ``assistant`` puts LoRA adapters on an image-text-to-text model (SAR-GPT).

Conversations are LLaVA-style files; the loss counts answers only. The loop is accelerate's, as for dual encoders:

    swath train sar_gpt init=MODEL data.root=/data output=runs/sar-gpt
"""

from __future__ import annotations

import inspect
import logging
import math
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from swath.data.conversations import Conversation, read_conversations
from swath.errors import RecipeError, SwathError, TrainingError
from swath.models.assistant import LoraOptions, add_lora, load_parts
from swath.models.assistant.assistant import render_picture
from swath.models.assistant.prompts import Encoded, encode
from swath.models.precision import choose_device, choose_dtype
from swath.raster import read_chip
from swath.training import checkpoint
from swath.training.logs import Means, RunLog
from swath.training.loop import Progress
from swath.training.parts import RecipePart
from swath.training.processes import open_accelerator
from swath.training.result import RunResult
from swath.training.schedule import warmup_cosine

_LOG = logging.getLogger(__name__)

_CHECKED = 2  # conversations that a trial takes


class ConversationSource(RecipePart):
    """One conversation file.

    Attributes:
        path: relative to `data.root`.
        images: the image folder, where it is not the file's.
        sensor: the images' sensor; recognised by default.
    """

    path: Path
    images: Path | None = None
    sensor: str | None = None


class ConversationData(RecipePart):
    """What is learned.

    Attributes:
        root: folder that the sources' paths are relative to.
        train: the conversation files.
    """

    root: Path = Path()
    train: tuple[ConversationSource, ...] = Field(min_length=1)


class LoraRecipe(RecipePart):
    """See `swath.models.assistant.LoraOptions`."""

    r: int = Field(default=64, ge=1)
    alpha: float = Field(default=16, gt=0)
    dropout: float = Field(default=0.05, ge=0, lt=1)
    vision: bool = False


class AssistantOptim(RecipePart):
    """The optimiser: AdamW with linear warm-up and cosine decay.

    Attributes:
        epochs: passes over the conversations.
        batch: conversations in one optimiser step, over all processes.
        lr: highest learning rate.
        final_lr: share of `lr` that is left at the end.
        warmup: share of the steps over which the rate rises.
        weight_decay: of the adapters.
        clip: largest norm of the gradient.
        save_every: steps between two checkpoints; the end of an epoch always makes one.
    """

    epochs: int = Field(default=3, ge=1)
    batch: int = Field(default=16, ge=1)
    lr: float = Field(default=3e-5, gt=0)
    final_lr: float = Field(default=0.0, ge=0, le=1)
    warmup: float = Field(default=0.03, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=1.0, gt=0)
    save_every: int = Field(default=200, ge=1)


class AssistantRecipe(RecipePart):
    """Everything that decides how an assistant is trained.

    Attributes:
        kind: ``assistant``.
        init: directory or hub id of an image-text-to-text model of transformers.
        data: the conversations.
        lora: the adapters.
        optim: see `AssistantOptim`.
        max_length: tokens of the longest piece; a longer conversation is cut between exchanges into several, each with
            the image.
        precision: ``auto`` takes bfloat16 where it is fast.
        seed: decides every random choice.
        output: the run's folder; a run that was cut off goes on from its last checkpoint.
    """

    kind: Literal["assistant"] = "assistant"
    init: str
    data: ConversationData
    lora: LoraRecipe = LoraRecipe()
    optim: AssistantOptim = AssistantOptim()
    max_length: int = Field(default=2048, ge=16)
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    seed: int = Field(default=0, ge=0)
    output: Path = Path("runs/assistant")


def train_assistant(recipe: AssistantRecipe, *, check: bool = False, progress: Progress | None = None) -> RunResult:
    """Train adapters, going on where an earlier run in the same folder was cut off.

    Args:
        recipe: what to train on what, and how.
        check: try everything out on two conversations, leaving nothing behind.
        progress: told after every step, on the main process.

    Returns:
        the run; `RunResult.model` holds adapters and processor, and loads with `Assistant.from_pretrained`.

    Raises:
        MissingExtraError: transformers, peft or accelerate is not installed.
        DataError: a conversation file cannot be read.
        TrainingError: the folder holds another recipe's run, or the loss is no longer finite.
    """
    if not check:
        return _Run(recipe, progress, None).go()
    with tempfile.TemporaryDirectory() as folder:
        optim = recipe.optim.model_copy(update={"epochs": 1, "batch": min(recipe.optim.batch, _CHECKED)})
        short = recipe.model_copy(update={"optim": optim, "output": Path(folder)})
        return _Run(short, progress, _CHECKED).go()


class _Run:
    """One run: what is built before the first step, and the steps."""

    def __init__(self, recipe: AssistantRecipe, progress: Progress | None, limit: int | None) -> None:
        self.recipe, self.progress, self.folder = recipe, progress, recipe.output
        self.started = time.monotonic()
        self.accelerator = open_accelerator("assistant")
        if recipe.optim.batch % self.accelerator.num_processes:
            raise RecipeError(f"optim.batch: {recipe.optim.batch} is no multiple of {self.accelerator.num_processes}")
        if self.accelerator.is_main_process:
            checkpoint.claim(recipe.output, recipe, {"output": True})
        self.conversations = _conversations(recipe, limit)
        torch.manual_seed(recipe.seed)
        base, self.processor = load_parts(recipe.init, dtype=choose_dtype(recipe.precision, choose_device()))
        self.typed = "token_type_ids" in inspect.signature(base.forward).parameters
        adapted = add_lora(base, LoraOptions(**recipe.lora.model_dump()))
        # Adapters are trained in full precision, whatever the frozen weights have.
        for value in adapted.parameters():
            if value.requires_grad:
                value.data = value.data.float()
        self.trained = {name: value for name, value in adapted.named_parameters() if value.requires_grad}
        optim = recipe.optim
        optimizer = torch.optim.AdamW(self.trained.values(), lr=optim.lr, weight_decay=optim.weight_decay)
        self.model, self.optimizer = self.accelerator.prepare(adapted, optimizer)
        self.per_epoch = math.ceil(len(self.conversations) / optim.batch)
        self.total = self.per_epoch * optim.epochs
        self.step, self.skipped = 0, 0
        self.history: list[dict[str, float]] = []

    def go(self) -> RunResult:
        """Train to the end."""
        self._resume()
        main = self.accelerator.is_main_process
        means = Means()
        first, began = self.step, time.monotonic()
        with RunLog(self.folder, tensorboard=False) if main else nullcontext() as log:
            while self.step < self.total:
                loss = self._one_step()
                if loss is not None:
                    means.add({"loss": loss}, self.step)
                self.step += 1
                ended = self.step % self.per_epoch == 0
                if ended and log is not None:
                    # Of an epoch in which nothing could be read there is no mean.
                    found = {"loss": float("nan")} | means.take()
                    self.history.append({"epoch": float(self.step // self.per_epoch), **found})
                    log.write("train", self.step, {**self.history[-1], "skipped": self.skipped})
                if main and (ended or self.step % self.recipe.optim.save_every == 0):
                    self._save()
                self.accelerator.wait_for_everyone()
                if self.progress is not None and main:
                    self.progress(self.step, self.total, (self.step - first) / (time.monotonic() - began))
        if main and all(math.isnan(entry["loss"]) for entry in self.history):
            raise TrainingError("no conversation could be learned from: see the warnings; nothing was written")
        model = self.folder / "model"
        if main:
            module: Any = self.accelerator.unwrap_model(self.model)
            module.save_pretrained(model, safe_serialization=True)
            self.processor.save_pretrained(model)
        self.accelerator.wait_for_everyone()  # a stage that follows reads the model in every process
        last = self.history[-1] if self.history else {"loss": float("nan"), "epoch": 0.0}
        return RunResult(
            self.folder, model, "loss", last["loss"], int(last["epoch"]), self.recipe.optim.epochs, self.step,
            time.monotonic() - self.started, tuple(self.history),
        )  # fmt: skip

    def _one_step(self) -> float | None:
        """One optimiser step, one conversation at a time; its mean loss a token, None where nothing fitted."""
        optim = self.recipe.optim
        rate = warmup_cosine(self.step, self.total, optim.warmup, optim.final_lr)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * optim.lr
        self.model.train()
        torch.manual_seed(hash((self.recipe.seed, self.step, self.accelerator.process_index)) & (2**62 - 1))
        pieces = [piece for row in self._rows() for piece in self._encoded(self.conversations[row])]
        # The mean is over all tokens answered in the batch, so that long answers count as long ones.
        tokens = self.accelerator.gather(
            torch.tensor([sum(int((piece.labels >= 0).sum()) for piece in pieces)], device=self.accelerator.device)
        ).sum()
        if not int(tokens):
            return None
        total = 0.0
        # Processes may have different numbers of pieces, so gradients are summed once, at the end.
        with self.accelerator.no_sync(self.model):
            for piece in pieces:
                loss = self._loss(piece) / tokens
                self.accelerator.backward(loss)
                total += float(loss.detach())
        if self.accelerator.num_processes > 1:
            for value in self.trained.values():
                own = torch.zeros_like(value) if value.grad is None else value.grad
                value.grad = self.accelerator.reduce(own, reduction="sum")
        self.accelerator.clip_grad_norm_(self.trained.values(), optim.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(self.accelerator.gather(torch.tensor([total], device=self.accelerator.device)).sum())

    def _rows(self) -> NDArray[np.int64]:
        """This process's conversations of the step."""
        epoch, place = divmod(self.step, self.per_epoch)
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(self.conversations))
        rows = order[place * self.recipe.optim.batch : (place + 1) * self.recipe.optim.batch]
        return rows[self.accelerator.process_index :: self.accelerator.num_processes]

    def _encoded(self, conversation: Conversation) -> list[Encoded]:
        """A conversation as pieces that fit; none where its image cannot be read."""
        picture = None
        if conversation.chip is not None:
            try:
                picture = render_picture(read_chip(conversation.chip, min_valid=0.0))
            except SwathError as error:
                _LOG.warning("conversation %s is left out: %s", conversation.id, error)
                self.skipped += 1
                return []
        found, left_out = pieces_of(self.processor, list(conversation.exchanges()), picture, self.recipe.max_length)
        if left_out:
            _LOG.warning(
                "conversation %s: %d exchanges are longer than %d tokens alone and are left out; raise max_length",
                conversation.id,
                left_out,
                self.recipe.max_length,
            )
            self.skipped += 1
        return found

    def _loss(self, piece: Encoded) -> Tensor:
        """Sum of the cross-entropy of the answers' tokens."""
        dtype = next(iter(self.accelerator.unwrap_model(self.model).base_model.model.parameters())).dtype
        inputs = {
            key: value.to(self.accelerator.device, dtype if value.is_floating_point() else None)
            for key, value in piece.inputs.items()
        }
        if self.typed and "token_type_ids" not in inputs:
            # PaliGemma: what is answered (1) is read from left to right, the prompt (0) as a whole.
            inputs["token_type_ids"] = (piece.labels >= 0).long().to(self.accelerator.device)
        logits = self.model(**inputs).logits
        labels = piece.labels.to(logits.device)
        return nn.functional.cross_entropy(logits[0, :-1].float(), labels[0, 1:], reduction="sum")

    def _save(self) -> None:
        state = {"step": self.step, "history": self.history, "optimizer": self.optimizer.state_dict()}
        checkpoint.save_state(self.folder / "last", self.trained, {}, state)

    def _resume(self) -> None:
        found = checkpoint.find_state(self.folder / "last")
        if found is None:
            return
        weights, _, state = checkpoint.load_state(found)
        if set(weights) != set(self.trained):
            raise TrainingError(f"{found} holds other adapters than the recipe describes; delete it to start anew")
        with torch.no_grad():
            for name, value in self.trained.items():
                value.copy_(weights[name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.history = state["step"], state["history"]
        _LOG.info("going on after step %d in %s", self.step, self.folder)


def pieces_of(
    processor: Any,  # noqa: ANN401 - a type of an optional package
    exchanges: Sequence[tuple[str, str]],
    picture: Any,  # noqa: ANN401 - a Pillow image or None
    longest: int,
) -> tuple[list[Encoded], int]:
    """A conversation as pieces of at most `longest` tokens, cut between exchanges, each with the picture.

    Returns:
        the pieces, and how many exchanges are too long even alone.
    """
    found: list[Encoded] = []
    left_out, start = 0, 0
    while start < len(exchanges):
        whole = encode(processor, exchanges[start:], picture)
        count = sum(end <= longest for end in whole.ends)
        if not count:
            left_out, start = left_out + 1, start + 1
            continue
        found.append(
            whole if count == len(exchanges) - start else encode(processor, exchanges[start : start + count], picture)
        )
        start += count
    return found, left_out


def _conversations(recipe: AssistantRecipe, limit: int | None) -> list[Conversation]:
    root = recipe.data.root
    found: list[Conversation] = []
    for source in recipe.data.train:
        images = None if source.images is None else root / source.images
        file = read_conversations(root / source.path, images=images, sensor=source.sensor)
        for failure in file.failures:
            _LOG.warning("left out: %s", failure.message)
        found += file.entries[:limit]
    return found
