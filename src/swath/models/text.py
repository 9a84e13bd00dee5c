"""CLIP's text transformer; state-dict keys are OpenCLIP's (at the root of a checkpoint, without a prefix)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from swath.errors import InputError
from swath.models.config import TextConfig
from swath.models.layers import Activation, Transformer
from swath.models.tokenizer import ALL_MERGES, Tokenizer
from swath.models.towers import Tokenized, Truncation, parse_options


class TextOptions(BaseModel):
    """Options of a ``clip`` text tower.

    Attributes:
        merges: merges of the byte-pair encoding; the vocabulary is merges + 514.
        width: length of a token inside the tower.
        layers: number of blocks.
        heads: attention heads; CLIP has one per 64 of width.
        mlp_ratio: hidden over outer width of the MLP.
        activation: ``gelu`` or ``quickgelu``; cannot be seen from the weights.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    merges: int = Field(default=ALL_MERGES, ge=0, le=ALL_MERGES)
    width: int = Field(default=512, ge=1)
    layers: int = Field(default=12, ge=1)
    heads: int = Field(default=8, ge=1)
    mlp_ratio: float = Field(default=4.0, gt=0)
    activation: Activation = "gelu"


class TextTransformer(nn.Module):
    """CLIP's text tower: causal, pooled at the end token, so what stands behind the end never matters.

    Args:
        options: sizes.
        context_length: number of learned positions.
        embed_dim: length of the output vectors.
    """

    pad_id = 0
    ragged = True

    def __init__(self, options: TextOptions, context_length: int, embed_dim: int) -> None:
        super().__init__()
        self.context_length = context_length
        self.tokenizer = Tokenizer(options.merges)
        width = options.width
        self.token_embedding = nn.Embedding(self.tokenizer.vocab_size, width)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(context_length, width))
        self.transformer = Transformer(width, options.layers, options.heads, options.mlp_ratio, options.activation)
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(width**-0.5 * torch.randn(width, embed_dim))
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def tokenize(self, texts: Sequence[str], truncation: Truncation = "warn") -> Tokenized:
        """Token ids of `texts` (see `Tokenizer.__call__`)."""
        return self.tokenizer(texts, self.context_length, truncation)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode token ids.

        Args:
            ids: (B, N) int64, N up to the context length.
            mask: (B, N) bool, True on a text's own tokens, the end token last.

        Returns:
            pooled (B, D): the vector of the end token; tokens (B, N, D): all positions, those of the padding too.
            Both pass `ln_final` and `text_projection`; neither is normalised.

        Raises:
            InputError: more positions than the context length.
        """
        if ids.shape[1] > self.context_length:
            raise InputError(f"{ids.shape[1]} tokens are over the context length of {self.context_length}")
        x = self.token_embedding(ids) + self.positional_embedding[: ids.shape[1]]
        x = self.ln_final(self.transformer(x, causal=True)) @ self.text_projection
        end = mask.sum(dim=1) - 1
        return x[torch.arange(x.shape[0], device=x.device), end], x


def build(config: TextConfig, embed_dim: int, directory: Path | None = None) -> TextTransformer:  # noqa: ARG001
    """Build a ``clip`` text tower from its configuration entry (see `swath.models.towers`)."""
    return TextTransformer(parse_options(TextOptions, config), config.context_length, embed_dim)
