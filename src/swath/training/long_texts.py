"""Long captions of a training set, for the dual-text loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data import Pair
from swath.errors import DataError
from swath.models import DualEncoder


@dataclass(frozen=True, slots=True)
class LongTexts:
    """One long caption for each image of a batch, ordered by length.

    Attributes:
        ids: (B, N) token ids.
        mask: (B, N) of `ids`.
        text_caption: (B,) id of each text's caption; equal captions have equal ids.
        image_caption: (B,) id of the caption drawn for each image, in the order of the images.
    """

    ids: Tensor
    mask: Tensor
    text_caption: Tensor
    image_caption: Tensor

    def to(self, device: torch.device) -> LongTexts:
        """The same on a device."""
        moved = (self.ids, self.mask, self.text_caption, self.image_caption)
        return LongTexts(*(value.to(device) for value in moved))


class LongCaptions:
    """The long captions of every image of a training set.

    Args:
        pairs: the images.

    Raises:
        DataError: an image has none.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        without = [pair.name for pair in pairs if not pair.long_captions]
        if without:
            raise DataError(
                f"objective.dual_text needs a long caption of every image; {len(without)} of {len(pairs)} have none, "
                f"such as {without[0]}: write them with `swath corpus long`, or leave these images out"
            )
        known: dict[str, int] = {}
        self._ids = [
            [known.setdefault(" ".join(text.split()), len(known)) for text in pair.long_captions] for pair in pairs
        ]
        self._texts = list(known)

    def draw(self, rows: NDArray[np.int64], model: DualEncoder, random: np.random.Generator) -> LongTexts:
        """One long caption for each of some images.

        Args:
            rows: (B,) the images.
            model: whose tokenizer to use.
            random: decides which of an image's captions.
        """
        chosen = [self._ids[row][int(random.integers(len(self._ids[row])))] for row in rows]
        ids, mask = model.tokenize([self._texts[caption] for caption in chosen], truncation="count")
        by_length = torch.argsort(mask.sum(dim=1), stable=True)
        captions = torch.tensor(chosen)
        return LongTexts(ids[by_length], mask[by_length], captions[by_length], captions)


def first_sentence(text: str) -> str:
    """What stands in for a short caption where there is none, as in Long-CLIP."""
    words = " ".join(text.split())
    head, found, _ = words.partition(". ")
    return head + "." if found else words
