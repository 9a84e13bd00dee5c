"""CoCa's multimodal decoder: words look at an image and say which comes next (Yu et al. 2022, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from swath.errors import CheckpointError
from swath.models.config import CaptionerConfig, ModelConfig
from swath.models.layers import MLP, Activation, Attention, KeyValues, ResidualBlock, initialise
from swath.models.pooler import AttentionalPooler
from swath.models.text import TextTransformer

DECODER = "text_decoder."
"""Prefix of a decoder's weights in a model's state dict."""

Memory = list[tuple[Tensor, Tensor]]
"""Keys and values of an image in each block: (B, heads, M, width of a head) each."""


class CrossBlock(nn.Module):
    """A pre-norm block that attends to an image."""

    def __init__(self, width: int, heads: int, mlp_ratio: float, activation: Activation) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_1_kv = nn.LayerNorm(width)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = MLP(width, int(width * mlp_ratio), activation)

    def remember(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of an image's tokens (B, M, W), for `forward`."""
        return self.attn.project(self.ln_1_kv(context))

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """(R, N, W) -> (R, N, W), R a multiple of the number of images (see `Attention.look`)."""
        x = x + self.attn.look(self.ln_1(x), keys, values)
        return x + self.mlp(self.ln_2(x))  # type: ignore[no-any-return]


class MultimodalDecoder(nn.Module):
    """Blocks of causal self-attention and of cross-attention in turn, and a head over the vocabulary.

    Parameter names are those of OpenCLIP's CoCa below ``text_decoder.``; it has none for `pooler`, which brings the
    tokens of any other image tower to this decoder.

    Args:
        config: sizes.
        vocabulary: V, the number of token ids.
        context: length of the image tokens that come in.
    """

    def __init__(self, config: CaptionerConfig, vocabulary: int, context: int) -> None:
        super().__init__()
        width, layers = config.width, config.layers
        sizes = (width, config.heads, config.mlp_ratio, config.activation)
        self.resblocks = nn.ModuleList(ResidualBlock(*sizes) for _ in range(layers))
        self.cross_attn = nn.ModuleList(CrossBlock(*sizes) for _ in range(layers))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(width**-0.5 * torch.randn(width, vocabulary))
        self.pooler = None
        if config.queries:
            self.pooler = AttentionalPooler(width, context, config.pooler_heads, config.queries)
        for block in (*self.resblocks, *self.cross_attn):
            assert isinstance(block, ResidualBlock | CrossBlock)  # noqa: S101 - tells the type checker what they are
            initialise(block.attn, block.mlp, width, layers)

    @property
    def layers(self) -> int:
        """Number of blocks of each kind."""
        return len(self.resblocks)

    def remember(self, context: Tensor) -> Memory:
        """What the blocks need of images, computed once for all words.

        Args:
            context: (B, M, C) tokens as the image tower gives them.
        """
        seen = context if self.pooler is None else self.pooler(context)
        return [block.remember(seen) for block in self.cross_attn if isinstance(block, CrossBlock)]

    def forward(self, words: Tensor, memory: Memory, past: Sequence[KeyValues] | None = None) -> Tensor:
        """Read words beside an image.

        Args:
            words: (R, N, W) states of the words, from the text tower's `read`; with `past`, those that come next.
            memory: of B images, from `remember`; R is a multiple of B, the rows of an image beside each other.
            past: one a block, filled by earlier calls and added to.

        Returns:
            (R, N, W), from which `score` says which word comes next.
        """
        x = words
        for number, (own, cross) in enumerate(zip(self.resblocks, self.cross_attn, strict=True)):
            x = own(x, causal=True, past=None if past is None else past[number])
            x = cross(x, *memory[number])
        return self.ln_final(x)  # type: ignore[no-any-return]

    def score(self, states: Tensor) -> Tensor:
        """Logits over the vocabulary: (..., W) -> (..., V)."""
        return states @ self.text_projection


def build_decoder(config: ModelConfig, text: nn.Module) -> MultimodalDecoder | None:
    """The decoder that a model's configuration asks for; None where it asks for none.

    Args:
        config: the model's.
        text: its text tower.

    Raises:
        CheckpointError: the text tower is not one that a caption can be written with, or the widths do not fit.
    """
    entry = config.captioner
    if entry is None:
        return None
    if not isinstance(text, TextTransformer):
        raise CheckpointError(f"captioner: needs a text tower of type 'clip' or 'coca', not {config.text.type!r}")
    states = text.token_embedding.embedding_dim
    if states != entry.width:
        raise CheckpointError(f"captioner.width is {entry.width}, but the text tower's is {states}; make them equal")
    if not entry.queries and config.embed_dim != entry.width:
        raise CheckpointError(
            f"captioner.width is {entry.width}, but the image tower's tokens have {config.embed_dim}; "
            "give captioner.queries, for a pooler between the two"
        )
    return MultimodalDecoder(entry, text.tokenizer.vocab_size, config.embed_dim)
