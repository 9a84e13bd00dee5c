"""Batches of images and texts. Every random choice is a function of (seed, epoch, step), so a run can be repeated.

Nothing here keeps a random state: a run that was cut off draws, from any step on, what it would have drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data import Pair
from swath.data.dataset import Dataset
from swath.data.masking import MaskedTexts, Masker
from swath.errors import DataError
from swath.models import DualEncoder
from swath.models.config import split_key
from swath.objectives.bridge import NO_GROUP
from swath.objectives.contrastive import NO_CAPTION
from swath.training.augment import augment, crop_maps
from swath.training.image_facts import ImageFacts
from swath.training.long_texts import LongCaptions, LongTexts
from swath.training.looked import Looked
from swath.training.memory import check_memory, decoded_bytes
from swath.training.pictures import Pictures, to_input
from swath.training.radar import radar_view
from swath.training.recipe import Recipe
from swath.training.sampling import Drawing
from swath.training.sources import read_sources, spread
from swath.training.texts import NO_TEXT, tidy, training_captions, vary

_MASKING, _LONG = 1, 2
"""End the keys of the random numbers for masking and for long captions."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One part of an optimiser step. Image rows are ordered by tower; texts by length.

    Attributes:
        images: (B_t, bands, S, S) by tower (`ModelConfig.batch_key`); the B_t add up to B.
        ids: (T, N) token ids.
        mask: (T, N) of `ids`.
        image_captions: (B, C) ids of the captions that describe each image, filled up with `NO_CAPTION`.
        text_caption: (T,) id of each text's caption; `NO_TEXT` where the image has none.
        classes: (B, K) share of each class; rows without a label are zero.
        owners: (T,) the image row that each text was drawn for.
        pairs: (T,) number of each text's image-caption pair in the training set (see `TrainingSet.described`); -1
            where the image has none.
        masked: the texts with words hidden; None where the recipe does not want them.
        long: a long caption of each image; likewise.
        facts: sensors, labels, groups and places of the images; likewise.
        looked: what a caption decoder looks at, in place of `images`, where that was found before (see
            `swath.training.looked`).
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
    facts: ImageFacts | None = None
    looked: dict[str, Tensor] | None = None

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
            "facts": None if self.facts is None else self.facts.to(device),
            "looked": None if self.looked is None else {name: part.to(device) for name, part in self.looked.items()},
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

    @property
    def count(self) -> int:
        """How many an epoch draws."""
        return min(len(self.members), self.per_epoch or len(self.members))


