"""Decoded training images in memory, one array a vision tower (and sensor, where a tower takes any bands)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

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

_LOG = logging.getLogger(__name__)
_THREADS = 4


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
    def read(cls, chips: Sequence[Chip], config: ModelConfig, size: int) -> Pictures:
        """Decode chips.

        Images that cannot be read are left out, logged, and listed in `failures`.

        Args:
            chips: any mixture of sensors that the model takes.
            config: says which tower each sensor goes to and how.
            size: S; images are squashed to a square.

        Raises:
            DataError: not one image could be read.
            SensorError: the model takes no images of a chip's sensor.
        """
        routes = [config.route(chip.sensor) for chip in chips]
        keys = [config.batch_key(chip.sensor) for chip in chips]

        def read(index: int) -> Tensor | SwathError:
            try:
                return _read(chips[index], routes[index], config.towers[routes[index].tower], size)
            except SwathError as error:
                return error

        found: dict[str, list[Tensor]] = {}
        rows = np.full(len(chips), -1, dtype=np.int64)
        failures: dict[int, str] = {}
        with ThreadPoolExecutor(_THREADS) as pool:
            for index, picture in enumerate(pool.map(read, range(len(chips)))):
                if isinstance(picture, SwathError):
                    failures[index] = str(picture)
                    _LOG.warning("left out of training: %s", picture)
                    continue
                members = found.setdefault(keys[index], [])
                rows[index] = len(members)
                members.append(picture)
        if not found:
            raise DataError(f"not one of {len(chips)} training images could be read; the first: {failures.get(0)}")
        arrays = {key: torch.stack(members) for key, members in found.items()}
        return cls(arrays, keys, rows, failures)


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
