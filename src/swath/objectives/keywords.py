"""The loss of keyword explicit reasoning (EBAKER, eq. 12): cross-entropy over the masked positions only."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from swath.errors import InputError

NOT_MASKED = -100
"""Target of a position whose word was not masked."""


def keyword_loss(logits: Tensor, targets: Tensor, reduction: Literal["mean", "sum"] = "mean") -> Tensor:
    """Cross-entropy of the masked words.

    Args:
        logits: (B, N, V) from a `KeywordReasoner`, or (M, V) where it was asked for some positions only.
        targets: (B, N) or (M,) the word that stood at each masked position, `NOT_MASKED` everywhere else.
        reduction: over the masked positions.

    Returns:
        scalar; 0 with a gradient of 0 where nothing in the batch is masked.

    Raises:
        InputError: the shapes do not fit.
    """
    if logits.shape[:-1] != targets.shape:
        raise InputError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} are of different texts")
    masked = targets != NOT_MASKED
    if not bool(masked.any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits[masked].float(), targets[masked], reduction=reduction)