class TrainingSet:
    """All training images and captions of a recipe.

    Args:
        recipe: the recipe.
        limit: most pairs taken of each source, for trying a recipe out; None takes all.
        sources: what `read_sources` found for the recipe, where that was asked before.

    Raises:
        DataError: a data set or split is missing, an image has neither caption nor template, or nothing can be read.
    """

    def __init__(self, recipe: Recipe, limit: int | None = None, sources: Sequence[Dataset] | None = None) -> None:
        self.recipe = recipe
        sources = read_sources(recipe.data) if sources is None else sources
        if recipe.data.cache is None:
            _check_memory(recipe, sources)
        pairs: list[Pair] = []
        captions: list[tuple[str, ...]] = []
        labels: list[tuple[str, ...]] = []
        self._names: list[str] = []
        self._sources: list[_Source] = []
        for source, dataset in zip(recipe.data.train, sources, strict=True):
            first, name, found = len(pairs), dataset.name, spread(dataset.pairs, limit)
            pairs += found
            self._names += [name] * len(found)
            captions += [
                training_captions(pair, source, needed=not _teaches_without_text(pair, recipe)) for pair in found
            ]
            labels += [tuple(f"{name}/{label}" for label in pair.labels) for pair in found]
            self._sources.append(_Source(np.arange(first, len(pairs)), source.per_epoch))
        folder = None if recipe.data.cache is None or limit is not None else recipe.data.root / recipe.data.cache
        self.pictures = Pictures.read([pair.chip for pair in pairs], recipe.model, recipe.data.cache_size, folder)
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
        self._facts = ImageFacts.of(pairs, self.pictures.tower, labels=recipe.objective.bridge is not None)
        self._check_facts(trying=limit is not None)
        self.looked: Looked | None = None
        """What a caption decoder looks at, where it is found before the first step."""
        bridge, batch = recipe.objective.bridge, recipe.batch
        self._drawing = Drawing(
            batch.size, batch.accumulate, batch.balance == "sensors", bridge is not None and bridge.paired > 0
        )
        self.batches_per_epoch = self._count_batches()
        """Optimiser steps in an epoch; what does not fill a batch waits for another epoch's order."""
        if self.batches_per_epoch == 0:
            raise DataError(
                f"an epoch has {sum(source.count for source in self._sources)} images, fewer than one batch of "
                f"{recipe.batch.size}: make batch.size smaller or add data"
            )
        if limit is not None:
            self.batches_per_epoch = 1

    def order(self, epoch: int) -> NDArray[np.int64]:
        """What an epoch draws, in order: indices of images, or numbers of pairs where it draws captions."""
        random = np.random.default_rng([self.recipe.seed, epoch])
        chosen = [
            source.members if source.per_epoch is None else random.permutation(source.members)[: source.per_epoch]
            for source in self._sources
        ]
        members = np.concatenate(chosen)
        rows = self._rows(members)
        sensors, groups = self._facts.sensor.numpy()[rows], self._facts.group.numpy()[rows]
        return self._drawing.order(members, sensors, groups, self.batches_per_epoch, random)

    @property
    def pair_count(self) -> int:
        """Number of image-caption pairs."""
        return int(self._first_pair[-1])

    def described(self, number: int) -> TrainingPair:
        """The pair of a number that `Batch.pairs` gives."""
        row = int(np.searchsorted(self._first_pair, number, side="right")) - 1
        pair, text = self._pairs[row], self._captions[row][number - int(self._first_pair[row])]
        written = next((caption for caption in (*pair.captions, *pair.long_captions) if tidy(caption) == text), text)
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
            pairs, rows = rows, self._rows(rows)
            captions = pairs - self._first_pair[rows]
        in_order = list(model.towers)
        towers = sorted(
            {self.pictures.tower[row] for row in rows}, key=lambda key: (in_order.index(split_key(key)[0]), key)
        )
        by_tower = np.concatenate(
            [np.flatnonzero([self.pictures.tower[row] == tower for row in rows]) for tower in towers]
        )
        rows, captions = rows[by_tower], None if captions is None else captions[by_tower]
        looked = None if self.looked is None else self.looked.draw(rows, towers, self.pictures, numbers)
        images = {} if looked is not None else self.images(rows, towers, size, random)
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
            facts=self._facts.select(rows) if self.recipe.objective.needs_facts else None,
            looked=looked,
        )

    def images(
        self, rows: NDArray[np.int64], towers: Sequence[str], size: int, random: torch.Generator
    ) -> dict[str, Tensor]:
        """Augmented images by tower, as the towers take them."""
        crops = self._crops(rows, random)
        return {tower: self._images(rows, tower, size, random, crops) for tower in towers}

    def _crops(self, rows: NDArray[np.int64], random: torch.Generator) -> Tensor:
        """How each image is cut and turned; partners alike, so that they show the same ground."""
        bridge = self.recipe.objective.bridge
        groups = self._facts.group[torch.from_numpy(rows)] if bridge is not None and bridge.paired else None
        return crop_maps(len(rows), self.recipe.augment, random, groups)

    def _images(self, rows: NDArray[np.int64], tower: str, size: int, random: torch.Generator, crops: Tensor) -> Tensor:
        chosen = np.array([self.pictures.tower[row] == tower for row in rows])
        members, maps = rows[chosen], crops[torch.from_numpy(chosen)]
        stored = self.pictures.arrays[tower][torch.tensor([self.pictures.row[row] for row in members])]
        rendered = stored.dtype == torch.uint8
        config, sensors = self.recipe.model, [self._pairs[row].chip.sensor for row in members]
        taker = config.towers[split_key(tower)[0]]
        own = {sensor.name: radar_view(sensor, config.route(sensor), taker) for sensor in sensors}
        views = [own[sensor.name] for sensor in sensors]
        if not rendered:
            return augment(stored.float(), self.recipe.augment, size, random, colour=False, views=views, maps=maps)
        pictures = augment(
            stored.float().div_(255), self.recipe.augment, size, random, colour=True, views=views, maps=maps
        )
        return to_input(pictures, taker)

    def _rows(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """The images that entries of `order` are of."""
        if self.recipe.batch.epoch == "images":
            return members
        return np.searchsorted(self._first_pair, members, side="right") - 1

    def _count_batches(self) -> int:
        sensors = self._facts.sensor.numpy()
        counts = np.zeros(int(sensors.max()) + 1)
        for source in self._sources:
            if len(source.members):
                share = np.bincount(sensors[self._rows(source.members)], minlength=len(counts)) / len(source.members)
                counts += source.count * share
        return self._drawing.steps(np.rint(counts[counts > 0]).tolist())

    def _check_facts(self, *, trying: bool) -> None:
        """See that the terms over sensors and places have what they compare."""
        objective, facts = self.recipe.objective, self._facts
        read = torch.from_numpy(self.pictures.row >= 0)
        if objective.location is not None and not facts.located[read].any():
            raise DataError("objective.location needs images with a place (lon, lat); not one has any")
        bridge = objective.bridge
        if bridge is not None and bridge.targets == "jaccard" and not facts.labels[read].any():
            raise DataError("objective.bridge.targets=jaccard compares label sets; not one image has any: take equal")
        grouped = read & (facts.group != NO_GROUP)
        seen = torch.unique(torch.stack([facts.group, facts.sensor], dim=1)[grouped], dim=0)
        if bridge is not None and bridge.paired and len(seen) == len(torch.unique(seen[:, 0])) and not trying:
            raise DataError(
                "objective.bridge.paired needs images of one place and time seen by several sensors (the same group); "
                "there are none"
            )

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
            if not own:
                texts += [""] * batch.captions
                owners += [NO_TEXT] * batch.captions
                pairs += [-1] * batch.captions
                continue
            if captions is None:
                # Different captions of an image as long as it has enough of them.
                drawn = numbers.permutation(len(own))[: batch.captions]
                drawn = np.concatenate([drawn, numbers.integers(len(own), size=batch.captions - len(drawn))])
            else:
                drawn = captions[place : place + 1]
            for position in drawn.astype(int):
                caption = own[position]
                texts.append(vary(self.texts[caption], batch.word_dropout, batch.full_stop_dropout, numbers))
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


def _check_memory(recipe: Recipe, sources: Sequence[Dataset]) -> None:
    """See that the images of the whole run fit into memory, also where a recipe is only tried out."""
    chips = [pair.chip for dataset in sources for pair in dataset.pairs]
    size = recipe.data.cache_size
    check_memory(decoded_bytes(chips, recipe.model, size), len(chips), size)


def _teaches_without_text(pair: Pair, recipe: Recipe) -> bool:
    """Whether a term other than those over texts can take an image."""
    objective = recipe.objective
    if objective.bridge is None:
        return False
    return bool(objective.bridge.paired and pair.group) or (objective.location is not None and bool(pair.location))
