"""Which images come into one batch together: equal shares of each sensor, and the partners of a group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

ALONE = -1
"""Stands for the group of an image that has no partner."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How an epoch's batches are drawn.

    Attributes:
        batch: images in a batch.
        parts: parts that a batch is cut into, each with a loss of its own; part p has the places p, p + parts, ...
        balance: whether each part has equal shares of each sensor. The smaller sets are then gone through again and
            again, in a new order each time, while the largest is gone through once (`max_size_cycle` of CLOSP's code).
        together: whether images of one group come into one part, as far as there is room.
    """

    batch: int
    parts: int
    balance: bool
    together: bool

    def steps(self, counts: Sequence[float]) -> int:
        """Batches in an epoch that draws so many images of each sensor; what does not fill a batch is left out."""
        if self.balance and counts:
            return int(max(counts) * len(counts) / self.batch)
        return int(sum(counts)) // self.batch

    def order(
        self, members: Numbers, sensors: Numbers, groups: Numbers, steps: int, random: np.random.Generator
    ) -> Numbers:
        """An epoch's images, batch after batch.

        Args:
            members: (N,) what may be drawn, each once.
            sensors: (N,) number of the sensor of each.
            groups: (N,) number of the group of each, `ALONE` where it has none.
            steps: batches.
            random: decides.

        Returns:
            (steps * batch,) entries of `members`; within a part they stand sensor by sensor, so that processes that
            take every nth of them have equal shares, too.
        """
        if not self.balance and not self.together:
            return random.permutation(members)
        streams = sensors if self.balance else np.zeros_like(sensors)
        partners = _partners(sensors, groups) if self.together else {}
        cycles = {int(kind): _Cycle(np.flatnonzero(streams == kind), random) for kind in np.unique(streams)}
        # First those with the most partners: they leave room for these.
        first = sorted(cycles, key=lambda kind: -np.mean([int(row) in partners for row in cycles[kind].members]))
        order = np.empty((steps, self.batch), dtype=np.int64)
        for step in range(steps):
            for part in range(self.parts):
                places = range(part, self.batch, self.parts)
                rows = _fill(len(places), first, step * self.parts + part, cycles, streams, partners)
                rows = sorted(rows, key=lambda row: int(sensors[row]))
                order[step, part :: self.parts] = members[rows]
        return order.reshape(-1)


class _Cycle:
    """The images of one sensor, in a random order that is drawn anew when all are gone.

    Args:
        members: their rows.
        random: decides.
    """

    def __init__(self, members: Numbers, random: np.random.Generator) -> None:
        self.members = members
        self._random = random
        self._left: list[int] = []
        self._put_off: list[int] = []
        self._waiting: set[int] = set()

    def take(self, fits: Callable[[int], bool]) -> int:
        """The next image that fits; one that does not is put off until no others are left."""
        while True:
            self._renew()
            if not self._left:
                row = self._put_off.pop()
            elif fits(self._left[-1]):
                row = self._left.pop()
            else:
                self._put_off.append(self._left.pop())
                continue
            if self.claim(row):
                return row

    def claim(self, row: int) -> bool:
        """Take this image out of its turn; False if it was there already in this round."""
        self._renew()
        if row not in self._waiting:
            return False
        self._waiting.remove(row)
        return True

    def _renew(self) -> None:
        if not self._waiting:
            self._left, self._put_off = self._random.permutation(self.members).tolist(), []
            self._waiting = set(self._left)


def _fill(
    size: int,
    kinds: Sequence[int],
    turn: int,
    cycles: dict[int, _Cycle],
    streams: Numbers,
    partners: dict[int, list[int]],
) -> list[int]:
    """Rows of one part: each stream's share, an image followed by its partners as long as there is room."""
    # What is over after equal shares goes to another stream each time.
    over = size % len(kinds)
    room = {kind: size // len(kinds) + ((place - turn * over) % len(kinds) < over) for place, kind in enumerate(kinds)}
    rows: list[int] = []

    def fits(row: int) -> bool:
        others = [int(streams[partner]) for partner in partners.get(row, ())]
        return not others or any(room[other] > (other == streams[row]) for other in others)

    for kind in kinds:
        while room[kind]:
            row = cycles[kind].take(fits)
            rows.append(row)
            room[kind] -= 1
            for partner in partners.get(row, ()):
                other = int(streams[partner])
                if room[other] and cycles[other].claim(partner):
                    rows.append(partner)
                    room[other] -= 1
    return rows


def _partners(sensors: Numbers, groups: Numbers) -> dict[int, list[int]]:
    """For each row that has any, the rows of the same group and another sensor."""
    members: dict[int, list[int]] = {}
    for row in np.flatnonzero(groups != ALONE).tolist():
        members.setdefault(int(groups[row]), []).append(row)
    found = {row: [other for other in own if sensors[other] != sensors[row]] for own in members.values() for row in own}
    return {row: others for row, others in found.items() if others}
