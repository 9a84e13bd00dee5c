"""The tokenizer of a model whose words can be masked."""

from __future__ import annotations

from swath.errors import RecipeError
from swath.models import DualEncoder
from swath.models.tokenizer import Tokenizer


def clip_tokenizer(encoder: DualEncoder) -> Tokenizer:
    """The tokenizer whose words can be masked.

    Raises:
        RecipeError: the text tower has another kind.
    """
    tokenizer = getattr(encoder.text, "tokenizer", None)
    if not isinstance(tokenizer, Tokenizer):
        raise RecipeError(
            f"objective.keywords needs a text tower with CLIP's tokenizer; {encoder.config.text.type!r} has another"
        )
    return tokenizer
