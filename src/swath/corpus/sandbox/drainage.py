"""Where water runs: filling of depressions, flow directions, catchment areas and stream courses on a coarse grid."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox.noise import Field

_NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
_FALL = 1e-3  # metres that water falls per cell on filled flats, so that it always runs somewhere


@dataclass(frozen=True, slots=True)
class Drainage:
    """The way of water over a grid.

    Attributes:
        filled: (N, N) elevation with every closed depression filled to its spill point, metres.
        receiver: (N*N,) flat index of the cell that each cell drains to; its own index at outlets.
        catchment: (N*N,) number of cells that drain through each cell, itself included.
    """

    filled: Field
    receiver: NDArray[np.int64]
    catchment: NDArray[np.int64]

    def streams(self, threshold: int) -> list[NDArray[np.int64]]:
        """Courses of all streams whose catchment reaches `threshold` cells.

        Returns:
            for each stream the flat indices from its head down to where it meets another stream or an outlet.
        """
        wet = np.flatnonzero(self.catchment >= threshold)
        fed = np.zeros(self.receiver.size, bool)
        fed[self.receiver[wet[self.receiver[wet] != wet]]] = True
        heads = [cell for cell in wet.tolist() if not fed[cell]]
        taken = np.zeros(self.receiver.size, bool)
        courses = []
        for head in sorted(heads, key=lambda cell: -float(self.filled.ravel()[cell])):
            course = [head]
            while not taken[course[-1]] and self.receiver[course[-1]] != course[-1]:
                taken[course[-1]] = True
                course.append(int(self.receiver[course[-1]]))
            if len(course) > 2:
                courses.append(np.array(course))
        return courses


def drain(elevation: Field, outlets: NDArray[np.bool_]) -> Drainage:
    """Route water downhill by priority flood (Barnes, Lehman and Mulla, 2014).

    Args:
        elevation: (N, N) metres.
        outlets: (N, N) True where water leaves (sea, main river); the border always drains outwards.

    Returns:
        flow over a surface without pits.
    """
    rows, cols = elevation.shape
    height = elevation.astype(np.float64).ravel().tolist()
    ends = outlets.copy()
    ends[[0, -1], :] = True
    ends[:, [0, -1]] = True
    receiver = [-1] * (rows * cols)
    heap: list[tuple[float, int]] = []
    for cell in np.flatnonzero(ends.ravel()).tolist():
        receiver[cell] = cell
        heap.append((height[cell], cell))
    heapq.heapify(heap)
    order = []
    while heap:
        level, cell = heapq.heappop(heap)
        order.append(cell)
        row, col = divmod(cell, cols)
        for down, right in _NEIGHBOURS:
            r, c = row + down, col + right
            if 0 <= r < rows and 0 <= c < cols and receiver[r * cols + c] < 0:
                other = r * cols + c
                receiver[other] = cell
                height[other] = max(height[other], level + _FALL)
                heapq.heappush(heap, (height[other], other))
    catchment = [1] * (rows * cols)
    for cell in reversed(order):
        if receiver[cell] != cell:
            catchment[receiver[cell]] += catchment[cell]
    filled = np.array(height, np.float32).reshape(rows, cols)
    return Drainage(filled, np.array(receiver), np.array(catchment))
