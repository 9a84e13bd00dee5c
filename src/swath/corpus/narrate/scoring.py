"""Image-text scores: how well a dual encoder thinks that a caption and its radar image belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from swath.chips import Chip
from swath.errors import SwathError
from swath.raster import read_chip

if TYPE_CHECKING:
    from swath.models import DualEncoder


class Scorer:
    """Scores captions.

    Args:
        encoder: an encoder of radar images and texts.
    """

    def __init__(self, encoder: DualEncoder) -> None:
        self._encoder = encoder

    @property
    def id(self) -> str:
        """The model that the scores come from."""
        return str(self._encoder.model_id)

    def score(self, chips: Sequence[Chip], captions: Sequence[Sequence[str]]) -> list[list[float]]:
        """Cosine similarity of each image with each of its captions; NaN where an image cannot be read.

        Args:
            chips: the images.
            captions: the captions of each.

        Raises:
            SensorError: the model takes no images of a chip's sensor.
        """
        scores = [[float("nan")] * len(texts) for texts in captions]
        pixels, owners = [], []
        for place, chip in enumerate(chips):
            if captions[place]:
                try:
                    pixels.append(read_chip(chip))
                except SwathError:
                    continue  # the caption stays unscored, which the table shows
                owners.append(place)
        if not pixels:
            return scores
        images = self._encoder.encode_pixels(pixels, tokens=False).pooled
        texts = [text for owner in owners for text in captions[owner]]
        written = self._encoder.encode_texts(texts, truncation="count", tokens=False).pooled
        which = torch.tensor([row for row, owner in enumerate(owners) for _ in captions[owner]])
        found = iter((images[which] * written).sum(dim=1).tolist())
        for owner in owners:
            scores[owner] = [next(found) for _ in captions[owner]]
        return scores
