"""Decoded training images in files: more than memory holds, shared by processes, found again by later runs.

A folder holds one directory a set of images, named by a digest of all that decides the pixels. It is written under
another name and moved when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from swath.chips import Chip
from swath.errors import DataError
from swath.models.config import ModelConfig

_FORMAT = 1
_INDEX = "pictures.json"


@dataclass(frozen=True, slots=True)
class Stored:
    """What `find` finds.

    Attributes:
        arrays: by key (see `swath.training.pictures.Pictures`), mapped from files; a change stays in memory.
        rows: row of each image in its key's array, -1 where it could not be read.
        failures: position and message of each image that could not be read.
    """

    arrays: dict[str, Tensor]
    rows: list[int]
    failures: dict[int, str]


def digest(chips: Sequence[Chip], config: ModelConfig, size: int) -> str:
    """32 hexadecimal digits over all that decides the pixels: files with size and time, windows, how they are shown."""
    hashed = hashlib.sha256(f"{_FORMAT} {size}".encode())
    shown: dict[str, str] = {}
    for chip in chips:
        name = chip.sensor.name
        if name not in shown:
            route = config.route(chip.sensor)
            tower = config.towers[route.tower]
            shown[name] = json.dumps([config.batch_key(chip.sensor), route.model_dump(mode="json"), _shows(tower)])
        layers = chip.scene.layers
        stamps = [_stamp(href) for href in sorted({chip.scene.href, *(layer.href for layer in layers)})]
        hashed.update(repr((chip.id, layers, shown[name], stamps)).encode())
    return hashed.hexdigest()[:32]


def find(folder: Path, name: str) -> Stored | None:
    """The images that were stored under a digest; None where there are none.

    Raises:
        DataError: they are damaged.
    """
    place = folder / name
    if not (place / _INDEX).is_file():
        return None
    try:
        noted = json.loads((place / _INDEX).read_text(encoding="utf-8"))
        arrays = {}
        for number, (key, count) in enumerate(noted["arrays"].items()):
            mapped = np.load(place / f"{number}.npy", mmap_mode="c", allow_pickle=False)
            arrays[key] = torch.from_numpy(mapped)[:count]
        failures = {int(at): str(said) for at, said in noted["failures"].items()}
        return Stored(arrays, [int(row) for row in noted["rows"]], failures)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{place} holds damaged decoded images ({error}): delete it, and it is made again") from error


class Writer:
    """Writes the arrays of one set; leaves nothing behind where it does not come to its end.

    Args:
        folder: `data.cache`.
        name: the set's digest.

    Raises:
        DataError: the folder cannot be written.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._keys: list[str] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._place = Path(tempfile.mkdtemp(prefix=f"{name}.", suffix=".new", dir=folder))
        except OSError as error:
            raise DataError(f"data.cache: {folder} cannot be written: {error.strerror or error}") from error

    def array(self, key: str, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A new array in a file whose room on the disk is taken at once, so that a full disk is told here.

        Raises:
            DataError: there is no room.
        """
        kind = np.dtype(str(dtype).removeprefix("torch."))
        file = self._place / f"{len(self._keys)}.npy"
        try:
            mapped = np.lib.format.open_memmap(file, mode="w+", dtype=kind, shape=shape)
            with file.open("r+b") as opened:
                os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
        except OSError as error:
            need = int(np.prod(shape, dtype=np.int64)) * kind.itemsize / 2**30
            raise DataError(
                f"data.cache: no room for {need:.1f} GiB of decoded images in {self._folder}: "
                f"{error.strerror or error}; name a folder on a larger disk, or make data.cache_size smaller"
            ) from error
        self._keys.append(key)
        return torch.from_numpy(mapped)

    def close(self, counts: Mapping[str, int], rows: Sequence[int], failures: Mapping[int, str]) -> None:
        """Write the index, and give the directory its name; another process may have been first."""
        noted: dict[str, Any] = {
            "arrays": {key: counts[key] for key in self._keys},
            "rows": list(rows),
            "failures": {str(at): said for at, said in failures.items()},
        }
        (self._place / _INDEX).write_text(json.dumps(noted), encoding="utf-8")
        try:
            self._place.rename(self._folder / self._name)
        except OSError:
            self.discard()
            if not (self._folder / self._name / _INDEX).is_file():
                raise

    def discard(self) -> None:
        """Remove what was written."""
        shutil.rmtree(self._place, ignore_errors=True)


def _shows(tower: Any) -> dict[str, Any]:  # noqa: ANN401 - a tower's entry with fields of its own type
    """What of a tower's entry decides how bands are brought to it."""
    fields = ("bands", "mean", "std", "band_names", "units")
    return {field: value for field, value in tower.model_dump(mode="json").items() if field in fields}


def _stamp(href: str) -> tuple[int, int] | None:
    """Size and time of a local file; None of anything else."""
    try:
        found = os.stat(href)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns
