"""The transformer that the CLIP towers are made of; parameter names are OpenCLIP's."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.errors import ModelError

Activation = Literal["gelu", "quickgelu"]
"""CLIP's two activations; weights trained with one give wrong vectors with the other, and no error."""


class QuickGELU(nn.Module):
    """`x * sigmoid(1.702 x)`, the activation of OpenAI's CLIP."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the activation element by element."""
        return x * torch.sigmoid(1.702 * x)


_ACTIVATIONS: dict[Activation, type[nn.Module]] = {"gelu": nn.GELU, "quickgelu": QuickGELU}


class Attention(nn.Module):
    """Multi-head self-attention with the parameter names of `nn.MultiheadAttention`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(f"a width of {width} cannot be split into {heads} heads")
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, causal: bool = False) -> Tensor:
        """Attend (B, N, W) -> (B, N, W); with `causal` a position sees itself and those before it."""
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.reshape(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out_proj(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class MLP(nn.Module):
    """Two linear layers with an activation between them."""

    def __init__(self, width: int, hidden: int, activation: Activation) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, hidden)
        self.gelu = _ACTIVATIONS[activation]()
        self.c_proj = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, W) -> (B, N, W)."""
        return self.c_proj(self.gelu(self.c_fc(x)))  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, heads: int, mlp_ratio: float, activation: Activation) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = MLP(width, int(width * mlp_ratio), activation)

    def forward(self, x: Tensor, causal: bool = False) -> Tensor:
        """(B, N, W) -> (B, N, W)."""
        x = x + self.attn(self.ln_1(x), causal)
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """A stack of residual blocks, initialised as CLIP's (Radford et al. 2021, released code)."""

    def __init__(self, width: int, layers: int, heads: int, mlp_ratio: float, activation: Activation) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(ResidualBlock(width, heads, mlp_ratio, activation) for _ in range(layers))
        projection_std = width**-0.5 * (2 * layers) ** -0.5
        for block in self.resblocks:
            assert isinstance(block, ResidualBlock)  # noqa: S101 - tells the type checker what ModuleList holds
            nn.init.normal_(block.attn.in_proj_weight, std=width**-0.5)
            nn.init.normal_(block.attn.out_proj.weight, std=projection_std)
            nn.init.zeros_(block.attn.out_proj.bias)
            nn.init.normal_(block.mlp.c_fc.weight, std=(2 * width) ** -0.5)
            nn.init.normal_(block.mlp.c_proj.weight, std=projection_std)

    def forward(self, x: Tensor, causal: bool = False) -> Tensor:
        """(B, N, W) -> (B, N, W)."""
        for block in self.resblocks:
            x = block(x, causal)
        return x
