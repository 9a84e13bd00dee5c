"""Masking words of captions for keyword explicit reasoning (EBAKER, section 3.4; its Table 4 compares the strategies).

A keyword's own tokens are masked, all of them: the caption is cut into words exactly as the tokenizer does, so case,
punctuation and words of several tokens are accounted for, and so is the start token in front. The released code of
iEBAKER takes the number of a word in ``caption.split()`` for the number of its token, which hits another token each
time; `legacy_offset` does the same, to compare with numbers made that way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data.keywords import Keywords
from swath.errors import DataError, InputError
from swath.models.tokenizer import Tokenizer
from swath.objectives.keywords import NOT_MASKED

Strategy = Literal["keyword", "random", "adjective"]
"""``keyword``: the words of a list (KER); ``random``: any token, as BERT and IRRA do (IRR); ``adjective`` (MAM)."""

RANDOM_RATE = 0.15
"""Share of tokens that ``random`` chooses; of these 80 % are masked, 10 % replaced by another token, 10 % kept."""

_KNOWN_TEXTS = 1 << 17


@dataclass(frozen=True, slots=True)
class MaskedTexts:
    """Captions with some tokens hidden.

    Attributes:
        ids: (B, N) token ids with the mask token in place of hidden ones.
        mask: (B, N) True where a token is real; as it was.
        targets: (B, N) the hidden token's id where one is hidden, `NOT_MASKED` elsewhere; for `keyword_loss`.
    """

    ids: Tensor
    mask: Tensor
    targets: Tensor


@dataclass(frozen=True, slots=True)
class WordSpan:
    """Where a word of a text stands among its tokens.

    Attributes:
        word: the word, lower case.
        start: position of its first token; 1 for a text's first word, after the start token.
        stop: position after its last token.
    """

    word: str
    start: int
    stop: int


def word_spans(tokenizer: Tokenizer, text: str) -> list[WordSpan]:
    """The words of a text with the positions of their tokens, the start token counted.

    Raises:
        InputError: the text cannot be tokenised.
    """
    spans, position = [], 1
    for word in tokenizer.words(text):
        length = len(tokenizer.word_ids(word))
        spans.append(WordSpan(word, position, position + length))
        position += length
    return spans


def mask_id(tokenizer: Tokenizer) -> int:
    """The token that stands for a hidden one: the last and rarest merge, as in the released code (49405 of CLIP's).

    Raises:
        InputError: the tokenizer has no merges, so every token is needed.
    """
    if tokenizer.merges < 1:
        raise InputError("masking needs a tokenizer with at least one merge: the last one becomes the mask token")
    return tokenizer.start_id - 1


class Masker:
    """Hides tokens of captions.

    Args:
        tokenizer: the model's.
        strategy: what to hide.
        keywords: the list for ``keyword``; for ``adjective``, other words than `adjectives`.
        rate: share of the chosen words (or, for ``random``, of all tokens) that is hidden, drawn anew each time; by
            default every keyword or adjective, and `RANDOM_RATE` of random tokens.
        legacy_offset: hide the positions that iEBAKER's code hides instead; ``keyword`` only, for comparison.

    Raises:
        DataError: ``keyword`` without a keyword.
        InputError: `rate` is not above 0 and at most 1, or `legacy_offset` is given with another strategy.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        strategy: Strategy = "keyword",
        keywords: Keywords | Collection[str] | None = None,
        rate: float | None = None,
        legacy_offset: bool = False,
    ) -> None:
        words = keywords.words if isinstance(keywords, Keywords) else tuple(keywords or ())
        if strategy == "adjective" and not words:
            words = tuple(adjectives())
        if strategy == "keyword" and not words:
            raise DataError("masking keywords needs a list of keywords; make one with swath.data.keywords")
        if legacy_offset and strategy != "keyword":
            raise InputError(f"legacy_offset belongs to the strategy 'keyword', not {strategy!r}")
        self.rate = rate if rate is not None else RANDOM_RATE if strategy == "random" else 1.0
        if not 0.0 < self.rate <= 1.0:
            raise InputError(f"the rate of masking must be above 0 and at most 1, not {self.rate}")
        self.tokenizer = tokenizer
        self.strategy: Strategy = strategy
        self.words = frozenset(words)
        self.legacy_offset = legacy_offset
        self.mask_id = mask_id(tokenizer)
        self._known: dict[str, tuple[tuple[int, int], ...]] = {}

    def __call__(self, texts: Sequence[str], ids: Tensor, mask: Tensor, random: np.random.Generator) -> MaskedTexts:
        """Hide tokens of a batch.

        Start and end tokens and padding are never hidden. A word that was cut at the end of a long text is hidden as
        far as it is there.

        Args:
            texts: (B) the captions, in the order of `ids`.
            ids: (B, N) their token ids, from `DualEncoder.tokenize`.
            mask: (B, N) True where a token is real.
            random: decides what is drawn.

        Raises:
            InputError: the numbers of texts and rows differ.
        """
        if len(texts) != len(ids) or ids.shape != mask.shape:
            raise InputError(f"{len(texts)} texts, ids {tuple(ids.shape)} and mask {tuple(mask.shape)} do not fit")
        lengths = mask.sum(dim=1).tolist()
        hidden = np.zeros(tuple(ids.shape), dtype=np.bool_)
        for row, (text, length) in enumerate(zip(texts, lengths, strict=True)):
            hidden[row] = self._hidden(text, int(length), ids.shape[1], random)
        chosen = torch.from_numpy(hidden)
        targets = torch.where(chosen, ids, NOT_MASKED)
        return MaskedTexts(self._replaced(ids, chosen, random), mask, targets)

    def _hidden(self, text: str, length: int, width: int, random: np.random.Generator) -> NDArray[np.bool_]:
        """(N,) which of a text's `length` tokens to hide."""
        hidden = np.zeros(width, dtype=np.bool_)
        last = length if self.legacy_offset else length - 1
        if self.strategy == "random":
            hidden[1:last] = random.random(max(0, last - 1)) < self.rate
            return hidden
        spans = self._spans(text)
        drawn = random.random(len(spans)) < self.rate if self.rate < 1.0 else np.ones(len(spans), dtype=np.bool_)
        for (start, stop), take in zip(spans, drawn, strict=True):
            if take:
                hidden[start : min(stop, last)] = True
        return hidden

    def _spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """(start, stop) of the tokens of each word of a text that may be hidden; texts come again, so remembered."""
        found = self._known.get(text)
        if found is None:
            if self.legacy_offset:
                places = (place for place, word in enumerate(text.split()) if word in self.words)
                found = tuple((place, place + 1) for place in places)
            else:
                spans = word_spans(self.tokenizer, text)
                found = tuple((span.start, span.stop) for span in spans if span.word in self.words)
            if len(self._known) < _KNOWN_TEXTS:
                self._known[text] = found
        return found

    def _replaced(self, ids: Tensor, chosen: Tensor, random: np.random.Generator) -> Tensor:
        if self.strategy != "random":
            return ids.masked_fill(chosen, self.mask_id)
        draw = torch.from_numpy(random.random(tuple(ids.shape)))
        other = torch.from_numpy(random.integers(0, self.mask_id, tuple(ids.shape))).to(ids.dtype)
        replaced = torch.where(draw < 0.9, other, ids)
        replaced = torch.where(draw < 0.8, torch.full_like(ids, self.mask_id), replaced)
        return torch.where(chosen, replaced, ids)


@cache
def adjectives() -> frozenset[str]:
    """Adjectives of remote-sensing captions: colours, sizes, shapes, arrangement, state."""
    return frozenset(resources.files("swath.data").joinpath("adjectives.txt").read_text(encoding="utf-8").split())
