"""The text tower of OpenCLIP's CoCa: causal over the words, with a class token behind them for the whole text."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.errors import CheckpointError
from swath.models.config import TextConfig
from swath.models.positions import stretch_positions
from swath.models.text import TextOptions, TextTransformer
from swath.models.towers import parse_options


class UnimodalDecoder(TextTransformer):
    """CoCa's unimodal text decoder (Yu et al. 2022, section 3.2); keys are OpenCLIP's below ``text.``.

    It is CLIP's text tower but for the pooling: the class token stands at a position of its own behind the context,
    which only it sees. The states of the words, which `read` gives, are what a caption is written from.

    Args:
        options: sizes.
        context_length: most tokens of one text; the class token's position comes on top.
        embed_dim: length of the output vectors.

    Raises:
        CheckpointError: two position tables are asked for, which this tower has not.
    """

    def __init__(self, options: TextOptions, context_length: int, embed_dim: int) -> None:
        if options.kept_positions:
            raise CheckpointError("kept_positions is for text towers of type 'clip', not 'coca'")
        super().__init__(options, context_length + 1, embed_dim)
        self.cls_emb = nn.Parameter(0.01 * torch.randn(options.width))

    def set_positions(self, table: Tensor, kept: int = 0) -> None:
        """Take a table of positions, the class token's last (see `TextTransformer.set_positions`)."""
        super().set_positions(table, kept)
        self.context_length = len(table) - 1

    def stretch(self, keep: int, ratio: float | None, length: int | None) -> None:
        """Take longer texts (see `swath.models.positions.stretch_positions`); the class token's position stays."""
        words, last = self.positional_embedding.detach()[:-1], self.positional_embedding.detach()[-1:]
        self.set_positions(torch.cat([stretch_positions(words, keep, ratio, length), last]))

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode token ids.

        Args:
            ids: (B, N) int64, N up to the context length.
            mask: (B, N) bool, True on a text's own tokens.

        Returns:
            pooled (B, D): the vector of the class token; tokens (B, N, D): all positions, those of the padding too.
            Both pass `ln_final` and `text_projection`; neither is normalised.

        Raises:
            InputError: more positions than the context length.
        """
        count, length = ids.shape
        if length < self.context_length:  # the class token looks at the first padding, see `_seen`
            ids = F.pad(ids, (0, 1), value=self.pad_id)
        words = self.token_embedding(ids) + self.positions(ids.shape[1])
        last = (self.cls_emb + self.positional_embedding[-1]).expand(count, 1, -1)
        x = self.transformer(torch.cat([words, last], dim=1), mask=self._seen(mask.sum(dim=1), ids.shape[1] + 1))
        x = self.ln_final(x) @ self.text_projection
        return x[:, -1], x[:, :length]

    def _seen(self, lengths: Tensor, total: int) -> Tensor:
        """(B, 1, total, total): what each position sees.

        The released weights were trained with the mask of the padding moved by one position: the first padding is
        seen, and the class token does not see itself, unless the text fills the context. So it is here.
        """
        at = torch.arange(total, device=lengths.device)
        known = at <= lengths[:, None]
        known[:, -1] = lengths == self.context_length
        return ((at[None] <= at[:, None]) & known[:, None])[:, None]


def build(config: TextConfig, embed_dim: int, directory: Path | None = None) -> UnimodalDecoder:  # noqa: ARG001
    """Build a ``coca`` text tower from its configuration entry (see `swath.models.towers`)."""
    return UnimodalDecoder(parse_options(TextOptions, config), config.context_length, embed_dim)
