"""`Dataset`: pairs with their official splits, and what could not be read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from swath.chips import Chip
from swath.data.pairs import Pair
from swath.errors import DataError

FailureKind = Literal[
    "missing image", "unreadable image", "empty caption", "image without caption", "damaged shard", "unknown label"
]


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing in a data set that could not be used; reading goes on without it.

    Attributes:
        kind: what is wrong.
        name: the image's name in the data set.
        message: the detail, for people.
        split: the image's split.
    """

    kind: FailureKind
    name: str
    message: str
    split: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Image-text pairs of one data set, or of one split of it.

    Attributes:
        name: the data set's name.
        pairs: one entry an image, in the order of the annotation file.
        failures: what was left out, and why.
        root: the folder that image names are relative to; None for a data set made in memory.
    """

    name: str
    pairs: tuple[Pair, ...]
    failures: tuple[Failure, ...] = ()
    root: Path | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Pair]:
        return iter(self.pairs)

    def __getitem__(self, index: int) -> Pair:
        return self.pairs[index]

    @property
    def splits(self) -> dict[str, int]:
        """Number of images in each split, in order of appearance; images without a split are not counted."""
        return dict(Counter(pair.split for pair in self.pairs if pair.split))

    def split(self, name: str) -> Dataset:
        """The pairs of one split.

        Raises:
            DataError: there is no such split; the message lists those there are.
        """
        chosen = tuple(pair for pair in self.pairs if pair.split == name)
        if not chosen or not name:
            known = ", ".join(f"{split} ({count})" for split, count in self.splits.items())
            raise DataError(
                f"data set {self.name!r} has no split {name!r}; "
                + (f"it has: {known}" if known else "it has none: give a split file (split_file=...)")
            )
        return replace(
            self, pairs=chosen, failures=tuple(failure for failure in self.failures if failure.split == name)
        )

    def image_file(self, pair: Pair) -> Path:
        """The file that is a pair's image, for writers that copy image files.

        Raises:
            DataError: the image is a window of a scene or has several files, or the data set has no folder.
        """
        file = None if self.root is None else self.root / pair.name
        if file is None or {layer.href for layer in pair.chip.scene.layers} != {os.path.realpath(file)}:
            raise DataError(
                f"{pair.name!r} of {self.name!r} is not a single image file under {self.root}; "
                "windows of scenes can be trained on, but not copied or merged"
            )
        return file

    def images(self) -> tuple[Chip, ...]:
        """The images, one a pair."""
        return tuple(pair.chip for pair in self.pairs)

    def captions(self) -> tuple[list[str], NDArray[np.int64]]:
        """Every short caption, and the index of the pair that each belongs to: (C,) texts, (C,) int64."""
        texts = [caption for pair in self.pairs for caption in pair.captions]
        counts = [len(pair.captions) for pair in self.pairs]
        return texts, np.repeat(np.arange(len(self.pairs), dtype=np.int64), counts)

    def long_captions(self) -> tuple[list[str], NDArray[np.int64]]:
        """Every long caption, and the index of the pair that each belongs to: (C,) texts, (C,) int64."""
        texts = [caption for pair in self.pairs for caption in pair.long_captions]
        counts = [len(pair.long_captions) for pair in self.pairs]
        return texts, np.repeat(np.arange(len(self.pairs), dtype=np.int64), counts)


def require_distinct(names: Sequence[str], purpose: str) -> None:
    """Refuse data sets that cannot be told apart, and none at all.

    Args:
        names: the data sets' names.
        purpose: what needs them (``an audit needs``).

    Raises:
        DataError: two of one name, or no name.
    """
    if not names or len(set(names)) < len(names):
        raise DataError(
            f"{purpose} data sets with different names; got {', '.join(names) or 'none'} "
            "(give names with NAME=PATH on the command line, read_dataset(..., name=...) in Python)"
        )
