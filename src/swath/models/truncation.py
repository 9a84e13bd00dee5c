"""What happens to a text that is longer than a model's context: never nothing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from swath.errors import InputError
from swath.models.towers import Truncation


class TruncationWarning(UserWarning):
    """Texts were longer than the model's context and lost their ends."""


def check_lengths(lengths: Sequence[int], texts: Sequence[str], limit: int, policy: Truncation) -> int:
    """Refuse, or warn of, texts over the context length.

    Args:
        lengths: tokens of each text before it is cut.
        texts: the texts, for messages.
        limit: the context length.
        policy: ``error``, ``warn`` or ``count``.

    Returns:
        how many texts are over the limit.

    Raises:
        InputError: one is, and the policy is ``error``; or there is no such policy.
    """
    if policy not in ("error", "warn", "count"):
        raise InputError(f"unknown truncation policy {policy!r}; use error, warn or count")
    over = [position for position, length in enumerate(lengths) if length > limit]
    if over and policy == "error":
        first = over[0]
        raise InputError(
            f"text {first} has {lengths[first]} tokens, the model takes {limit}: {texts[first][:60]!r}...; "
            "shorten it, allow truncation, or use a long-context model"
        )
    if over and policy == "warn":
        warnings.warn(
            f"{len(over)} of {len(lengths)} texts were cut to {limit} tokens (longest {max(lengths)})",
            TruncationWarning,
            stacklevel=3,
        )
    return len(over)
