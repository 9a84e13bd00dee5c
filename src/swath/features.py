"""`Features`: what every tower gives for images and texts alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Features:
    """Embeddings of a batch.

    Attributes:
        pooled: (B, D), L2-normalised: one vector an image or text.
        tokens: (B, N, D), L2-normalised: one vector a patch or word; padding rows are zero.
        mask: (B, N) bool, True where a token is real.
    """

    pooled: Tensor
    tokens: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        if self.pooled.ndim != 2 or self.tokens.ndim != 3 or self.mask.shape != self.tokens.shape[:2]:
            raise ValueError(
                f"features need (B, D), (B, N, D), (B, N); got {tuple(self.pooled.shape)}, "
                f"{tuple(self.tokens.shape)}, {tuple(self.mask.shape)}"
            )

    def __len__(self) -> int:
        return self.pooled.shape[0]

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Features:
        """The same features on another device, optionally in another precision (the mask stays boolean)."""
        return Features(self.pooled.to(device, dtype), self.tokens.to(device, dtype), self.mask.to(device))

    def select(self, index: Tensor | Sequence[int]) -> Features:
        """The rows named by `index`, in that order."""
        rows = torch.as_tensor(index, device=self.pooled.device)
        return Features(self.pooled[rows], self.tokens[rows], self.mask[rows])

    @staticmethod
    def cat(parts: Sequence[Features]) -> Features:
        """Join batches; shorter token lists are padded with masked zero rows."""
        longest = max(part.tokens.shape[1] for part in parts)
        tokens, masks = [], []
        for part in parts:
            missing = longest - part.tokens.shape[1]
            tokens.append(torch.nn.functional.pad(part.tokens, (0, 0, 0, missing)))
            masks.append(torch.nn.functional.pad(part.mask, (0, missing)))
        return Features(torch.cat([part.pooled for part in parts]), torch.cat(tokens), torch.cat(masks))
