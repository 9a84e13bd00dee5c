"""The keyword reasoner of EBAKER (section 3.4): fill masked keywords of a caption in, looking at the image."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from swath.errors import ModelError
from swath.features import Features
from swath.models.layers import QuickGELU

Sees = Literal["patches", "patches_and_global"]
"""What the text attends to: ``patches_and_global`` is the paper's text, ``patches`` its released code."""


class ReasonerOptions(BaseModel):
    """Sizes of a keyword reasoner.

    Attributes:
        layers: transformer blocks behind the cross-attention: 4 in the paper, 2 in the released code.
        sees: what of the image the text attends to.
        dropout: in attention and MLP.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    layers: int = Field(default=4, ge=1)
    sees: Sees = "patches_and_global"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)


class KeywordReasoner(nn.Module):
    """One cross-attention from masked text to image, transformer blocks, and a head over a vocabulary.

    Trained beside a `DualEncoder` and thrown away afterwards; initialised as IRRA's (Jiang & Ye, CVPR 2023).

    Args:
        width: length of the feature vectors.
        vocabulary: number of classes to choose from: the tokenizer's vocabulary, or the keyword list's.
        options: sizes.

    Raises:
        ModelError: `width` is not a multiple of 64 (one attention head per 64) and not below 64.
    """

    def __init__(self, width: int, vocabulary: int, options: ReasonerOptions | None = None) -> None:
        super().__init__()
        options = options or ReasonerOptions()
        heads = max(1, width // 64)
        if width % heads:
            raise ModelError(f"a reasoner's width must be a multiple of its {heads} heads, got {width}")
        self.sees = options.sees
        self.ln_text = nn.LayerNorm(width)
        self.ln_image = nn.LayerNorm(width)
        self.cross_attention = nn.MultiheadAttention(width, heads, options.dropout, batch_first=True)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, options.dropout, QuickGELU(), batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, options.layers, enable_nested_tensor=False)
        self.ln_post = nn.LayerNorm(width)
        self.head = nn.Sequential(
            nn.Linear(width, width), QuickGELU(), nn.LayerNorm(width), nn.Linear(width, vocabulary)
        )
        self._initialise(width, options.layers)

    def _initialise(self, width: int, layers: int) -> None:
        projection_std = width**-0.5 * (2 * layers) ** -0.5
        attentions = [module for module in self.modules() if isinstance(module, nn.MultiheadAttention)]
        for attention in attentions:
            nn.init.normal_(attention.in_proj_weight, std=width**-0.5)
            nn.init.normal_(attention.out_proj.weight, std=projection_std)
        for block in self.blocks.layers:
            if isinstance(block, nn.TransformerEncoderLayer):
                nn.init.normal_(block.linear1.weight, std=(2 * width) ** -0.5)
                nn.init.normal_(block.linear2.weight, std=projection_std)
        for module in self.head:
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=width**-0.5)
                nn.init.zeros_(module.bias)

    def forward(self, text: Features, image: Features, at: Tensor | None = None) -> Tensor:
        """Score every word of the vocabulary at positions of the masked captions.

        Args:
            text: features of the captions with their keywords masked; tokens (B, N, D).
            image: features of the captions' own images; tokens (B, M, D).
            at: (B, N) bool, the positions to score; the head, which costs most, is spared the others. None scores all.

        Returns:
            (B, N, V) logits; with `at`, (its number of True, V), row by row.
        """
        seen, known = image.tokens, image.mask
        if self.sees == "patches_and_global":
            seen = torch.cat([image.pooled[:, None], seen], dim=1)
            known = torch.cat([known.new_ones(len(known), 1), known], dim=1)
        seen = self.ln_image(seen)
        words = self.ln_text(text.tokens)
        x, _ = self.cross_attention(words, seen, seen, key_padding_mask=~known, need_weights=False)
        x = self.blocks(x, src_key_padding_mask=~text.mask)
        return self.head(self.ln_post(x if at is None else x[at]))  # type: ignore[no-any-return]
