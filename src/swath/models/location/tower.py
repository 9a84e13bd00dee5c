"""The optional location tower of a `DualEncoder`: a location encoder and, where widths differ, a projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from swath.models.config import LocationConfig
from swath.models.location.encoders import (
    GeoCLIPEncoder,
    GeoCLIPOptions,
    LocationEncoder,
    SatCLIPEncoder,
    SatCLIPOptions,
)
from swath.models.towers import TextTower, VisionTower, parse_options

if TYPE_CHECKING:
    from swath.models.dual_encoder import DualEncoder


class LocationTower(nn.Module):
    """Places into the shared space; always in float32 (`full_precision`), which its phases need.

    Args:
        encoder: the location encoder.
        embed_dim: length of the shared vectors; a linear projection follows where the encoder's are of another, as
            GeoCLOSP has it.
    """

    full_precision = True

    def __init__(self, encoder: LocationEncoder, embed_dim: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = nn.Identity() if encoder.width == embed_dim else nn.Linear(encoder.width, embed_dim)
        self.float()

    def forward(self, lonlat: Tensor) -> Tensor:
        """Encode checked places (N, 2), degrees, to (N, D), not normalised."""
        return cast(Tensor, self.projection(self.encoder(lonlat)))


def build_satclip(config: LocationConfig, embed_dim: int) -> LocationTower:
    """A fresh ``satclip`` tower.

    Raises:
        CheckpointError: an option is unknown or out of range.
    """
    options = parse_options(SatCLIPOptions, config)
    return LocationTower(SatCLIPEncoder(options, config.width or embed_dim), embed_dim)


def build_geoclip(config: LocationConfig, embed_dim: int) -> LocationTower:
    """A fresh ``geoclip`` tower.

    Raises:
        CheckpointError: an option is unknown or out of range.
    """
    options = parse_options(GeoCLIPOptions, config)
    return LocationTower(GeoCLIPEncoder(options, config.width or embed_dim), embed_dim)


def attach_location(model: DualEncoder, encoder: LocationEncoder) -> DualEncoder:
    """A model with the same image and text towers (shared, not copied) and a location tower.

    Args:
        model: its location tower, if it has one, is left out; its captioner is shared too.
        encoder: becomes part of the result, in float32; a projection that it needs is drawn at random.

    Returns:
        the model, in the mode (training or encoding) and on the device of `model`.
    """
    from swath.models.dual_encoder import DualEncoder

    entry = LocationConfig(type=encoder.kind, width=encoder.width, **encoder.options.model_dump(mode="json"))
    joined = DualEncoder(
        model.config.model_copy(update={"location": entry, "digest": None}),
        text=cast(TextTower, model.text),
        towers=cast(dict[str, VisionTower], dict(model.towers)),
        location=LocationTower(encoder, model.dim),
    )
    joined.text_decoder = model.text_decoder
    joined.logit_scale = nn.Parameter(model.logit_scale.detach().clone())
    return joined.train(model.training).to(model.device)
