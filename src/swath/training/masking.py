"""What masks words in a run: the recipe's strategy over the recipe's words or those of its training captions."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from swath.data.keywords import Keywords, keywords, read_keywords
from swath.data.masking import Masker
from swath.models import DualEncoder
from swath.training.batches import TrainingSet
from swath.training.objective import KeywordsRecipe
from swath.training.tokens import clip_tokenizer


def build_masker(settings: KeywordsRecipe, data: TrainingSet, root: Path, encoder: DualEncoder) -> Masker:
    """The masker of a run.

    Args:
        settings: the recipe's.
        data: what is trained on.
        root: folder that the list's path is relative to.
        encoder: whose tokenizer to use.

    Raises:
        DataError: the list cannot be read, or the captions hold no word.
        InputError: `legacy_offset` with another strategy than ``keyword``.
        RecipeError: the text tower has another tokenizer than CLIP's.
    """
    return Masker(
        clip_tokenizer(encoder), settings.strategy, _words(settings, data, root), settings.rate, settings.legacy_offset
    )


def vocabulary(settings: KeywordsRecipe, masker: Masker) -> Tensor | None:
    """(V,) what hidden words are chosen from: every token of the masker's words, in order; None for all tokens."""
    if settings.vocabulary == "full":
        return None
    words = masker.tokenizer.word_ids
    return torch.tensor(sorted({token for word in masker.words for token in words(word)}))


def _words(settings: KeywordsRecipe, data: TrainingSet, root: Path) -> Keywords | None:
    if settings.words is not None:
        return read_keywords(root / settings.words)
    if settings.strategy != "keyword":
        return None
    return keywords(data.captioned(), settings.top, split=None)
