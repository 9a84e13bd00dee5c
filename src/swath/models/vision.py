"""The vision transformer of CLIP, for any number of bands; state-dict keys are OpenCLIP's below ``visual.``."""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from swath.errors import InputError, ModelError
from swath.models.config import TowerConfig
from swath.models.layers import Activation, Transformer
from swath.models.pooler import AttentionalPooler
from swath.models.routing import ANY_BANDS
from swath.models.towers import parse_options


class ViTOptions(BaseModel):
    """Options of a ``vit`` tower.

    Attributes:
        patch_size: side of a patch in pixels.
        width: length of a token inside the tower.
        layers: number of blocks.
        heads: attention heads; CLIP has one per 64 of width, OpenCLIP's H, g and bigG fewer.
        mlp_ratio: hidden over outer width of the MLP.
        activation: ``gelu`` or ``quickgelu``; cannot be seen from the weights.
        queries: queries of an attentional pooler behind the blocks, as OpenCLIP's CoCa has; 0 for none.
        pooler_heads: its attention heads.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    patch_size: int = Field(default=32, ge=1)
    width: int = Field(default=768, ge=1)
    layers: int = Field(default=12, ge=1)
    heads: int = Field(default=12, ge=1)
    mlp_ratio: float = Field(default=4.0, gt=0)
    activation: Activation = "gelu"
    queries: int = Field(default=0, ge=0)
    pooler_heads: int = Field(default=8, ge=1)


class VisionTransformer(nn.Module):
    """CLIP's image tower: patches, a class token, learned positions, pre-norm blocks.

    With a pooler it is the image tower of OpenCLIP's CoCa: the first query's answer stands for the image, the others
    are its tokens, in place of the class token and the patches.

    Args:
        options: sizes.
        image_size: side of the input in pixels; a multiple of the patch size.
        bands: number of input bands.
        embed_dim: length of the output vectors.

    Raises:
        ModelError: the image size is not a multiple of the patch size.
    """

    def __init__(self, options: ViTOptions, image_size: int, bands: int, embed_dim: int) -> None:
        super().__init__()
        if image_size % options.patch_size:
            raise ModelError(f"image size {image_size} is not a multiple of patch size {options.patch_size}")
        width, patch = options.width, options.patch_size
        self.image_size, self.bands = image_size, bands
        self.grid = image_size // patch
        scale = width**-0.5
        self.class_embedding = nn.Parameter(scale * torch.randn(width))
        self.positional_embedding = nn.Parameter(scale * torch.randn(self.grid**2 + 1, width))
        pooled = embed_dim if options.queries else width
        self.proj = nn.Parameter(scale * torch.randn(pooled, embed_dim))
        self.conv1 = nn.Conv2d(bands, width, kernel_size=patch, stride=patch, bias=False)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, options.layers, options.heads, options.mlp_ratio, options.activation)
        self.attn_pool = None
        if options.queries:
            self.attn_pool = AttentionalPooler(embed_dim, width, options.pooler_heads, options.queries)
        self.ln_post = nn.LayerNorm(pooled)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encode images.

        Args:
            images: (B, bands, image_size, image_size), normalised.

        Returns:
            pooled (B, D): the projected class token; tokens (B, grid * grid, D): the projected patch tokens, row by
            row from the upper left (with a pooler, the answers to its queries). Both pass `ln_post` and `proj`;
            neither is normalised.

        Raises:
            InputError: the batch has another shape.
        """
        pooled, tokens, _ = self.look(images)
        return pooled, tokens

    def look(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `forward` gives, and what a caption decoder looks at: a pooler's answers before projection.

        Returns:
            pooled (B, D), tokens (B, N, D), context (B, N, D): without a pooler, the tokens.
        """
        wanted = (self.bands, self.image_size, self.image_size)
        if images.ndim != 4 or tuple(images.shape[1:]) != wanted:
            raise InputError(f"the image tower takes (B, {', '.join(map(str, wanted))}), not {tuple(images.shape)}")
        return self._seen(self._patches(images))

    def _seen(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What `look` gives, of embedded patches (B, grid * grid, width)."""
        x = self._encoded(patches)
        projected = x @ self.proj
        return projected[:, 0], projected[:, 1:], (projected if self.attn_pool is None else x)[:, 1:]

    def _encoded(self, patches: Tensor) -> Tensor:
        first = self.class_embedding.to(patches.dtype).expand(patches.shape[0], 1, -1)
        x = torch.cat([first, patches], dim=1) + self.positional_embedding.to(patches.dtype)
        x = self.transformer(self.ln_pre(x))
        return self.ln_post(x if self.attn_pool is None else self.attn_pool(x))  # type: ignore[no-any-return]

    def _patches(self, images: Tensor) -> Tensor:
        """`conv1` as one matrix product, which it is where stride and kernel agree; twice as fast in bfloat16."""
        grid, patch = self.grid, self.conv1.kernel_size[0]
        cells = images.reshape(images.shape[0], self.bands, grid, patch, grid, patch).permute(0, 2, 4, 1, 3, 5)
        return F.linear(cells.reshape(images.shape[0], grid * grid, -1), self.conv1.weight.flatten(1))


def build(config: TowerConfig, embed_dim: int, directory: Path | None = None) -> VisionTransformer:  # noqa: ARG001
    """Build a ``vit`` tower from its configuration entry (see `swath.models.towers`)."""
    if config.bands == ANY_BANDS:
        from swath.models.wavelength import build_vit

        return build_vit(config, embed_dim)
    return VisionTransformer(parse_options(ViTOptions, config), config.image_size, config.band_count, embed_dim)
