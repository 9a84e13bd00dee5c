"""Rankings given in parts: a large one cut, several merged into one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from swath.archive.scale import Scale

Ranking = tuple[NDArray[np.uint64], NDArray[np.floating]]
"""Row ids and their scores, best first."""


def best_first(rows: NDArray[np.uint64], scores: NDArray[np.floating], k: int) -> Iterator[Ranking]:
    """Give a ranking in growing parts, so that a caller who needs only the best does not pay for sorting the rest."""
    part = max(4 * k, 256)
    while len(rows) > part:
        best = np.argpartition(-scores, part - 1)[:part]
        best = best[np.lexsort((rows[best], -scores[best]))]
        yield rows[best], scores[best]
        rest = np.full(len(rows), True)
        rest[best] = False
        rows, scores, part = rows[rest], scores[rest], part * 4
    order = np.lexsort((rows, -scores))
    yield rows[order], scores[order]


def merged(streams: Sequence[Iterator[Ranking]]) -> Iterator[Ranking]:
    """One ranking out of several whose rows differ, each given in parts, best first."""
    waiting = [iter(stream) for stream in streams]
    rows, scores = np.empty(0, np.uint64), np.empty(0, np.float32)
    lowest = dict.fromkeys(range(len(waiting)), np.inf)  # of each stream that may have more: its last score so far
    while lowest or len(rows):
        # A row is in its place once no stream can give one that is as good.
        bound = max(lowest.values(), default=-np.inf)
        ready = scores > bound if lowest else np.full(len(rows), True)
        if ready.any():
            order = np.lexsort((rows[ready], -scores[ready]))
            yield rows[ready][order], scores[ready][order]
            rows, scores = rows[~ready], scores[~ready]
        for at in [at for at, last in lowest.items() if last == bound]:
            part = next(waiting[at], None)
            if part is None:
                del lowest[at]
            elif len(part[0]):
                rows, scores = np.concatenate([rows, part[0]]), np.concatenate([scores, part[1]])
                lowest[at] = float(part[1][-1])


def first_scores(ranking: Iterator[Ranking], count: int) -> NDArray[np.floating]:
    """The scores of the first `count` rows of a ranking; fewer where it has fewer."""
    found = np.empty(0, np.float32)
    for _, scores in ranking:
        found = np.concatenate([found, scores])
        if len(found) >= count:
            break
    return found[:count]


def scaled(ranking: Iterator[Ranking], scale: Scale, sensor: str) -> Iterator[Ranking]:
    """A ranking of one sensor's rows with calibrated scores."""
    own = scale.sensors[sensor]
    for rows, scores in ranking:
        yield rows, np.asarray(scores * own.gain + own.offset, dtype=np.float32)
