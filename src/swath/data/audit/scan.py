"""Read every image once: its perceptual hash, or what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from swath.chips import Chip
from swath.data.audit.hashing import dihedral_hashes, grey_thumbnail
from swath.data.dataset import Dataset
from swath.errors import SwathError
from swath.raster import read_chip

READ_SIDE = 512
"""Images are read at this size at most: far more than the 32 pixels that are hashed."""

FLAT = 1.0
"""Grey pictures whose values deviate less than this (of 255) show nothing; their hash is noise."""

_BATCH = 1024

Progress = Callable[[int, int], None]
"""Called with (images done, images in all)."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image of an audit.

    Attributes:
        dataset: the data set's name.
        split: its split.
        image: its name in the data set.
        chip: the image.
        label: its first class; empty where there is none.
        captions: its captions.
    """

    dataset: str
    split: str
    image: str
    chip: Chip
    label: str
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrokenImage:
    """An image that cannot be used.

    Attributes:
        dataset: the data set's name.
        split: its split.
        image: its name.
        reason: what is wrong.
    """

    dataset: str
    split: str
    image: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What reading every image gave.

    Attributes:
        rows: (N) the images that could be read and show something.
        hashes: (N, 8) their perceptual hashes, upright first, then turned and mirrored.
        broken: the other images.
    """

    rows: tuple[ImageRow, ...]
    hashes: NDArray[np.uint64]
    broken: tuple[BrokenImage, ...]


def image_rows(datasets: Iterable[Dataset]) -> list[ImageRow]:
    """One row an image, in order."""
    return [
        ImageRow(data.name, pair.split, pair.name, pair.chip, pair.labels[0] if pair.labels else "", pair.captions)
        for data in datasets
        for pair in data
    ]


def scan(rows: Sequence[ImageRow], workers: int | None = None, progress: Progress | None = None) -> Scan:
    """Read images and hash them; an image that cannot be decoded to its end never stops the scan.

    Args:
        rows: the images.
        workers: threads that read; the number of cores by default.
        progress: told how far it is.
    """
    good: list[ImageRow] = []
    hashes = [np.empty((0, 8), dtype=np.uint64)]
    broken: list[BrokenImage] = []
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for start, batch in _batches(rows):
            thumbnails = []
            for row, outcome in zip(batch, pool.map(_read, batch), strict=True):
                if isinstance(outcome, str):
                    broken.append(BrokenImage(row.dataset, row.split, row.image, outcome))
                else:
                    good.append(row)
                    thumbnails.append(outcome)
            if thumbnails:
                hashes.append(dihedral_hashes(np.stack(thumbnails)))
            if progress is not None:
                progress(start + len(batch), len(rows))
    return Scan(tuple(good), np.concatenate(hashes), tuple(broken))


def picture(chip: Chip, side: int = READ_SIDE) -> NDArray[np.uint8]:
    """An image as shown in RGB, (3, H, W) uint8, at most `side` pixels on its longest side.

    Raises:
        SwathError: it cannot be read.
    """
    longest = max(chip.window.width, chip.window.height)
    return read_chip(chip, side if longest > side else None).to_rgb()


def _read(row: ImageRow) -> NDArray[np.uint8] | str:
    """The grey thumbnail of an image, or what is wrong with it."""
    try:
        grey = grey_thumbnail(picture(row.chip))
    except (SwathError, OSError) as error:
        return str(error)
    if float(grey.std()) < FLAT:
        return "the image shows nothing: it has one grey value throughout"
    return grey


def _batches(rows: Sequence[ImageRow]) -> Iterator[tuple[int, list[ImageRow]]]:
    for start in range(0, len(rows), _BATCH):
        yield start, list(islice(rows, start, start + _BATCH))
