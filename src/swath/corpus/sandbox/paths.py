"""Curves and distances on the ground: meanders, smooth polylines, the nearest point of a set, connected patches.

Ground coordinates are metres from the scene's upper left corner, x to the east and y to the south.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox.noise import Field

Points = NDArray[np.float64]


def meander(rng: np.random.Generator, start: Points, end: Points, *, angle: float, wavelength: float) -> Points:
    """A river course from `start` to `end` as a sine-generated curve (Langbein and Leopold, 1966).

    The direction swings as ``angle * sin(phase)``; phase and angle wander, so bends differ.

    Args:
        rng: source of randomness.
        start: (2,) x, y.
        end: (2,) x, y.
        angle: largest angle to the general direction, radians; above 2.2 the curve would cross itself.
        wavelength: length of a pair of bends along the general direction, metres.

    Returns:
        (N, 2) points about 5 m apart.
    """
    distance = float(np.hypot(*(end - start)))
    count = max(int(distance / 2.5), 32)
    t = np.linspace(0.0, 1.0, count)
    waves = max(distance / wavelength, 0.5)
    knots = np.linspace(0.0, 1.0, int(waves * 2) + 3)
    phase = 2 * np.pi * waves * t + np.interp(t, knots, rng.normal(0, 1.1, knots.size)) + rng.uniform(0, 2 * np.pi)
    swing = angle * np.interp(t, knots, rng.uniform(0.2, 1.4, knots.size))
    heading = swing * np.sin(phase) + np.interp(t, knots[::2], rng.normal(0, 0.3, knots[::2].size))
    curve = np.cumsum(np.exp(1j * heading))
    curve = (curve - curve[0]) / (curve[-1] - curve[0])
    placed = complex(*start) + curve * (complex(*end) - complex(*start))
    return resample(np.column_stack([placed.real, placed.imag]), 5.0)


def resample(points: Points, spacing: float) -> Points:
    """The same polyline with points `spacing` metres apart."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    if along[-1] < spacing:
        return points[[0, -1]]
    wanted = np.linspace(0.0, along[-1], int(along[-1] / spacing) + 2)
    return np.column_stack([np.interp(wanted, along, points[:, axis]) for axis in (0, 1)])


def chaikin(points: Points, rounds: int = 3) -> Points:
    """Round the corners of a polyline by corner cutting (Chaikin, 1974); the ends stay."""
    for _ in range(rounds):
        if len(points) < 3:
            break
        left, right = points[:-1], points[1:]
        cut = np.stack([0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut[1:-1], points[-1:]])
    return points


def eased(points: Points, reach: int) -> Points:
    """A polyline with its bends eased by a moving mean over `reach` points on either side; the ends stay."""
    reach = min(reach, (len(points) - 1) // 2)
    if reach < 1:
        return points
    kernel = np.hanning(2 * reach + 3)[1:-1]
    kernel /= kernel.sum()
    padded = np.concatenate([np.repeat(points[:1], reach, 0), points, np.repeat(points[-1:], reach, 0)])
    out = np.column_stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)])
    out[0], out[-1] = points[0], points[-1]
    return out


def nearest(points: Points, size: int, pixel: float) -> NDArray[np.int32]:
    """Index of the (almost) nearest point for every pixel, by jump flooding (Rong and Tan, 2006).

    Args:
        points: (N, 2) metres; those outside the square are left out.
        size: rows and columns of the result.
        pixel: pixel size in metres.

    Returns:
        (size, size) indices into `points`; -1 everywhere if none lies inside.
    """
    index = np.full((size, size), -1, np.int32)
    cells = np.floor(points / pixel).astype(np.int64)
    inside = ((cells >= 0) & (cells < size)).all(axis=1)
    index[cells[inside, 1], cells[inside, 0]] = np.flatnonzero(inside)
    if not inside.any():
        return index
    best = distance(points, index, pixel) ** 2
    coordinates = (points[:, 0].astype(np.float32), points[:, 1].astype(np.float32))
    step = max(size // 2, 1)
    steps = []
    while step >= 1:
        steps.append(step)
        step //= 2
    for step in (*steps, 1):
        for down in (-step, 0, step):
            for right in (-step, 0, step):
                if down or right:
                    _offer(coordinates, index, best, down, right, pixel)
    return index


def distance(points: Points, index: NDArray[np.int32], pixel: float) -> Field:
    """Metres from every pixel's centre to the point that `index` names there; infinite where the index is -1."""
    rows, cols = index.shape
    x = (np.arange(cols, dtype=np.float32) + 0.5) * np.float32(pixel)
    y = (np.arange(rows, dtype=np.float32) + 0.5) * np.float32(pixel)
    if len(points) == 0:
        return np.full(index.shape, np.inf, np.float32)
    near = points.astype(np.float32)[index]
    out = np.hypot(near[..., 0] - x[None, :], near[..., 1] - y[:, None])
    out[index < 0] = np.inf
    return out


def centres(mask: NDArray[np.bool_], pixel: float) -> Points:
    """(N, 2) ground coordinates of the centres of the true pixels."""
    rows, cols = np.nonzero(mask)
    return np.column_stack([(cols + 0.5) * pixel, (rows + 0.5) * pixel])


def distance_to(mask: NDArray[np.bool_], pixel: float) -> Field:
    """Metres from every pixel to the nearest true pixel; infinite if there is none."""
    edge = mask & ~_eroded(mask)
    points = centres(edge, pixel)
    out = distance(points, nearest(points, mask.shape[0], pixel), pixel)
    return np.where(mask, np.float32(0.0), out)


def grow(mask: NDArray[np.bool_], steps: int = 1) -> NDArray[np.bool_]:
    """The mask with every pixel that touches it (8 neighbours), `steps` times."""
    for _ in range(steps):
        wide = mask.copy()
        wide[1:] |= mask[:-1]
        wide[:-1] |= mask[1:]
        tall = wide.copy()
        tall[:, 1:] |= wide[:, :-1]
        tall[:, :-1] |= wide[:, 1:]
        mask = tall
    return mask


def patches(values: NDArray[np.integer]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Label the connected patches (4 neighbours) of equal value.

    Runs of equal value in each row are joined to the runs above by union-find.

    Args:
        values: (H, W) integers.

    Returns:
        (H, W) labels from 0, and the area of each label in pixels.
    """
    rows, cols = values.shape
    starts = np.ones((rows, cols), bool)
    starts[:, 1:] = values[:, 1:] != values[:, :-1]
    runs = np.cumsum(starts.ravel()).reshape(rows, cols) - 1
    # one link for each pair of runs that touch: where the pair is first met from the left
    first = (values[1:] == values[:-1]) & (starts[1:] | starts[:-1] | ~_left(values[1:] == values[:-1]))
    links = np.stack([runs[:-1][first], runs[1:][first]], axis=1)
    parent = list(range(int(runs[-1, -1]) + 1))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for upper, lower in links.tolist():
        a, b = root(upper), root(lower)
        parent[max(a, b)] = min(a, b)
    roots = np.array([root(node) for node in range(len(parent))])
    _, compact = np.unique(roots, return_inverse=True)
    labels = compact.astype(np.int32)[runs]
    return labels, np.bincount(labels.ravel())


def _left(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The value of the left neighbour; False in the first column."""
    out = np.zeros_like(mask)
    out[:, 1:] = mask[:, :-1]
    return out


def _eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return inner


def _offer(
    coordinates: tuple[Field, Field], index: NDArray[np.int32], best: Field, down: int, right: int, pixel: float
) -> None:
    """Let every pixel take over the point of the neighbour `down`, `right` away where that is nearer; in place."""
    rows, cols = index.shape
    here = (slice(max(-down, 0), rows - max(down, 0)), slice(max(-right, 0), cols - max(right, 0)))
    there = (slice(max(down, 0), rows + min(down, 0)), slice(max(right, 0), cols + min(right, 0)))
    offered = index[there]
    x = coordinates[0].take(offered, mode="clip")
    y = coordinates[1].take(offered, mode="clip")
    x -= ((np.arange(cols, dtype=np.float32) + 0.5) * np.float32(pixel))[None, here[1]]
    y -= ((np.arange(rows, dtype=np.float32) + 0.5) * np.float32(pixel))[here[0], None]
    far = x * x + y * y
    better = (far < best[here]) & (offered >= 0)
    np.copyto(best[here], far, where=better)
    np.copyto(index[here], offered, where=better)
