"""The captioning loss of CoCa (Yu et al. 2022, equation 2): each word from the image and the words before it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from swath.errors import InputError


def next_tokens(ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Texts as inputs and what comes next.

    Args:
        ids: (T, N) token ids, start and end token among them.
        mask: (T, N) bool, True on a text's own tokens, which come first.

    Returns:
        inputs (T, N - 1), the ids that come next (T, N - 1), and (T, N - 1) bool: where there is a next one.
    """
    return ids[:, :-1], ids[:, 1:], mask[:, 1:]


def caption_loss(logits: Tensor, targets: Tensor, known: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of next tokens, summed; padding does not count.

    Args:
        logits: (T, N, V).
        targets: (T, N) int64: the ids that come next.
        known: (T, N) bool: where there is one.
        label_smoothing: share of the target that is spread evenly over the vocabulary.

    Returns:
        a scalar: the sum over known positions; divide it by their number for the mean that is minimised.

    Raises:
        InputError: shapes that do not fit, or no position is known.
    """
    if logits.shape[:2] != targets.shape or known.shape != targets.shape:
        raise InputError(
            f"logits {tuple(logits.shape)}, targets {tuple(targets.shape)} and known {tuple(known.shape)} do not fit"
        )
    if not bool(known.any()):
        raise InputError("no text has a token behind its start: there is nothing to learn to write")
    with torch.autocast(logits.device.type, enabled=False):  # half precision would blur the softmax
        return F.cross_entropy(logits[known].float(), targets[known], label_smoothing=label_smoothing, reduction="sum")
