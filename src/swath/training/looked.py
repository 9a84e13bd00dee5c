"""Images looked at once: where image towers do not change, what a caption decoder sees is found before training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.errors import InputError
from swath.models import DualEncoder
from swath.training.encoding import BatchEncoder
from swath.training.pictures import Pictures

if TYPE_CHECKING:
    from swath.training.batches import TrainingSet

_LOG = logging.getLogger(__name__)
_BATCH = 64
_LOOKED = 4
"""Ends the keys of the random numbers for the views."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a caption decoder sees of every training image.

    Attributes:
        views: by tower (V, N, M, C) float16, V views of the N images in the tower's array of `Pictures`.
    """

    views: dict[str, Tensor]

    def draw(
        self, rows: NDArray[np.int64], towers: Sequence[str], pictures: Pictures, numbers: np.random.Generator
    ) -> dict[str, Tensor]:
        """One view of each image, by tower: (B_t, M, C) float32.

        Args:
            rows: images, ordered by tower.
            towers: theirs, in this order.
            pictures: says which array an image is in, and where.
            numbers: decides.
        """
        found = {}
        for tower in towers:
            stored = self.views[tower]
            own = torch.tensor([pictures.row[row] for row in rows if pictures.tower[row] == tower])
            view = torch.from_numpy(numbers.integers(len(stored), size=len(own)))
            found[tower] = stored[view, own].float()
        return found


@torch.no_grad()
def look_once(data: TrainingSet, encoder: DualEncoder) -> Looked:
    """Encode augmented views of every image, as many as the recipe wants; they are kept in main memory.

    Args:
        data: the images; how views are drawn is the recipe's `augment`.
        encoder: with the image towers, where and in the precision in which it is to run.

    Raises:
        InputError: the recipe wants no views.
    """
    recipe, settings = data.recipe, data.recipe.objective.captioning
    if settings is None or not settings.views:
        raise InputError("objective.captioning.views is 0: there is nothing to look at beforehand")
    encoder.eval()
    batch = BatchEncoder(encoder)
    found: dict[str, Tensor] = {}
    readable, size = np.flatnonzero(data.pictures.row >= 0), recipe.augment.sizes[-1]
    for view in range(settings.views):
        for tower in data.pictures.arrays:
            members = np.array([row for row in readable if data.pictures.tower[row] == tower])
            for start in range(0, len(members), _BATCH):
                part = members[start : start + _BATCH]
                seed = np.random.default_rng([recipe.seed, view, start, _LOOKED]).integers(2**62)
                random = torch.Generator().manual_seed(int(seed))
                images = data.images(part, [tower], size, random)[tower].to(encoder.device, encoder.dtype)
                _, _, (context,) = batch.images({tower: images}, tokens=False, looks=True)
                if tower not in found:
                    shape = (settings.views, len(data.pictures.arrays[tower]), *context.shape[1:])
                    found[tower] = torch.zeros(shape, dtype=torch.float16)
                found[tower][view, data.pictures.row[part]] = context.to("cpu", torch.float16)
        _LOG.info("looked at %d images, view %d of %d", len(readable), view + 1, settings.views)
    return Looked(found)
