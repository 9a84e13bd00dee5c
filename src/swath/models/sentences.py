"""A text of several sentences is read as a whole and sentence by sentence; its vector holds both.

A short sentence is what a model has seen most of, and each sentence of a paragraph describes the image by itself. With
``sentences`` = a the vector of a paragraph is

    (1 - a) * whole + a * sum_s n_s v_s / |sum_s n_s v_s|,

with v_s the vector of a sentence and n_s its number of words. A text of one sentence has the vector it had, and word
tokens are always those of the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from swath.features import Features

_END = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"\w+")


def sentences(text: str) -> list[str]:
    """The sentences of a text, without those that hold no word."""
    return [part.strip() for part in _END.split(text) if _WORD.search(part)]


def with_sentences(
    whole: Features, texts: Sequence[str], share: float, encode: Callable[[list[str]], Tensor]
) -> Features:
    """Mix the vectors of the sentences into the vectors of the texts.

    Args:
        whole: features of the texts as wholes.
        texts: B texts.
        share: what the sentences count, 0 to 1.
        encode: (S,) sentences to (S, D) L2-normalised vectors.
    """
    parts = {row: found for row, text in enumerate(texts) if len(found := sentences(text)) > 1}
    if not parts:
        return whole
    flat = [sentence for found in parts.values() for sentence in found]
    device = whole.pooled.device
    owner = torch.tensor([place for place, found in enumerate(parts.values()) for _ in found], device=device)
    words = torch.tensor([len(_WORD.findall(sentence)) for sentence in flat], device=device)
    means = torch.zeros(len(parts), whole.pooled.shape[1], device=device)
    means.index_add_(0, owner, encode(flat) * words[:, None])
    rows = torch.tensor(list(parts), device=device)
    pooled = whole.pooled.clone()
    pooled[rows] = F.normalize((1 - share) * whole.pooled[rows] + share * F.normalize(means, dim=-1), dim=-1)
    return replace(whole, pooled=pooled)
