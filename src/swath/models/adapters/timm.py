"""Any timm backbone as a vision tower, with any number of bands."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from swath.errors import MissingExtraError, ModelError
from swath.models.adapters.torchvision import ensure_torchvision
from swath.models.config import TowerConfig
from swath.models.towers import parse_options


class TimmOptions(BaseModel):
    """Options of a ``timm`` tower.

    Attributes:
        model: timm's name of the backbone (``resnet50``, ``vit_small_patch16_224``).
        pretrained: whether a fresh model starts from timm's weights; a saved one brings its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    pretrained: bool = False


class TimmTower(nn.Module):
    """A timm backbone and a linear projection into the shared space.

    Args:
        backbone: made by `timm.create_model` without a classifier.
        embed_dim: length of the output vectors.
    """

    def __init__(self, backbone: Any, embed_dim: int) -> None:  # noqa: ANN401 - any timm model
        super().__init__()
        self.backbone = backbone
        self.proj = nn.Linear(backbone.head_hidden_size, embed_dim, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encode images.

        Args:
            images: (B, bands, S, S).

        Returns:
            pooled (B, D), by the backbone's own pooling; tokens (B, N, D): its last feature map, row by row. Both pass
            the same projection. N is 0 where the backbone widens its features after pooling.
        """
        features = self.backbone.forward_features(images)
        pooled = self.proj(self.backbone.forward_head(features, pre_logits=True))
        tokens = self._tokens(features)
        if tokens.shape[-1] != self.proj.in_features:
            return pooled, pooled.new_empty(pooled.shape[0], 0, pooled.shape[1])
        return pooled, self.proj(tokens)

    def _tokens(self, features: Tensor) -> Tensor:
        if features.ndim == 3:  # (B, prefix + N, W)
            return features[:, getattr(self.backbone, "num_prefix_tokens", 0) :]
        if getattr(self.backbone, "output_fmt", "NCHW") == "NHWC":
            return features.flatten(1, 2)
        return features.flatten(2).transpose(1, 2)


def build(config: TowerConfig, embed_dim: int, directory: Path | None = None) -> TimmTower:
    """Build a ``timm`` tower from its configuration entry (see `swath.models.towers`).

    Raises:
        MissingExtraError: timm is not installed.
        ModelError: timm does not know the backbone, or cannot build it so.
    """
    options = parse_options(TimmOptions, config)
    ensure_torchvision()
    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise MissingExtraError("timm", "adapters") from error
    extra: dict[str, Any] = {"in_chans": config.bands, "num_classes": 0}
    extra["pretrained"] = options.pretrained and directory is None
    try:
        try:
            backbone = timm.create_model(options.model, img_size=config.image_size, **extra)
        except TypeError:  # convolutional networks take any size, and no argument for it
            backbone = timm.create_model(options.model, **extra)
    except Exception as error:
        raise ModelError(f"timm cannot build {options.model!r} with {config.bands} bands: {error}") from error
    return TimmTower(backbone, embed_dim)
