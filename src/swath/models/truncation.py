"""What happens to a text that is longer than a model's context: never nothing."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import get_args

from swath.errors import InputError
from swath.models.towers import Truncation

_LOG = logging.getLogger(__name__)


class TruncationWarning(UserWarning):
    """Texts were longer than the model's context and lost their ends."""


def check_policy(policy: str) -> None:
    """Refuse what is no truncation policy.

    Raises:
        InputError: naming those there are.
    """
    if policy not in get_args(Truncation):
        raise InputError(f"unknown truncation policy {policy!r}; use one of {', '.join(get_args(Truncation))}")


def check_lengths(lengths: Sequence[int], texts: Sequence[str], limit: int, policy: Truncation) -> int:
    """Refuse, warn of or log texts over the context length.

    Args:
        lengths: tokens of each text before it is cut.
        texts: the texts, for messages.
        limit: the context length.
        policy: see `Truncation`; ``window`` cuts nothing, so nothing is said.

    Returns:
        how many texts are over the limit.

    Raises:
        InputError: one is, and the policy is ``error``; or there is no such policy.
    """
    check_policy(policy)
    over = [position for position, length in enumerate(lengths) if length > limit]
    if over and policy == "error":
        first = over[0]
        raise InputError(
            f"text {first} has {lengths[first]} tokens, the model takes {limit}: {texts[first][:60]!r}...; "
            "shorten it, allow it to be cut (warn) or read in windows (window), or use a model with a longer context"
        )
    if over and policy in ("warn", "count"):
        message = f"{len(over)} of {len(lengths)} texts were cut to {limit} tokens (longest {max(lengths)})"
        if policy == "warn":
            warnings.warn(message, TruncationWarning, stacklevel=3)
        else:
            _LOG.info("%s", message)
    return len(over)
