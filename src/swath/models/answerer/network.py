"""The trained part of the compact answerer: a few hundred thousand weights on frozen features.

For each pair (things, image) one hidden vector is made from the name of the things, the image's windows, and the
regions that the name attends to. From it come a rate, whose place among ordered thresholds is the count (a cumulative
link model, McCullagh 1980), a presence, an area likewise, and the scores of words. Comparisons are made of the rates of
the two things that are compared, so that questions of every kind teach the same counts.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.models.answerer.config import AnswererConfig
from swath.models.answerer.parsing import Kind
from swath.models.answerer.views import Views

KINDS: tuple[Kind, ...] = ("whether", "more", "fewer", "equal")
"""The kinds answered by yes or no, in the order of `Network.yes`."""

BUCKETS = 2048
"""Rows of the table of words; a word's row is a checksum of it, so that no vocabulary is needed."""

_WORD = re.compile(r"[a-z0-9]+")
_EMPTY = frozenset({"a", "an", "the", "of", "in", "on", "at", "there"})
_ATTENTION = 32


@dataclass(frozen=True, slots=True)
class Names:
    """Names of things.

    Attributes:
        vectors: (U, D) pooled text features.
        words: the rows of each name's words and pairs of words in the table.
    """

    vectors: Tensor
    words: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Readings:
    """What the network reads off a batch of questions.

    Attributes:
        count: (B, S) log probabilities of each of the counts.
        area: (B, T) likewise of each of the areas.
        yes: (B, 4) logits of yes for each of `KINDS`.
        words: (B, V) logits of the open answers.
    """

    count: Tensor
    area: Tensor
    yes: Tensor
    words: Tensor


def word_rows(name: str) -> tuple[int, ...]:
    """Rows in the table of words for a name's words (singular) and its pairs of words; one row at least."""
    words = [_singular(word) for word in _WORD.findall(name.lower()) if word not in _EMPTY]
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    return tuple(zlib.crc32(word.encode()) % BUCKETS for word in [*words, *pairs]) or (0,)


