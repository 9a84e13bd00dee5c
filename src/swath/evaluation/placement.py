"""Where the first right answer of each query stands, exactly and with ties counted, in bounded memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.errors import EvaluationError

Ties = Literal["expected", "pessimistic", "optimistic"]
_BLOCK_BYTES = 64 << 20  # of working memory; a block's row costs about 12 bytes a candidate


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """Which candidates are right for which query, without a queries x candidates table.

    A candidate belongs to one group; a query points to a set of groups.

    Attributes:
        candidate_group: (C,) group of each candidate.
        query_set: (Q,) which set each query has.
        offsets: (S + 1,) where each set starts in `members`.
        members: (M,) the groups of all sets, one after the other.
    """

    candidate_group: NDArray[np.int64]
    query_set: NDArray[np.int64]
    offsets: NDArray[np.int64]
    members: NDArray[np.int64]

    @classmethod
    def one_group(cls, query_group: NDArray[np.int64], candidate_group: NDArray[np.int64]) -> Relevance:
        """Every query has one group: right are the candidates of the same group."""
        groups = int(max(query_group.max(), candidate_group.max())) + 1
        return cls(candidate_group, query_group, np.arange(groups + 1), np.arange(groups))

    @classmethod
    def many_groups(
        cls,
        query_set: NDArray[np.int64],
        set_of_member: NDArray[np.int64],
        member: NDArray[np.int64],
        candidate_group: NDArray[np.int64],
    ) -> Relevance:
        """Sets given as unordered (set, member) rows; repeated rows are harmless."""
        order = np.argsort(set_of_member, kind="stable")
        sizes = np.bincount(set_of_member, minlength=int(query_set.max()) + 1)
        return cls(candidate_group, query_set, np.concatenate([[0], np.cumsum(sizes)]), member[order])

    def block(self, start: int, stop: int, device: torch.device) -> Tensor:
        """(stop - start, C) bool: the right candidates of queries `start` to `stop`."""
        sets = self.query_set[start:stop]
        sizes = self.offsets[sets + 1] - self.offsets[sets]
        rows = np.repeat(np.arange(stop - start), sizes)
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        members = self.members[np.repeat(self.offsets[sets], sizes) + within]
        groups = int(max(self.candidate_group.max(), self.members.max())) + 1
        table = torch.zeros(stop - start, groups, dtype=torch.bool, device=device)
        table[torch.from_numpy(rows).to(device), torch.from_numpy(members).to(device)] = True
        return table[:, torch.from_numpy(self.candidate_group).to(device)]


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where the first right answer stands, for Q queries.

    Attributes:
        above: (Q,) candidates scored strictly higher than the best right one.
        tied: (Q,) candidates with exactly its score, itself included.
        tied_right: (Q,) how many of these are right.
    """

    above: NDArray[np.int64]
    tied: NDArray[np.int64]
    tied_right: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.above)

    def hits(self, k: int, ties: Ties = "expected") -> NDArray[np.float64]:
        """(Q,) chance, 0 to 1, that a right answer is among the first k.

        Under ``expected`` tied candidates stand in random order, so with n tied, m of them right and j places left the
        chance is ``1 - C(n - m, j) / C(n, j)``: the mean over all orders, which no order of the data can change.
        ``pessimistic`` puts wrong candidates first among equals, ``optimistic`` right ones.
        """
        if ties == "optimistic":
            return (self.above < k).astype(np.float64)
        wrong = self.tied - self.tied_right
        if ties == "pessimistic":
            return (self.above + wrong < k).astype(np.float64)
        places = np.clip(k - self.above, 0, self.tied)
        miss = np.ones(len(self), dtype=np.float64)
        for drawn in range(min(k, int(places.max(initial=0)))):
            left = np.maximum(self.tied - drawn, 1)
            miss *= np.where(drawn < places, np.maximum(wrong - drawn, 0) / left, 1.0)
        return 1.0 - miss

    def ranks(self, ties: Ties = "expected") -> NDArray[np.float64]:
        """(Q,) rank of the first right answer, from 1; under ``expected`` its mean ``above + (n + 1) / (m + 1)``."""
        if ties == "optimistic":
            return (self.above + 1).astype(np.float64)
        if ties == "pessimistic":
            return (self.above + self.tied - self.tied_right + 1).astype(np.float64)
        mean: NDArray[np.float64] = self.above + (self.tied + 1) / (self.tied_right + 1)
        return mean

    def to_dict(self) -> dict[str, list[int]]:
        """JSON values; `from_dict` reads them back."""
        return {
            "above": self.above.tolist(),
            "tied": self.tied.tolist(),
            "tied_right": self.tied_right.tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Placement:
        """The placement that `to_dict` wrote."""
        return cls(*(np.asarray(values[name], dtype=np.int64) for name in ("above", "tied", "tied_right")))


def place(scores: Tensor, relevances: Mapping[str, Relevance], transposed: bool = False) -> dict[str, Placement]:
    """Find the first right answer of every query, block by block.

    Extra memory is about 64 MiB whatever the size of the test set.

    Args:
        scores: (Q, C) on any device; higher is better. Minus infinity is allowed, NaN is not.
        relevances: named notions of a right answer; all are computed in one pass.
        transposed: `scores` is (C, Q): queries are its columns.

    Returns:
        A placement for each name.

    Raises:
        EvaluationError: the shapes do not fit, a score is NaN, or a query has no right candidate.
    """
    if scores.ndim != 2:
        raise EvaluationError(f"scores must be a matrix, got shape {tuple(scores.shape)}")
    table = scores.T if transposed else scores
    queries, candidates = table.shape
    for name, relevance in relevances.items():
        if (len(relevance.query_set), len(relevance.candidate_group)) != (queries, candidates):
            raise EvaluationError(
                f"scores are {queries} queries x {candidates} candidates, but {name} is for "
                f"{len(relevance.query_set)} x {len(relevance.candidate_group)}"
            )
    rows = max(1, _BLOCK_BYTES // (12 * candidates))
    parts: dict[str, list[Tensor]] = {name: [] for name in relevances}
    for start in range(0, queries, rows):
        stop = min(start + rows, queries)
        block = table[start:stop].contiguous()
        if bool(torch.isnan(block).any()):
            raise EvaluationError(f"a score of queries {start} to {stop - 1} is NaN: check the features that gave it")
        for name, relevance in relevances.items():
            parts[name].append(_place_block(block, relevance.block(start, stop, block.device), name, start))
    return {name: Placement(*torch.cat(found, dim=1).cpu().numpy()) for name, found in parts.items()}


def _place_block(block: Tensor, right: Tensor, name: str, start: int) -> Tensor:
    """(3, rows): above, tied, tied and right."""
    missing = torch.nonzero(~right.any(dim=1))
    if len(missing):
        raise EvaluationError(f"query number {start + int(missing[0])} has no right candidate ({name})")
    best = block.masked_fill(~right, float("-inf")).amax(dim=1, keepdim=True)
    equal = block == best
    return torch.stack([(block > best).sum(dim=1), equal.sum(dim=1), (equal & right).sum(dim=1)])
