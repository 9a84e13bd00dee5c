"""Attentional pooling: learned queries that look at the tokens of an image (CoCa, Yu et al. 2022, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from swath.errors import ModelError


class AttentionalPooler(nn.Module):
    """One cross-attention from learned queries; parameter names are OpenCLIP's.

    Args:
        width: length of the answers.
        context: length of the tokens that are looked at.
        heads: attention heads.
        queries: how many answers there are.

    Raises:
        ModelError: `width` cannot be split into so many heads.
    """

    def __init__(self, width: int, context: int, heads: int, queries: int) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(f"a pooler of width {width} cannot be split into {heads} heads")
        self.query = nn.Parameter(torch.randn(queries, width))
        self.attn = nn.MultiheadAttention(width, heads, kdim=context, vdim=context, batch_first=True)
        self.ln_q = nn.LayerNorm(width)
        self.ln_k = nn.LayerNorm(context)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, context) to (B, queries, width)."""
        seen = self.ln_k(tokens)
        asked = self.ln_q(self.query).expand(len(tokens), -1, -1)
        return self.attn(asked, seen, seen, need_weights=False)[0]  # type: ignore[no-any-return]
