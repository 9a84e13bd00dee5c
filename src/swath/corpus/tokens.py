"""Lengths in byte-pair tokens of CLIP: what the context of a text tower is counted in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swath.models.tokenizer import Tokenizer

LONGEST_CONTEXT = 248
"""Positions of a stretched text tower (Long-CLIP), start and end included."""


@cache
def _tokenizer() -> Tokenizer:
    # Loading the model room takes seconds, and only lengths need it.
    from swath.models.tokenizer import Tokenizer

    return Tokenizer()


def token_count(text: str) -> int:
    """Tokens of a text, without start and end.

    Raises:
        InputError: the text is too long to be counted.
    """
    return len(_tokenizer().encode(text))
