"""CLIP's text transformer; state-dict keys are OpenCLIP's (at the root of a checkpoint, without a prefix)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from swath.errors import CheckpointError, InputError
from swath.models.config import TextConfig
from swath.models.layers import Activation, KeyValues, Transformer
from swath.models.positions import stretch_positions
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
        kept_positions: of two position tables, the rows that come from the first, which training leaves as it is
            (Long-CLIP: 20); 0 is one table, all of it trained.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    merges: int = Field(default=ALL_MERGES, ge=0, le=ALL_MERGES)
    width: int = Field(default=512, ge=1)
    layers: int = Field(default=12, ge=1)
    heads: int = Field(default=8, ge=1)
    mlp_ratio: float = Field(default=4.0, gt=0)
    activation: Activation = "gelu"
    kept_positions: int = Field(default=0, ge=0)


class TextTransformer(nn.Module):
    """CLIP's text tower: causal, pooled at the end token, so what stands behind the end never matters.

    Args:
        options: sizes.
        context_length: number of learned positions.
        embed_dim: length of the output vectors.

    Raises:
        CheckpointError: more positions kept than there are.
    """

    pad_id = 0
    ragged = True
    context_length: int
    kept_positions: int
    positional_embedding: Tensor

    def __init__(self, options: TextOptions, context_length: int, embed_dim: int) -> None:
        super().__init__()
        self.tokenizer = Tokenizer(options.merges)
        width = options.width
        self.token_embedding = nn.Embedding(self.tokenizer.vocab_size, width)
        self.set_positions(0.01 * torch.randn(context_length, width), options.kept_positions)
        self.transformer = Transformer(width, options.layers, options.heads, options.mlp_ratio, options.activation)
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(width**-0.5 * torch.randn(width, embed_dim))
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def set_positions(self, table: Tensor, kept: int = 0) -> None:
        """Take a table of positions, and its length as the context length.

        With `kept` rows there are two tables, laid out as Long-CLIP's, which start out equal: ``positional_embedding``,
        of which the first `kept` rows count, is a buffer and so never trained; ``positional_embedding_res`` is.

        Args:
            table: (context length, width).
            kept: rows that training leaves as they are; 0 for one table.

        Raises:
            CheckpointError: more rows kept than there are.
        """
        if kept >= len(table):
            raise CheckpointError(f"kept_positions is {kept}, but there are only {len(table)} positions")
        for name in ("positional_embedding", "positional_embedding_res"):
            self._parameters.pop(name, None)
            self._buffers.pop(name, None)
        if kept:
            self.register_buffer("positional_embedding", table)
            self.positional_embedding_res = nn.Parameter(table.clone())
        else:
            self.positional_embedding = nn.Parameter(table)
        self.kept_positions = kept
        self.context_length = len(table)

    def positions(self, length: int | None = None) -> Tensor:
        """(length, width): what is added at each of the first positions, by default at all."""
        length = self.context_length if length is None else length
        kept = min(self.kept_positions, length)
        if not kept:
            return self.positional_embedding[:length]
        return torch.cat([self.positional_embedding[:kept], self.positional_embedding_res[kept:length]])

    def stretch(self, keep: int, ratio: float | None, length: int | None) -> None:
        """Take longer texts (see `swath.models.positions.stretch_positions`); two tables become one."""
        self.set_positions(stretch_positions(self.positions().detach(), keep, ratio, length))

    def tokenize(self, texts: Sequence[str], truncation: Truncation = "warn") -> Tokenized:
        """Token ids of `texts` (see `Tokenizer.__call__`)."""
        return self.tokenizer(texts, self.context_length, truncation)

    def read(self, ids: Tensor, past: Sequence[KeyValues] | None = None) -> Tensor:
        """What a caption decoder goes on from: the states of the positions, each of which knows those before it.

        Args:
            ids: (B, N) token ids; with `past`, those that come next.
            past: one a block, filled by earlier calls and added to.

        Returns:
            (B, N, width): the last block's output as it is.

        Raises:
            InputError: more positions than the context length.
        """
        before = len(past[0]) if past else 0
        length = before + ids.shape[1]
        if length > self.context_length:
            raise InputError(f"{length} tokens are over the context length of {self.context_length}")
        x = self.token_embedding(ids) + self.positions(length)[before:]
        return self.transformer(x, causal=True, past=past)  # type: ignore[no-any-return]

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
        x = self.ln_final(self.read(ids)) @ self.text_projection
        end = mask.sum(dim=1) - 1
        return x[torch.arange(x.shape[0], device=x.device), end], x


def build(config: TextConfig, embed_dim: int, directory: Path | None = None) -> TextTransformer:  # noqa: ARG001
    """Build a ``clip`` text tower from its configuration entry (see `swath.models.towers`)."""
    return TextTransformer(parse_options(TextOptions, config), config.context_length, embed_dim)
