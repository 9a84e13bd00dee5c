"""What an archive asks of a model. `swath.models.DualEncoder` fits; so does anything else with these five names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from swath.chips import Pixels
    from swath.features import Features


@runtime_checkable
class Encoder(Protocol):
    """A model that embeds images and texts in one space.

    A model may also have a member `fusion`: the fields of `swath.similarity.Fusion`, weights of global and local
    similarity that were calibrated for it. Without it fused searches must be given weights. A model with a location
    tower has it as `location`, and `encode_locations` gives (N, D) vectors of (N, 2) longitudes and latitudes.
    One that prepares many windows of a picture faster than one by one has `window_preparer`, as `DualEncoder`.
    """

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

    def encode_texts(
        self, texts: Sequence[str], *, truncation: Literal["warn", "error", "window"] = "warn"
    ) -> Features:
        """Embed texts; `truncation` is given only where a query asks for another policy than the default."""
        ...
