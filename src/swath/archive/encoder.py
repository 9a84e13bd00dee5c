"""What an archive asks of a model. `swath.models.DualEncoder` fits; so does anything else with these five names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from swath.chips import Pixels
    from swath.features import Features


@runtime_checkable
class Encoder(Protocol):
    """A model that embeds images and texts in one space."""

    @property
    def model_id(self) -> str:
        """A name that changes whenever the embeddings would."""
        ...

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        ...

    def prepare(self, pixels: Pixels) -> Tensor:
        """Turn pixels into the model's input, (channels, H, W); called from several threads at once."""
        ...

    def encode_images(self, batch: Tensor, sensor: str) -> Features:
        """Embed a batch (B, channels, H, W) of one sensor."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Features:
        """Embed texts."""
        ...