class Network(nn.Module):
    """See the module.

    Args:
        config: sizes, answers and steps.
    """

    def __init__(self, config: AnswererConfig) -> None:
        super().__init__()
        dim, hidden, small = config.dim, config.hidden, config.image_dims
        self.bag = nn.EmbeddingBag(BUCKETS, hidden, mode="sum")
        nn.init.normal_(self.bag.weight, std=0.05)
        self.text = nn.Linear(dim, hidden)
        self.image = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(2 * dim, small), nn.LayerNorm(small))
        self.query = nn.Linear(hidden, _ATTENTION)
        self.key = nn.Linear(dim, _ATTENTION)
        self.value = nn.Linear(dim, small)
        self.value_norm = nn.LayerNorm(small)
        self.gate = nn.Linear(hidden, 2 * small)
        self.hidden = nn.Sequential(nn.Linear(hidden + 4 * small + 2, hidden), nn.GELU(), nn.Dropout(config.dropout))
        self.readout = nn.Linear(hidden, 3)
        self.count_shape = nn.Linear(hidden, 1 + len(config.counts))
        self.area_shape = nn.Linear(hidden, 1 + len(config.areas))
        self.words = nn.Linear(hidden, max(1, len(config.words)))
        self.count_steps = nn.Parameter(torch.linspace(-1, 3, max(1, len(config.counts) - 1)))
        self.area_steps = nn.Parameter(torch.linspace(-1, 3, max(1, len(config.areas) - 1)))
        # whether, more, fewer, equal: how much a rate or a difference of rates counts, and where it starts.
        self.slope = nn.Parameter(torch.ones(4))
        self.offset = nn.Parameter(torch.zeros(4))

    def forward(self, names: Names, subject: Tensor, other: Tensor, views: Views, image: Tensor) -> Readings:
        """Read off B questions.

        Args:
            names: U distinct names.
            subject: (B,) rows of `names` asked about.
            other: (B,) rows they are compared with; the same as `subject` where nothing is.
            views: I images.
            image: (B,) rows of `views`.
        """
        flat = torch.tensor([row for words in names.words for row in words], device=subject.device)
        starts = torch.tensor([0, *(len(words) for words in names.words[:-1])], device=subject.device).cumsum(0)
        named = self.text(names.vectors) + self.bag(flat, starts)
        # Many questions are about the same things in the same image: each such pair is read once.
        asked = torch.cat([subject, other]) * len(views) + image.repeat(2)
        distinct, place = torch.unique(asked, return_inverse=True)
        pairs = self._pairs(named, names.vectors, views, distinct // len(views), distinct % len(views))
        first, second = pairs[place[: len(subject)]], pairs[place[len(subject) :]]
        count, area, direct = self.readout(first).unbind(-1)
        count_b, _, direct_b = self.readout(second).unbind(-1)
        slope, gap = F.softplus(self.slope), count - count_b
        lean = 0.3 * (direct - direct_b)
        yes = torch.stack(
            [
                slope[0] * count + direct + self.offset[0],
                slope[1] * gap + lean + self.offset[1],
                -slope[2] * gap - lean + self.offset[2],
                -slope[3] * gap.abs() + self.offset[3],
            ],
            dim=1,
        )
        return Readings(
            _number(count, self.count_steps, self.count_shape(first)),
            _number(area, self.area_steps, self.area_shape(first)),
            yes,
            self.words(first),
        )

    def _pairs(self, named: Tensor, vectors: Tensor, views: Views, name: Tensor, image: Tensor) -> Tensor:
        """(P, hidden) of pairs of a name and an image, by row."""
        regions, mask = views.regions.float(), views.regions_mask[image]
        keys, values = self.key(regions), self.value(regions)
        # Products are taken for all names with all images of the batch: one matrix product each.
        scores = torch.einsum("ud,ird->uir", self.query(named), keys)[name, image] / math.sqrt(_ATTENTION)
        weights = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)
        seen = self.value_norm(torch.einsum("br,brd->bd", weights, values[image]))
        cosines = torch.einsum("ud,ird->uir", vectors, regions)[name, image]
        most = cosines.masked_fill(~mask, -1.0).amax(dim=1)
        mean = (cosines * mask).sum(dim=1) / mask.sum(dim=1)
        both, words = torch.cat([self._summary(views)[image], seen], dim=1), named[name]
        found = self.hidden(torch.cat([words, both, both * self.gate(words), 3 * torch.stack([most, mean], 1)], dim=1))
        return cast(Tensor, found)

    def _summary(self, views: Views) -> Tensor:
        """(I, image_dims) of mean and spread over the windows."""
        windows, mask = views.windows.float(), views.windows_mask[..., None].float()
        count = mask.sum(dim=1)
        mean = (windows * mask).sum(dim=1) / count
        spread = (((windows - mean[:, None]) ** 2 * mask).sum(dim=1) / count + 1e-8).sqrt()
        return cast(Tensor, self.image(torch.cat([mean, spread], dim=1)))


def _number(rate: Tensor, steps: Tensor, shape: Tensor) -> Tensor:
    """(B, S) log probabilities of numbers from rates (B,), steps (S - 1,) and shapes (B, 1 + S).

    The rate's place among ascending thresholds decides; the shape says how sharply, and which numbers are favoured
    (there is one stadium or none, but any number of houses).
    """
    thresholds = torch.cat([steps[:1], steps[:1] + (0.5 * F.softplus(steps[1:])).cumsum(0)])
    above = torch.sigmoid((rate[:, None] - thresholds[None]) * shape[:, :1].clamp(-2, 2).exp())
    ones, zeros = above.new_ones(len(rate), 1), above.new_zeros(len(rate), 1)
    ordinal = (torch.cat([ones, above], dim=1) - torch.cat([above, zeros], dim=1)).clamp(min=1e-6)
    return F.log_softmax(ordinal.log() + shape[:, 1:], dim=1)


def names_of(texts: Sequence[str], vectors: Tensor) -> Names:
    """Names with their text features (U, D)."""
    return Names(vectors, tuple(word_rows(text) for text in texts))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
