"""How things lie to each other: in a row, in a cluster, alone, spread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Direction = Literal["horizontal", "vertical", "diagonal"]

STRAIGHT = 0.1
"""A row's spread across it, as a share of the spread along it, at most."""

EVEN = 2.5
"""The widest gap of a row, in median gaps, at most."""

CLOSE = 3.0
"""Things form a cluster where each has another within so many typical sizes."""

ALONE = 0.3
"""A thing is alone whose nearest neighbour is farther away than this share of the image's diagonal."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How things lie.

    Attributes:
        row: the direction of the row that all of them form; None where they form none.
        clusters: indices of the members of each cluster of at least three, the largest first.
        alone: indices of those that lie far from all others.
        spread: whether they lie in at least five of nine parts of the image.
    """

    row: Direction | None
    clusters: tuple[tuple[int, ...], ...]
    alone: tuple[int, ...]
    spread: bool


def arrange(centres: NDArray[np.float64], sizes: NDArray[np.float64], width: float, height: float) -> Arrangement:
    """Measure how things lie.

    Args:
        centres: (N, 2) x and y in pixels.
        sizes: (N,) longest sides in pixels.
        width: of the image in pixels.
        height: of the image in pixels.
    """
    count = len(centres)
    if count < 2:
        return Arrangement(None, (), (), False)
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.min(axis=1)
    alone = tuple(np.flatnonzero(nearest > ALONE * np.hypot(width, height)).tolist())
    groups = [group for group in _linked(apart <= CLOSE * float(np.median(sizes))) if len(group) >= 3]
    cells = {(min(int(3 * x / width), 2), min(int(3 * y / height), 2)) for x, y in centres.tolist()}
    return Arrangement(
        _row(centres), tuple(sorted(groups, key=lambda group: (-len(group), group))), alone, len(cells) >= 5
    )


def _row(centres: NDArray[np.float64]) -> Direction | None:
    """The direction of the straight, even row that at least three points form; None where they form none."""
    if len(centres) < 3:
        return None
    moved = centres - centres.mean(axis=0)
    _, spreads, axes = np.linalg.svd(moved, full_matrices=False)
    if spreads[0] <= 0 or spreads[1] > STRAIGHT * spreads[0]:
        return None
    gaps = np.diff(np.sort(moved @ axes[0]))
    if gaps.max() > EVEN * np.median(gaps):
        return None
    degrees = np.degrees(np.arctan2(abs(axes[0, 1]), abs(axes[0, 0])))
    return "horizontal" if degrees < 20 else "vertical" if degrees > 70 else "diagonal"


def _linked(close: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """Connected groups of a symmetric (N, N) relation."""
    left, groups = set(range(len(close))), []
    while left:
        pending, group = [min(left)], set[int]()
        while pending:
            node = pending.pop()
            if node in left:
                left.discard(node)
                group.add(node)
                pending += np.flatnonzero(close[node]).tolist()
        groups.append(tuple(sorted(group)))
    return groups
