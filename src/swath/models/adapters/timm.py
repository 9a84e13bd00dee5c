"""Any timm backbone as a vision tower, with any number of bands."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor, nn

from swath.bands import RGB_BANDS
from swath.errors import CheckpointError, MissingExtraError, ModelError
from swath.models.adapters.torchvision import ensure_torchvision
from swath.models.backbones import fill_backbone, find_weights
from swath.models.config import TowerConfig
from swath.models.patches import use_products
from swath.models.stems import adapt_stem, stem_key, usual_bands
from swath.models.towers import parse_options

_SETTLED = frozenset(
    {
        *("model_name", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir"),
        *("in_chans", "num_classes"),
    }
)
"""Arguments that the rest of a tower's entry settles, or by which a model from elsewhere could fetch and read files."""


class TimmOptions(BaseModel):
    """Options of a ``timm`` tower.

    Attributes:
        model: timm's name of the backbone (``resnet50``, ``vit_small_patch16_224``).
        pretrained: whether a fresh model starts from timm's weights, which see red, green and blue; a saved one brings
            its own.
        weights: weights that a fresh model starts from instead: a file, a zoo name, or ``org/name/file.pth`` on the hub
            (see `swath.models.backbones`).
        weight_bands: names of the bands that `weights` see, in their order, where their number does not tell.
        arguments: further arguments of timm's constructor (``layers``, ``depth``).
        head: outputs of the backbone's own classifier, kept before the projection; 0: none. CLOSP keeps ResNet's 1000.
        bias: whether the projection has one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    pretrained: bool = False
    weights: str | None = None
    weight_bands: tuple[str, ...] | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    head: int = Field(default=0, ge=0)
    bias: bool = False

    @field_validator("arguments")
    @classmethod
    def _check_arguments(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        settled = sorted(_SETTLED & set(arguments))
        if settled:
            raise ValueError(f"{', '.join(settled)} cannot be given here; say it by pretrained, weights, bands or head")
        return arguments


class TimmTower(nn.Module):
    """A timm backbone and a linear projection into the shared space.

    Args:
        backbone: made by `timm.create_model`, with `head` classes.
        embed_dim: length of the output vectors.
        head: outputs of the backbone's classifier; 0 where it has none.
        bias: whether the projection has one.
    """

    def __init__(self, backbone: Any, embed_dim: int, *, head: int = 0, bias: bool = False) -> None:  # noqa: ANN401 - any timm model
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.proj = nn.Linear(head or backbone.head_hidden_size, embed_dim, bias=bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encode images.

        Args:
            images: (B, bands, S, S).

        Returns:
            pooled (B, D), by the backbone's own pooling; tokens (B, N, D): its last feature map, row by row. Both pass
            the same classifier, if there is one, and projection. N is 0 where the backbone widens its features after
            pooling.
        """
        features = self.backbone.forward_features(images)
        pooled = self.proj(self.backbone.forward_head(features, pre_logits=not self.head))
        tokens = self._tokens(features)
        if tokens.shape[-1] != self.backbone.head_hidden_size:
            return pooled, pooled.new_empty(pooled.shape[0], 0, pooled.shape[1])
        return pooled, self.proj(self.backbone.get_classifier()(tokens) if self.head else tokens)

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
        CheckpointError: the weights to start from cannot be found or do not fit.
    """
    options = parse_options(TimmOptions, config)
    fresh = directory is None
    if fresh and options.pretrained and options.weights:
        raise CheckpointError(f"a timm tower starts from timm's weights or from {options.weights!r}, not from both")
    bands = config.band_names or usual_bands(config.band_count)
    backbone = _create(options, config, pretrained=fresh and options.pretrained, bands=bands)
    if fresh and options.weights:
        file, entry = find_weights(options.weights)
        known = options.weight_bands or (entry.bands if entry else None)
        fill_backbone(backbone, file, _named(bands, config), known)
    use_products(backbone)
    return TimmTower(backbone, embed_dim, head=options.head, bias=options.bias)


def _create(options: TimmOptions, config: TowerConfig, *, pretrained: bool, bands: tuple[str, ...] | None) -> Any:  # noqa: ANN401 - any timm model
    ensure_torchvision()
    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise MissingExtraError("timm", "adapters") from error
    # timm repeats red, green and blue over other bands by position, so other bands are not left to it.
    count = len(RGB_BANDS) if pretrained else config.band_count
    extra = {"in_chans": count, "num_classes": options.head, "pretrained": pretrained, **options.arguments}
    try:
        try:
            backbone = timm.create_model(options.model, img_size=config.image_size, **extra)
        except TypeError:  # convolutional networks take any size, and no argument for it
            backbone = timm.create_model(options.model, **extra)
    except Exception as error:
        raise ModelError(f"timm cannot build {options.model!r} with {count} bands: {error}") from error
    if pretrained and (bands != RGB_BANDS or config.band_count != count):
        _widen(backbone, _named(bands, config))
    return backbone


def _widen(backbone: nn.Module, bands: tuple[str, ...]) -> None:
    """Give a backbone that sees red, green and blue a first layer for other bands."""
    key = stem_key(backbone.state_dict())
    layer = backbone.get_submodule(key.removesuffix(".weight"))
    if not isinstance(layer, nn.Conv2d):
        raise CheckpointError(f"the first layer of {type(backbone).__name__}, {key}, is no convolution")
    layer.weight = nn.Parameter(adapt_stem(layer.weight.detach(), RGB_BANDS, bands).contiguous())
    layer.in_channels = len(bands)


def _named(bands: tuple[str, ...] | None, config: TowerConfig) -> tuple[str, ...]:
    if bands is None:
        raise CheckpointError(
            f"which {config.bands} bands the tower takes is not known: name them in their order (band_names)"
        )
    return bands
