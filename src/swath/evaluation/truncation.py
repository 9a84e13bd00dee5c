"""A model that reads texts over its context by another policy than its default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from swath.chips import Pixels
from swath.features import Features
from swath.models.towers import Truncation

if TYPE_CHECKING:
    from swath.models import DualEncoder


@dataclass(frozen=True, slots=True)
class Reading:
    """An encoder for evaluations (`swath.evaluation.encoding.Encoder`) with a truncation policy.

    Attributes:
        model: what encodes.
        truncation: what it does with a text over its context length.
    """

    model: DualEncoder
    truncation: Truncation

    @property
    def model_id(self) -> str:
        """The model's name and digest."""
        return self.model.model_id

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the weights."""
        return self.model.dtype

    def encode_pixels(self, chips: Sequence[Pixels], *, batch_size: int = 32, tokens: bool = True) -> Features:
        """Features of images."""
        return self.model.encode_pixels(chips, batch_size=batch_size, tokens=tokens)

    def encode_texts(self, texts: Sequence[str], *, pad_to_context: bool = False, tokens: bool = True) -> Features:
        """Features of texts, by the policy."""
        return self.model.encode_texts(texts, truncation=self.truncation, pad_to_context=pad_to_context, tokens=tokens)
