"""Pictures of a corpus' images as files, for formats that know nothing of windows and bands."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from swath.chips import Chip
from swath.data.dataset import Dataset
from swath.data.pairs import Pair
from swath.errors import DataError, InputError
from swath.raster import read_chip

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


class Pictures:
    """Finds or renders a picture of each image.

    Args:
        dataset: the corpus.
        folder: where rendered pictures go; made as needed.
    """

    def __init__(self, dataset: Dataset, folder: Path) -> None:
        self._dataset, self._folder = dataset, folder

    def of(self, pair: Pair) -> Path:
        """The image's own file where that is an 8-bit picture, else a PNG of it as its sensor is shown.

        Raises:
            RasterError: the image cannot be read.
            InputError: the folder cannot be written.
        """
        own = self._own(pair)
        if own is not None:
            return own
        target = self._folder / f"{pair.chip.id}.png"
        if not target.exists():
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                partial = target.with_suffix(".partial")
                picture(pair.chip).save(partial, "PNG")
                partial.replace(target)
            except OSError as error:
                raise InputError(f"pictures cannot be written to {self._folder}: {error}") from error
        return target

    def _own(self, pair: Pair) -> Path | None:
        try:
            file = self._dataset.image_file(pair)
        except DataError:
            return None  # a window of a scene: it has no file of its own
        return file if file.suffix.lower() in _PICTURES else None


def picture(chip: Chip) -> Image.Image:
    """A chip as its sensor is shown in RGB, or in grey.

    Raises:
        RasterError: the chip cannot be read.
    """
    pixels = read_chip(chip, min_valid=0.0)
    shown = pixels.to_rgb()
    if pixels.sensor.is_grey:
        return Image.fromarray(np.ascontiguousarray(shown[0]))
    return Image.fromarray(np.ascontiguousarray(np.moveaxis(shown, 0, 2)))


def relative(file: Path, folder: Path) -> str:
    """A file as a path relative to a folder, so that both can move together."""
    return Path(os.path.relpath(os.path.realpath(file), os.path.realpath(folder))).as_posix()
