"""Decoded training images, one array a vision tower (and sensor, where a tower takes any bands)."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from swath.chips import Chip
from swath.errors import DataError, SwathError
from swath.models.config import ModelConfig, SensorInput, TowerConfig
from swath.models.preprocess import standardise
from swath.raster import read_chip
from swath.training import picture_files

_LOG = logging.getLogger(__name__)
_THREADS = 4
_AHEAD = 256
"""Images that are decoded before the ones before them are stored."""

Allocate = Callable[[str, tuple[int, ...], torch.dtype], Tensor]
"""Makes the array of a key, shape and type."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Images of one or more towers, decoded and scaled once.

    Attributes:
        arrays: by `ModelConfig.batch_key`, which is the tower's name unless it takes any bands: (N, 3, S, S) uint8
            where the tower takes rendered pictures, (N, bands, S, S) float16 of standardised bands where it takes
            bands.
        tower: the key of each image.
        row: (N,) index of each image in its key's array.
        failures: position and message of each image that could not be read; its row is -1.
    """

    arrays: dict[str, Tensor]
    tower: list[str]
    row: np.ndarray[tuple[int], np.dtype[np.int64]]
    failures: dict[int, str]

    @classmethod
    def read(cls, chips: Sequence[Chip], config: ModelConfig, size: int, folder: Path | None = None) -> Pictures:
        """Decode chips, or find them decoded.

        Images that cannot be read are left out, logged, and listed in `failures`.

        Args:
            chips: any mixture of sensors that the model takes.
            config: says which tower each sensor goes to and how.
            size: S; images are squashed to a square.
            folder: keeps them in files (see `swath.training.picture_files`); None keeps them in memory.

        Raises:
            DataError: not one image could be read, or the folder cannot be used.
            SensorError: the model takes no images of a chip's sensor.
        """
        if folder is None:
            return _decoded(chips, config, size, lambda _, shape, dtype: torch.empty(shape, dtype=dtype))
        name = picture_files.digest(chips, config, size)
        stored = picture_files.find(folder, name)
        if stored is None:
            writer = picture_files.Writer(folder, name)
            try:
                made = _decoded(chips, config, size, writer.array)
                counts = {key: len(array) for key, array in made.arrays.items()}
                writer.close(counts, made.row.tolist(), made.failures)
            except BaseException:
                writer.discard()
                raise
            stored = picture_files.find(folder, name)
            if stored is None:
                raise DataError(f"decoded images disappeared from {folder} while they were written")
            _LOG.info("decoded %d images into %s", len(chips) - len(made.failures), folder / name)
        else:
            _LOG.info("found %d decoded images in %s", len(chips) - len(stored.failures), folder / name)
            for said in stored.failures.values():
                _LOG.warning("left out of training: %s", said)
        keys = [config.batch_key(chip.sensor) for chip in chips]
        return cls(stored.arrays, keys, np.array(stored.rows, dtype=np.int64), stored.failures)


def _decoded(chips: Sequence[Chip], config: ModelConfig, size: int, allocate: Allocate) -> Pictures:
    """Decode chips into arrays that are allocated once, so that no image is in memory twice."""
    keys = [config.batch_key(chip.sensor) for chip in chips]
    most, used = Counter(keys), Counter[str]()
    arrays: dict[str, Tensor] = {}
    rows = np.full(len(chips), -1, dtype=np.int64)
    failures: dict[int, str] = {}
    for index, picture in enumerate(_each(chips, config, size)):
        if isinstance(picture, SwathError):
            failures[index] = str(picture)
            _LOG.warning("left out of training: %s", picture)
            continue
        key = keys[index]
        if key not in arrays:
            arrays[key] = allocate(key, (most[key], *picture.shape), picture.dtype)
        rows[index] = used[key]
        arrays[key][used[key]] = picture
        used[key] += 1
    if not arrays:
        raise DataError(f"not one of {len(chips)} training images could be read; the first: {failures.get(0)}")
    return Pictures({key: array[: used[key]] for key, array in arrays.items()}, keys, rows, failures)


def _each(chips: Sequence[Chip], config: ModelConfig, size: int) -> Iterator[Tensor | SwathError]:
    """The chips one after the other, decoded in threads; the error of one that cannot be read."""
    routes = [config.route(chip.sensor) for chip in chips]

    def read(index: int) -> Tensor | SwathError:
        try:
            return _read(chips[index], routes[index], config.towers[routes[index].tower], size)
        except SwathError as error:
            return error

    with ThreadPoolExecutor(_THREADS) as pool:
        for first in range(0, len(chips), _AHEAD):
            yield from pool.map(read, range(first, min(first + _AHEAD, len(chips))))


def to_input(images: Tensor, tower: TowerConfig) -> Tensor:
    """Pictures 0 to 1 as the tower takes them; standardised bands pass as they are (they are no pictures)."""
    mean = torch.tensor(tower.mean).view(1, -1, 1, 1)
    std = torch.tensor(tower.std).view(1, -1, 1, 1)
    return (images - mean) / std


def _read(chip: Chip, route: SensorInput, tower: TowerConfig, size: int) -> Tensor:
    pixels = read_chip(chip, min_valid=0.0)
    if route.input == "rgb":
        picture = Image.fromarray(np.ascontiguousarray(pixels.to_rgb().transpose(1, 2, 0)))
        if picture.size != (size, size):
            picture = picture.resize((size, size), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(picture).transpose(2, 0, 1).copy())
    bands = torch.from_numpy(standardise(pixels, route, tower))[None]
    if bands.shape[2:] != (size, size):
        bands = F.interpolate(bands, (size, size), mode="bicubic", antialias=True)
    return bands[0].to(torch.float16)
