"""Batches of images and texts. Every random choice is a function of (seed, epoch, step), so a run can be repeated.

Nothing here keeps a random state: a run that was cut off draws, from any step on, what it would have drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data import Pair, read_dataset
from swath.data.dataset import Dataset
from swath.data.exclusions import read_exclusions
from swath.data.masking import MaskedTexts, Masker
from swath.errors import DataError
from swath.models import DualEncoder
from swath.objectives.contrastive import NO_CAPTION
from swath.training.augment import augment
from swath.training.long_texts import LongCaptions, LongTexts, first_sentence
from swath.training.pictures import Pictures, to_input
from swath.training.recipe import DataRecipe, Recipe, SourceRecipe

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])|[_-]+")
_SPACES = re.compile(r"\s+")
_MASKING, _LONG = 1, 2
"""End the keys of the random numbers for masking and for long captions."""


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
        owners: (T,) the image row that each text was drawn for.
        pairs: (T,) number of each text's image-caption pair in the training set (see `TrainingSet.described`).
        masked: the texts with words hidden; None where the recipe does not want them.
        long: a long caption of each image; likewise.
    """

    images: dict[str, Tensor]
    ids: Tensor
    mask: Tensor
    image_captions: Tensor
    text_caption: Tensor
    classes: Tensor
    owners: Tensor
    pairs: Tensor
    masked: MaskedTexts | None = None
    long: LongTexts | None = None

    def to(self, device: torch.device) -> dict[str, Any]:
        """The fields on a device, as keyword arguments of `TrainingModel.forward`."""
        return {
            "images": {name: value.to(device) for name, value in self.images.items()},
            "ids": self.ids.to(device),
            "mask": self.mask.to(device),
            "image_captions": self.image_captions.to(device),
            "text_caption": self.text_caption.to(device),
            "classes": self.classes.to(device),
            "owners": self.owners.to(device),
            "pairs": self.pairs.to(device),
            "masked_ids": None if self.masked is None else self.masked.ids.to(device),
            "targets": None if self.masked is None else self.masked.targets.to(device),
            "long": None if self.long is None else self.long.to(device),
        }


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """One image-caption pair, for people.

    Attributes:
        dataset: the data set's name.
        split: the image's split.
        image: the image's name.
        caption: the caption as the data set has it; as made from the template where it has none.
    """

    dataset: str
    split: str
    image: str
    caption: str


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
        self._names: list[str] = []
        self._sources: list[_Source] = []
        for source, dataset in zip(recipe.data.train, read_sources(recipe.data), strict=True):
            first, name, found = len(pairs), dataset.name, _spread(dataset.pairs, limit)
            pairs += found
            self._names += [name] * len(found)
            captions += [_captions(pair, source) for pair in found]
            labels += [tuple(f"{name}/{label}" for label in pair.labels) for pair in found]
            self._sources.append(_Source(np.arange(first, len(pairs)), source.per_epoch))
        self.pictures = Pictures.read([pair.chip for pair in pairs], recipe.model, recipe.data.cache_size)
        self._sources = [
            _Source(entry.members[self.pictures.row[entry.members] >= 0], entry.per_epoch) for entry in self._sources
        ]
        self._pairs, self._captions = pairs, captions
        self._first_pair = np.concatenate([[0], np.cumsum([len(own) for own in captions])])
        if recipe.batch.epoch == "captions":
            self._sources = [_Source(self._numbers(entry.members), entry.per_epoch) for entry in self._sources]
        known: dict[str, int] = {}
        self._caption_ids = [[known.setdefault(text, len(known)) for text in own] for own in captions]
        self.texts = list(known)
        self.classes = sorted({label for own in labels for label in own})
        index = {label: number for number, label in enumerate(self.classes)}
        self._labels = [[index[label] for label in own] for own in labels]
        self._most_captions = max(map(len, self._caption_ids))
        self._long = LongCaptions(pairs) if recipe.objective.dual_text is not None else None
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
        """What an epoch draws, in order: indices of images, or numbers of pairs where it draws captions."""
        random = np.random.default_rng([self.recipe.seed, epoch])
        chosen = [
            source.members if source.per_epoch is None else random.permutation(source.members)[: source.per_epoch]
            for source in self._sources
        ]
        return random.permutation(np.concatenate(chosen))

    @property
    def pair_count(self) -> int:
        """Number of image-caption pairs."""
        return int(self._first_pair[-1])

    def described(self, number: int) -> TrainingPair:
        """The pair of a number that `Batch.pairs` gives."""
        row = int(np.searchsorted(self._first_pair, number, side="right")) - 1
        pair, text = self._pairs[row], self._captions[row][number - int(self._first_pair[row])]
        written = next((caption for caption in (*pair.captions, *pair.long_captions) if _tidy(caption) == text), text)
        return TrainingPair(self._names[row], pair.split, pair.name, written)

    def captioned(self) -> list[Dataset]:
        """The data sets with the captions that are trained on, those made from templates too; one a name."""
        members: dict[str, list[Pair]] = {}
        for name, pair, texts in zip(self._names, self._pairs, self._captions, strict=True):
            members.setdefault(name, []).append(replace(pair, captions=texts, long_captions=()))
        return [Dataset(name, tuple(own)) for name, own in members.items()]

    def batch(
        self, rows: NDArray[np.int64], model: DualEncoder, size: int, key: Sequence[int], masker: Masker | None = None
    ) -> Batch:
        """Make a batch.

        Args:
            rows: a part of what `order` gives.
            model: whose tokenizer to use.
            size: side of the image crops in pixels.
            key: decides every random choice, together with the recipe's seed.
            masker: hides words of the texts a second time over; None leaves `Batch.masked` empty.
        """
        numbers = np.random.default_rng([self.recipe.seed, *key])
        random = torch.Generator().manual_seed(int(numbers.integers(2**62)))
        captions = None
        if self.recipe.batch.epoch == "captions":
            pairs, rows = rows, np.searchsorted(self._first_pair, rows, side="right") - 1
            captions = pairs - self._first_pair[rows]
        towers = sorted({self.pictures.tower[row] for row in rows}, key=list(model.towers).index)
        by_tower = np.concatenate(
            [np.flatnonzero([self.pictures.tower[row] == tower for row in rows]) for tower in towers]
        )
        rows, captions = rows[by_tower], None if captions is None else captions[by_tower]
        images = {tower: self._images(rows, tower, size, random) for tower in towers}
        texts, text_caption, pair_numbers = self._draw_texts(rows, captions, numbers)
        ids, mask = model.tokenize(texts, truncation="count")
        by_length = torch.argsort(mask.sum(dim=1), stable=True)
        texts, ids, mask = [texts[place] for place in by_length], ids[by_length], mask[by_length]
        # Drawn from streams of their own: what is masked, or said at length, changes nothing else.
        masking = np.random.default_rng([self.recipe.seed, *key, _MASKING])
        long = np.random.default_rng([self.recipe.seed, *key, _LONG])
        classes = torch.zeros(len(rows), len(self.classes))
        for position, row in enumerate(rows):
            for label in self._labels[row]:
                classes[position, label] = 1 / len(self._labels[row])
        return Batch(
            images,
            ids,
            mask,
            self._image_captions(rows),
            text_caption[by_length],
            classes,
            owners=by_length // self.recipe.batch.captions,
            pairs=pair_numbers[by_length],
            masked=None if masker is None else masker(texts, ids, mask, masking),
            long=None if self._long is None else self._long.draw(rows, model, long),
        )

    def _images(self, rows: NDArray[np.int64], tower: str, size: int, random: torch.Generator) -> Tensor:
        own = [self.pictures.row[row] for row in rows if self.pictures.tower[row] == tower]
        stored = self.pictures.arrays[tower][torch.tensor(own)]
        if stored.dtype != torch.uint8:
            return augment(stored.float(), self.recipe.augment, size, random, colour=False)
        pictures = augment(stored.float().div_(255), self.recipe.augment, size, random, colour=True)
        return to_input(pictures, self.recipe.model.towers[tower])

    def _numbers(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of the pairs of some images."""
        first = self._first_pair
        return np.concatenate([np.arange(first[row], first[row + 1]) for row in members] or [members])

    def _draw_texts(
        self, rows: NDArray[np.int64], captions: NDArray[np.int64] | None, numbers: np.random.Generator
    ) -> tuple[list[str], Tensor, Tensor]:
        """Texts, `batch.captions` an image; the id of each one's caption; the number of each one's pair.

        `captions` says which caption of each image; None draws.
        """
        batch = self.recipe.batch
        texts, owners, pairs = [], [], []
        for place, row in enumerate(rows):
            own = self._caption_ids[row]
            if captions is None:
                # Different captions of an image as long as it has enough of them.
                drawn = numbers.permutation(len(own))[: batch.captions]
                drawn = np.concatenate([drawn, numbers.integers(len(own), size=batch.captions - len(drawn))])
            else:
                drawn = captions[place : place + 1]
            for position in drawn.astype(int):
                caption = own[position]
                texts.append(_vary(self.texts[caption], batch.word_dropout, batch.full_stop_dropout, numbers))
                owners.append(caption if self.recipe.objective.shared_captions else int(row))
                pairs.append(int(self._first_pair[row] + position))
        return texts, torch.tensor(owners), torch.tensor(pairs)

    def _image_captions(self, rows: NDArray[np.int64]) -> Tensor:
        if not self.recipe.objective.shared_captions:
            return torch.from_numpy(rows)[:, None].clone()
        out = torch.full((len(rows), self._most_captions), NO_CAPTION)
        for position, row in enumerate(rows):
            own = self._caption_ids[row]
            out[position, : len(own)] = torch.tensor(own)
        return out


def read_sources(data: DataRecipe) -> list[Dataset]:
    """The data sets to train on, each as its split, without what the recipe's list excludes.

    Raises:
        DataError: a data set, split or list cannot be read, nothing is left, or the list is for other data sets.
    """
    whole = [read_dataset(data.root / source.path, sensor=source.sensor) for source in data.train]
    if data.exclude is not None:
        exclusions = read_exclusions(data.root / data.exclude)
        meant, ours = {entry.dataset for entry in exclusions.entries}, {dataset.name for dataset in whole}
        if meant and not meant & ours:
            raise DataError(
                f"{data.root / data.exclude} excludes images of {', '.join(sorted(meant))}, "
                f"but the training data sets are {', '.join(sorted(ours))}"
            )
        whole = [exclusions.apply(dataset) for dataset in whole]
    pairs = zip(whole, data.train, strict=True)
    parts = [dataset if source.split is None else dataset.split(source.split) for dataset, source in pairs]
    for part, source in zip(parts, data.train, strict=True):
        if not part.pairs:
            raise DataError(f"{data.root / source.path}: no pairs to train on")
    return parts


def _spread(pairs: Sequence[Pair], limit: int | None) -> list[Pair]:
    """At most `limit` pairs, spread over the data set, so that several classes take part."""
    if limit is None or len(pairs) <= limit:
        return list(pairs)
    return [pairs[index * len(pairs) // limit] for index in range(limit)]


def _captions(pair: Pair, source: SourceRecipe) -> tuple[str, ...]:
    if source.captions == "long" and not pair.long_captions:
        raise DataError(f"{pair.name} in {source.path} has no long caption; make them with: swath corpus long")
    written = pair.captions if source.captions == "short" else pair.long_captions
    if not written and not source.templates:
        written = tuple(map(first_sentence, pair.long_captions))
    if written:
        return tuple(dict.fromkeys(map(_tidy, written)))
    made = tuple(template.format(label=plain(label)) for label in pair.labels for template in source.templates)
    if not made:
        raise DataError(
            f"{pair.name} in {source.path} has no caption; give data.train templates to make captions from its labels"
        )
    return tuple(dict.fromkeys(made))


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


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
