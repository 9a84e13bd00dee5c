"""All pairs of 64-bit hashes within a small Hamming distance, by block-local probing.

Hashes are cut into `threshold` + k blocks. Two hashes that differ in at most `threshold` bits differ in at most
`threshold` blocks, so at least k blocks are equal (pigeonhole). Hashes are therefore only compared where k whole blocks
agree. Nothing is missed, and the work grows with the number of agreeing pairs instead of N squared.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from swath.data.audit.hashing import hamming
from swath.errors import InputError

BITS = 64


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Which hashes lie close together, without spelling out the pairs among equal ones.

    Attributes:
        distinct: (U,) the different hashes, ascending.
        member: (N,) index into `distinct` of every hash given.
        edges: (E, 2) pairs of different hashes within the threshold, as indices into `distinct`, first < second.
        distances: (E,) their Hamming distances, all above 0.
    """

    distinct: NDArray[np.uint64]
    member: NDArray[np.int64]
    edges: NDArray[np.int64]
    distances: NDArray[np.uint8]

    def groups(self) -> list[list[int]]:
        """Connected groups of two or more of the hashes given, as ascending indices; in order of their first."""
        root = _components(len(self.distinct), self.edges)[self.member]
        order = np.argsort(root, kind="stable")
        cuts = np.flatnonzero(np.diff(root[order])) + 1
        groups = [group.tolist() for group in np.split(order, cuts) if len(group) > 1]
        return sorted(groups)

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Every pair of the hashes given: (P, 2) indices, first < second, in order, and (P,) distances.

        P is quadratic in the number of equal hashes.
        """
        order = np.argsort(self.member, kind="stable")
        starts = np.searchsorted(self.member[order], np.arange(len(self.distinct) + 1))
        holders = [order[starts[i] : starts[i + 1]] for i in range(len(self.distinct))]
        rows = [np.empty((0, 2), dtype=np.int64)]
        distances = [np.empty(0, dtype=np.uint8)]
        for same in holders:
            if len(same) > 1:
                first, second = np.triu_indices(len(same), 1)
                rows.append(np.stack([same[first], same[second]], axis=1))
                distances.append(np.zeros(len(first), dtype=np.uint8))
        for (left, right), distance in zip(self.edges, self.distances, strict=True):
            grid = np.stack(np.meshgrid(holders[left], holders[right], indexing="ij"), axis=-1).reshape(-1, 2)
            rows.append(np.sort(grid, axis=1))
            distances.append(np.full(len(grid), distance, dtype=np.uint8))
        pairs, values = np.concatenate(rows), np.concatenate(distances)
        rank = np.lexsort((pairs[:, 1], pairs[:, 0]))
        return pairs[rank], values[rank]


def neighbours(codes: NDArray[np.uint64], threshold: int, extra_blocks: int = 2) -> Neighbours:
    """Find every pair within `threshold` differing bits; exact.

    Args:
        codes: (N,) hashes.
        threshold: largest Hamming distance of a pair, 0 to 63.
        extra_blocks: k above: blocks that must agree. More make fewer comparisons in more passes; 2 suits hashes whose
            blocks are not uniform, such as those of pictures.

    Raises:
        InputError: `threshold` or `extra_blocks` is out of range.
    """
    if not 0 <= threshold < BITS or extra_blocks < 1:
        raise InputError(f"threshold must be 0 to {BITS - 1} and extra_blocks at least 1: {threshold}, {extra_blocks}")
    distinct, member = np.unique(codes.astype(np.uint64), return_inverse=True)
    agreeing = min(extra_blocks, BITS - threshold)
    found = [np.empty((0, 2), dtype=np.int64)]
    if threshold > 0:
        masks = _block_masks(threshold + agreeing)
        for chosen in combinations(masks, agreeing):
            mask = np.bitwise_or.reduce(np.array(chosen, dtype=np.uint64))
            found.append(_probe(distinct, mask, threshold))
    edges = np.unique(np.concatenate(found), axis=0)
    return Neighbours(distinct, member.reshape(-1), edges, hamming(distinct[edges[:, 0]], distinct[edges[:, 1]]))


def _block_masks(count: int) -> list[np.uint64]:
    """Masks that cut 64 bits into `count` blocks of nearly equal width."""
    bounds = [round(BITS * place / count) for place in range(count + 1)]
    return [np.uint64(((1 << (high - low)) - 1) << low) for low, high in pairwise(bounds)]


def _probe(codes: NDArray[np.uint64], mask: np.uint64, threshold: int) -> NDArray[np.int64]:
    """Pairs within `threshold` among the codes that agree under `mask`; memory stays linear in N."""
    keys = codes & mask
    order = np.argsort(keys, kind="stable")
    keys, sorted_codes = keys[order], codes[order]
    rows = []
    active = np.arange(len(codes) - 1)
    step = 1
    # Codes with one key stand together: compare each with its next, next but one, ... until keys part.
    while len(active):
        active = active[active + step < len(codes)]
        active = active[keys[active] == keys[active + step]]
        near = hamming(sorted_codes[active], sorted_codes[active + step]) <= threshold
        if near.any():
            pair = np.stack([order[active[near]], order[active[near] + step]], axis=1)
            rows.append(np.sort(pair, axis=1))
        step += 1
    return np.concatenate(rows) if rows else np.empty((0, 2), dtype=np.int64)


def _components(count: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """(count,) the smallest member of each node's connected component (union-find with path halving)."""
    parent = list(range(count))

    def find(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for first, second in edges.tolist():
        low, high = sorted((find(first), find(second)))
        parent[high] = low
    return np.array([find(node) for node in range(count)], dtype=np.int64)
