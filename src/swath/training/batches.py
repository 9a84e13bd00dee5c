"""Batches of images and texts. Every random choice is a function of (seed, epoch, step), so a run can be repeated.

Nothing here keeps a random state: a run that was cut off draws, from any step on, what it would have drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data import Pair, read_dataset
from swath.errors import DataError
from swath.models import DualEncoder
from swath.objectives.contrastive import NO_CAPTION
from swath.training.augment import augment
from swath.training.pictures import Pictures, to_input
from swath.training.recipe import Recipe, SourceRecipe

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])|[_-]+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Batch:
    """One part of an optimiser step. Image rows are ordered by tower; texts by length.

    Attributes:
        images: (B_t, bands, S, S) by tower; the B_t add up to B.
        ids: (T, N) token ids.
        mask: (T, N) of `ids`.
        image_captions: (B, C) ids of the captions that describe each image, filled up with `NO_CAPTION`.
        text_caption: (T,) id of each text's caption.
        classes: (B, K) share of each class; rows without a label are zero.
    """

    images: dict[str, Tensor]
    ids: Tensor
    mask: Tensor
    image_captions: Tensor
    text_caption: Tensor
    classes: Tensor

    def to(self, device: torch.device) -> dict[str, Any]:
        """The fields on a device, as keyword arguments of `TrainingModel.forward`."""
        return {
            "images": {name: value.to(device) for name, value in self.images.items()},
            "ids": self.ids.to(device),
            "mask": self.mask.to(device),
            "image_captions": self.image_captions.to(device),
            "text_caption": self.text_caption.to(device),
            "classes": self.classes.to(device),
        }


@dataclass(frozen=True, slots=True)
class _Source:
    members: NDArray[np.int64]
    per_epoch: int | None


class TrainingSet:
    """All training images and captions of a recipe, in memory.

    Args:
        recipe: the recipe.
        limit: most pairs taken of each source, for trying a recipe out; None takes all.

    Raises:
        DataError: a data set or split is missing, an image has neither caption nor template, or nothing can be read.
    """

    def __init__(self, recipe: Recipe, limit: int | None = None) -> None:
        self.recipe = recipe
        pairs: list[Pair] = []
        captions: list[tuple[str, ...]] = []
        labels: list[tuple[str, ...]] = []
        self._sources: list[_Source] = []
        for source in recipe.data.train:
            first = len(pairs)
            name, found = _read_source(recipe.data.root, source, limit)
            pairs += found
            captions += [_captions(pair, source) for pair in found]
            labels += [tuple(f"{name}/{label}" for label in pair.labels) for pair in found]
            self._sources.append(_Source(np.arange(first, len(pairs)), source.per_epoch))
        self.pictures = Pictures.read([pair.chip for pair in pairs], recipe.model, recipe.data.cache_size)
        self._sources = [
            _Source(entry.members[self.pictures.row[entry.members] >= 0], entry.per_epoch) for entry in self._sources
        ]
        known: dict[str, int] = {}
        self._caption_ids = [[known.setdefault(text, len(known)) for text in own] for own in captions]
        self.texts = list(known)
        self.classes = sorted({label for own in labels for label in own})
        index = {label: number for number, label in enumerate(self.classes)}
        self._labels = [[index[label] for label in own] for own in labels]
        self._most_captions = max(map(len, self._caption_ids))
        if self.batches_per_epoch == 0:
            raise DataError(
                f"an epoch has {len(self.order(0))} images, fewer than one batch of {recipe.batch.size}: "
                "make batch.size smaller or add data"
            )

    @property
    def batches_per_epoch(self) -> int:
        """Optimiser steps in an epoch; what does not fill a batch waits for another epoch's order."""
        count = sum(min(len(source.members), source.per_epoch or len(source.members)) for source in self._sources)
        return count // self.recipe.batch.size

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Indices of an epoch's images, in the order in which they are drawn."""
        random = np.random.default_rng([self.recipe.seed, epoch])
        chosen = [
            source.members if source.per_epoch is None else random.permutation(source.members)[: source.per_epoch]
            for source in self._sources
        ]
        return random.permutation(np.concatenate(chosen))

    def batch(self, rows: NDArray[np.int64], model: DualEncoder, size: int, key: Sequence[int]) -> Batch:
        """Make a batch.

        Args:
            rows: indices of its images.
            model: whose tokenizer to use.
            size: side of the image crops in pixels.
            key: decides every random choice, together with the recipe's seed.
        """
        numbers = np.random.default_rng([self.recipe.seed, *key])
        random = torch.Generator().manual_seed(int(numbers.integers(2**62)))
        towers = sorted({self.pictures.tower[row] for row in rows}, key=list(model.towers).index)
        rows = np.concatenate([rows[[self.pictures.tower[row] == tower for row in rows]] for tower in towers])
        images = {tower: self._images(rows, tower, size, random) for tower in towers}
        texts, text_caption = self._draw_texts(rows, numbers)
        ids, mask = model.tokenize(texts, truncation="count")
        by_length = torch.argsort(mask.sum(dim=1), stable=True)
        classes = torch.zeros(len(rows), len(self.classes))
        for position, row in enumerate(rows):
            for label in self._labels[row]:
                classes[position, label] = 1 / len(self._labels[row])
        return Batch(
            images, ids[by_length], mask[by_length], self._image_captions(rows), text_caption[by_length], classes
        )

    def _images(self, rows: NDArray[np.int64], tower: str, size: int, random: torch.Generator) -> Tensor:
        own = [self.pictures.row[row] for row in rows if self.pictures.tower[row] == tower]
        stored = self.pictures.arrays[tower][torch.tensor(own)]
        if stored.dtype != torch.uint8:
            return augment(stored.float(), self.recipe.augment, size, random, colour=False)
        pictures = augment(stored.float().div_(255), self.recipe.augment, size, random, colour=True)
        return to_input(pictures, self.recipe.model.towers[tower])

    def _draw_texts(self, rows: NDArray[np.int64], numbers: np.random.Generator) -> tuple[list[str], Tensor]:
        batch = self.recipe.batch
        texts, owners = [], []
        for row in rows:
            own = self._caption_ids[row]
            # Different captions of an image as long as it has enough of them.
            drawn = numbers.permutation(len(own))[: batch.captions]
            drawn = np.concatenate([drawn, numbers.integers(len(own), size=batch.captions - len(drawn))])
            for position in drawn.astype(int):
                caption = own[position]
                texts.append(_vary(self.texts[caption], batch.word_dropout, batch.full_stop_dropout, numbers))
                owners.append(caption if self.recipe.objective.shared_captions else int(row))
        return texts, torch.tensor(owners)

    def _image_captions(self, rows: NDArray[np.int64]) -> Tensor:
        if not self.recipe.objective.shared_captions:
            return torch.from_numpy(rows)[:, None].clone()
        out = torch.full((len(rows), self._most_captions), NO_CAPTION)
        for position, row in enumerate(rows):
            own = self._caption_ids[row]
            out[position, : len(own)] = torch.tensor(own)
        return out


