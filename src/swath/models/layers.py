"""The transformer that the CLIP towers are made of; parameter names are OpenCLIP's."""

from __future__ import annotations

from collections.abc import Sequence
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


class KeyValues:
    """Keys and values of one self-attention layer at all positions so far, so that none is computed twice.

    Attributes:
        keys: (B, heads, N, width of a head); None before the first position.
        values: as `keys`.
    """

    __slots__ = ("keys", "values")

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def __len__(self) -> int:
        return 0 if self.keys is None else self.keys.shape[2]

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Take in those of further positions; gives those of all positions."""
        if self.keys is not None and self.values is not None:
            keys, values = torch.cat([self.keys, keys], dim=2), torch.cat([self.values, values], dim=2)
        self.keys, self.values = keys, values
        return keys, values

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order; a row may be taken several times."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[rows], self.values[rows]


class Attention(nn.Module):
    """Multi-head attention with the parameter names of `nn.MultiheadAttention`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ModelError(f"a width of {width} cannot be split into {heads} heads")
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(
        self, x: Tensor, causal: bool = False, mask: Tensor | None = None, past: KeyValues | None = None
    ) -> Tensor:
        """Attend (B, N, W) -> (B, N, W).

        Args:
            x: the new positions.
            causal: whether a position sees only itself and those before it.
            mask: what each position sees, in place of `causal`: bool, broadcast to (B, heads, N, N).
            past: what the positions before `x` left here; `x` then comes behind them and is added.
        """
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.reshape(*x.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if past is not None:
            before, new = len(past), x.shape[1]
            k, v = past.extend(k, v)
            if causal and before and new > 1:
                mask = torch.ones(new, before + new, dtype=torch.bool, device=x.device).tril(before)
            causal = causal and before == 0
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal and mask is None)
        return self.out_proj(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def project(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of what `look` looks at: (B, M, W) -> twice (B, heads, M, width of a head)."""
        width = self.out_proj.in_features
        kv = F.linear(context, self.in_proj_weight[width:], self.in_proj_bias[width:])
        k, v = kv.reshape(*context.shape[:2], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
        return k, v

    def look(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attend from positions to something else (cross-attention).

        Args:
            x: (R, N, W), R a multiple of B: each R / B rows in a row look at the same thing.
            keys: (B, heads, M, width of a head), from `project`.
            values: as `keys`.

        Returns:
            (R, N, W).
        """
        width = self.out_proj.in_features
        # Positions do not see each other here, so all rows of one thing are queries of one attention.
        grouped = x.reshape(keys.shape[0], -1, width)
        q = F.linear(grouped, self.in_proj_weight[:width], self.in_proj_bias[:width])
        q = q.reshape(*grouped.shape[:2], self.heads, -1).transpose(1, 2)
        out = F.scaled_dot_product_attention(q, keys, values).transpose(1, 2).flatten(2)
        return self.out_proj(out).view(x.shape)  # type: ignore[no-any-return]


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

    def forward(
        self, x: Tensor, causal: bool = False, mask: Tensor | None = None, past: KeyValues | None = None
    ) -> Tensor:
        """(B, N, W) -> (B, N, W); arguments are those of `Attention`."""
        x = x + self.attn(self.ln_1(x), causal, mask, past)
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """A stack of residual blocks, initialised as CLIP's (Radford et al. 2021, released code)."""

    def __init__(self, width: int, layers: int, heads: int, mlp_ratio: float, activation: Activation) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(ResidualBlock(width, heads, mlp_ratio, activation) for _ in range(layers))
        for block in self.resblocks:
            assert isinstance(block, ResidualBlock)  # noqa: S101 - tells the type checker what ModuleList holds
            initialise(block.attn, block.mlp, width, layers)

    def forward(
        self,
        x: Tensor,
        causal: bool = False,
        mask: Tensor | None = None,
        past: Sequence[KeyValues] | None = None,
    ) -> Tensor:
        """(B, N, W) -> (B, N, W); arguments are those of `Attention`, with one `past` a block."""
        for number, block in enumerate(self.resblocks):
            x = block(x, causal, mask, None if past is None else past[number])
        return x


def initialise(attention: Attention, mlp: MLP, width: int, layers: int) -> None:
    """Draw the weights of one block of a transformer of `layers` blocks, as CLIP's are (Radford et al. 2021, code)."""
    projection_std = width**-0.5 * (2 * layers) ** -0.5
    nn.init.normal_(attention.in_proj_weight, std=width**-0.5)
    nn.init.normal_(attention.out_proj.weight, std=projection_std)
    nn.init.zeros_(attention.out_proj.bias)
    nn.init.normal_(mlp.c_fc.weight, std=(2 * width) ** -0.5)
    nn.init.normal_(mlp.c_proj.weight, std=projection_std)
