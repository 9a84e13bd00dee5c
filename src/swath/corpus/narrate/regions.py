"""Classes of a label raster as regions: shares, patches, where they lie, what they touch, what shape they have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from swath.corpus.narrate.phrasing import part_of_image
from swath.corpus.sandbox.paths import patches

LEAST_PATCH = 0.004
"""Smaller patches, as a share of the labelled pixels, are tiny."""

CONCENTRATED = 0.6
"""A class lies in a part of the image that holds so much of it."""

HALF = 0.8
"""A class lies on a side of the image whose half holds so much of it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The largest patch of a class.

    Attributes:
        share: of the labelled pixels.
        elongation: length by width of the ellipse with the same second moments.
        raggedness: perimeter squared by 4 pi times the area; 1 is a disc (about 1.3 for one of pixels).
        edges: sides of the image that it touches.
    """

    share: float
    elongation: float
    raggedness: float
    edges: frozenset[str]


@dataclass(frozen=True, slots=True)
class Region:
    """One class in an image.

    Attributes:
        share: of the labelled pixels, 0 to 1; `pixels`: their number.
        patches: connected patches (4 neighbours) that are not tiny; `pieces`: all of them.
        part: where it lies: one of nine parts, or a side; empty where it is all over the image.
        shape: its largest patch.
        borders: other class -> share of this class's border with other classes that it holds.
    """

    share: float
    pixels: int
    patches: int
    pieces: int
    part: str
    shape: Shape
    borders: Mapping[int, float]


def regions_of(codes: NDArray[np.int64], known: NDArray[np.bool_]) -> dict[int, Region]:
    """Measure every class of a label raster.

    Args:
        codes: (H, W) classes.
        known: (H, W) False where there is none.

    Returns:
        code -> region, the largest first; empty where nothing is known.
    """
    total = int(np.count_nonzero(known))
    if not total:
        return {}
    blank = int(codes.min()) - 1
    values = np.where(known, codes, blank)
    labels, areas = patches(values)
    first = np.unique(labels.ravel(), return_index=True)[1]
    owners = values.ravel()[first]
    contacts = _contacts(values)
    found = {}
    for code in np.unique(codes[known]).tolist():
        mine = np.flatnonzero(owners == code)
        largest = int(mine[np.argmax(areas[mine])])
        held = {other: count for (one, other), count in contacts.items() if one == code and other != blank}
        border = sum(held.values())
        mask = values == code
        found[int(code)] = Region(
            share=float(np.count_nonzero(mask) / total),
            pixels=int(np.count_nonzero(mask)),
            patches=int(np.count_nonzero(areas[mine] >= max(LEAST_PATCH * total, 1.0))),
            pieces=len(mine),
            part=_part(mask),
            shape=_shape(labels == largest, total),
            borders={other: count / border for other, count in held.items()},
        )
    return dict(sorted(found.items(), key=lambda entry: (-entry[1].share, entry[0])))


def _contacts(values: NDArray[np.int64]) -> dict[tuple[int, int], int]:
    """(class, neighbouring class) -> pixel sides between them, both ways."""
    counts: dict[tuple[int, int], int] = {}
    for one, other in ((values[:, :-1], values[:, 1:]), (values[:-1], values[1:])):
        differ = one != other
        both = np.stack([one[differ], other[differ]], axis=1)
        kinds, number = np.unique(both, axis=0, return_counts=True)
        for (a, b), count in zip(kinds.tolist(), number.tolist(), strict=True):
            counts[a, b] = counts.get((a, b), 0) + count
            counts[b, a] = counts.get((b, a), 0) + count
    return counts


def _part(mask: NDArray[np.bool_]) -> str:
    """Where a mask lies: the ninth of the image that holds most of it, else a side; empty where neither holds it."""
    height, width = mask.shape
    total = np.count_nonzero(mask)
    rows, cols = np.linspace(0, height, 4).round().astype(int), np.linspace(0, width, 4).round().astype(int)
    ninths = {
        part_of_image((col + 0.5) / 3, (row + 0.5) / 3): np.count_nonzero(mask[top:bottom, left:right]) / total
        for row, (top, bottom) in enumerate(pairwise(rows))
        for col, (left, right) in enumerate(pairwise(cols))
    }
    best = max(ninths, key=lambda part: ninths[part])
    if ninths[best] >= CONCENTRATED:
        return best
    sides = {
        "top": mask[: height // 2], "bottom": mask[height - height // 2 :],
        "left": mask[:, : width // 2], "right": mask[:, width - width // 2 :],
    }  # fmt: skip
    held = {side: np.count_nonzero(half) / total for side, half in sides.items()}
    side = max(held, key=lambda name: held[name])
    return side if held[side] >= HALF else ""


def _shape(patch: NDArray[np.bool_], total: int) -> Shape:
    rows, cols = np.nonzero(patch)
    area = len(rows)
    # A pixel is a square of side 1, whose own second moment is 1/12.
    spread = np.cov(np.stack([rows, cols]), bias=True) + np.eye(2) / 12 if area > 1 else np.eye(2) / 12
    small, large = np.linalg.eigvalsh(spread)
    padded = np.pad(patch, 1)
    sides = sum(int(np.count_nonzero(np.diff(padded.astype(np.int8), axis=axis))) for axis in (0, 1))
    # Pixel sides overrate a slanting outline; pi/4 is right on average over all directions (Crofton).
    perimeter = sides * math.pi / 4
    edges = {"top": patch[0], "bottom": patch[-1], "left": patch[:, 0], "right": patch[:, -1]}
    return Shape(
        share=area / total,
        elongation=float(math.sqrt(large / small)),
        raggedness=perimeter**2 / (4 * math.pi * area),
        edges=frozenset(side for side, line in edges.items() if line.any()),
    )