def _read_source(root: Path, source: SourceRecipe, limit: int | None) -> tuple[str, list[Pair]]:
    dataset = read_dataset(root / source.path, sensor=source.sensor)
    if source.split is not None:
        dataset = dataset.split(source.split)
    pairs = list(dataset.pairs)
    if limit is not None and len(pairs) > limit:
        # Spread over the data set, so that several classes take part.
        pairs = [pairs[index * len(pairs) // limit] for index in range(limit)]
    if not pairs:
        raise DataError(f"{root / source.path}: no pairs to train on")
    return dataset.name, pairs


def _captions(pair: Pair, source: SourceRecipe) -> tuple[str, ...]:
    if pair.captions:
        return tuple(dict.fromkeys(_SPACES.sub(" ", text).strip() for text in pair.captions))
    made = tuple(template.format(label=plain(label)) for label in pair.labels for template in source.templates)
    if not made:
        raise DataError(
            f"{pair.name} in {source.path} has no caption; give data.train templates to make captions from its labels"
        )
    return tuple(dict.fromkeys(made))


def plain(label: str) -> str:
    """A class name as words: ``HerbaceousVegetation`` and ``herbaceous_vegetation`` become two words."""
    return _SPACES.sub(" ", _WORD_START.sub(" ", label)).strip().lower()


def _vary(text: str, word_dropout: float, full_stop_dropout: float, numbers: np.random.Generator) -> str:
    """A caption with some words left out, but never all, and sometimes without its full stop."""
    if full_stop_dropout and numbers.random() < full_stop_dropout:
        text = text.rstrip(" .") or text
    if not word_dropout:
        return text
    words = text.split()
    kept = [word for word, chance in zip(words, numbers.random(len(words)), strict=True) if chance >= word_dropout]
    return " ".join(kept) or text
