"""Elimination before alignment: leave the weakest pairs out of the loss (EBAKER, section 3.3).

A bank keeps the similarity of every positive pair seen in an epoch. After the epoch, the similarity below which the
lowest `ratio` of them lie is the threshold for the next one: a pair at or under it loses its row in both directions of
the loss, and stays as a negative column.

The released code keeps a bank of fixed length filled with random numbers, so that on small data sets nothing is ever
left out; here the bank holds the pairs really seen (`docs/papers.md` says what that changes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from swath.errors import CheckpointError, InputError

Scheme = Literal["joint", "split"]
"""``joint``: one mask, from global similarity, for all terms (EBAKER, eq. 9 and 10); ``split``: each similarity has its
own bank, threshold and mask (iEBAKER)."""

NOTHING = float("-inf")
"""The threshold that eliminates nothing."""


@dataclass(frozen=True, slots=True)
class WeakPair:
    """One of the weakest pairs of an epoch.

    Attributes:
        index: the pair's number in the training set.
        similarity: its similarity when it was last seen.
    """

    index: int
    similarity: float


class SimilarityBank:
    """Similarities of the positive pairs seen in the running epoch and in the last whole one (SimBank, eq. 7).

    Args:
        pairs: number of pairs in the training set.

    Raises:
        InputError: no pairs.
    """

    def __init__(self, pairs: int) -> None:
        if pairs < 1:
            raise InputError(f"a similarity bank needs at least one pair, got {pairs}")
        self._running = torch.full((pairs,), torch.nan)
        self._last = torch.full((pairs,), torch.nan)

    def __len__(self) -> int:
        return len(self._running)

    @property
    def seen(self) -> int:
        """Pairs that the last whole epoch has seen."""
        return int(self._last.isfinite().sum())

    def record(self, index: Tensor, similarity: Tensor) -> None:
        """Note the similarity of pairs of the running epoch; a pair seen twice keeps the later value.

        Args:
            index: (B,) numbers of the pairs.
            similarity: (B,) similarity of each pair's own image and text; gathered over all processes by the caller.

        Raises:
            InputError: a similarity is NaN or infinite.
        """
        values = similarity.detach().float().cpu()
        if not bool(values.isfinite().all()):
            raise InputError(f"{int((~values.isfinite()).sum())} of {len(values)} similarities are NaN or infinite")
        # Of a pair that is there twice, indexing would keep either value; read backwards, the later one comes first.
        pairs, place = np.unique(index.cpu().numpy()[::-1], return_index=True)
        self._running[torch.from_numpy(pairs)] = values.flip(0)[torch.from_numpy(place)]

    def close_epoch(self) -> None:
        """Make the running epoch the last one, and start a new one. An epoch that saw no pair changes nothing."""
        if bool(self._running.isfinite().any()):
            self._last = self._running
            self._running = torch.full_like(self._last, torch.nan)

    def threshold(self, ratio: float) -> float:
        """Similarity at or under which a pair is eliminated (eq. 8): the last epoch's `ratio` quantile, by rank.

        Args:
            ratio: share of the pairs to leave out, 0 (nothing) to below 1.

        Returns:
            `NOTHING` where `ratio` is 0 or no epoch has been seen.

        Raises:
            InputError: the ratio is out of range.
        """
        if not 0.0 <= ratio < 1.0:
            raise InputError(f"the drop ratio must be at least 0 and below 1, got {ratio}")
        values = self._last[self._last.isfinite()]
        count = round(ratio * len(values))
        if count == 0:
            return NOTHING
        return float(values.kthvalue(count).values)

    def weakest(self, count: int) -> list[WeakPair]:
        """The `count` weakest pairs of the last epoch, weakest first."""
        seen = self._last.isfinite().nonzero().squeeze(1)
        order = self._last[seen].argsort(stable=True)[:count]
        return [WeakPair(int(index), float(self._last[index])) for index in seen[order]]

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors to save with a checkpoint."""
        return {"running": self._running.clone(), "last": self._last.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            CheckpointError: the bank was made for another number of pairs.
        """
        for name, own in (("running", self._running), ("last", self._last)):
            if name not in state or state[name].shape != own.shape:
                found = tuple(state[name].shape) if name in state else "nothing"
                raise CheckpointError(
                    f"the similarity bank of this checkpoint has {found} for {name!r}, the training set has "
                    f"{len(own)} pairs; resume with the data the run was started with"
                )
        self._running, self._last = state["running"].clone(), state["last"].clone()


def keep_rows(similarity: Tensor, threshold: float) -> Tensor:
    """Which pairs of a batch stay (eq. 9): those above the threshold, and never none of them.

    Args:
        similarity: (B,) similarity of each positive pair.
        threshold: from `SimilarityBank.threshold`.

    Returns:
        (B,) bool; where every pair lies at or under the threshold, the most similar one stays.
    """
    keep = similarity.detach() > threshold
    if not bool(keep.any()):
        keep = torch.zeros_like(keep)
        keep[similarity.argmax()] = True
    return keep


def keep_masks(
    similarities: Mapping[str, Tensor], thresholds: Mapping[str, float], scheme: Scheme
) -> dict[str, Tensor]:
    """The rows that stay, for each similarity of a batch, under one of the two schemes (eq. 9 and 10).

    Args:
        similarities: (B,) positives by name; must hold ``global``.
        thresholds: one for each name that `scheme` needs.
        scheme: see `Scheme`.

    Raises:
        InputError: a needed threshold or the global similarity is missing.
    """
    needed: Sequence[str] = ["global"] if scheme == "joint" else list(similarities)
    missing = [name for name in needed if name not in similarities or name not in thresholds]
    if missing:
        raise InputError(f"elimination under the {scheme!r} scheme needs similarity and threshold of {missing}")
    if scheme == "joint":
        keep = keep_rows(similarities["global"], thresholds["global"])
        return dict.fromkeys(similarities, keep)
    return {name: keep_rows(values, thresholds[name]) for name, values in similarities.items()}
