"""Splits of a multi-label corpus: iterative stratification, over images or over blocks of the Earth.

Stratification follows algorithm 1 of Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data"
(2011): the rarest label is dealt out first, always to the split that still lacks most of it. Images near each other
look alike, so a split by images leaks; a split by blocks keeps whole blocks together.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatch

import numpy as np
from numpy.typing import NDArray

from swath.errors import InputError

KM_PER_DEGREE = 111.32

Bounds = tuple[float, float, float, float]
"""(west, south, east, north) in degrees; west > east across the antimeridian."""


def stratified(labels: Sequence[Collection[str]], fractions: Mapping[str, float], seed: int = 0) -> list[str]:
    """Deal images out so that every split has its fraction of every label.

    Args:
        labels: the labels of each image.
        fractions: split -> its part of the images; they sum to 1.
        seed: decides between equals; the same seed and labels give the same split.

    Returns:
        The split of each image.

    Raises:
        InputError: fractions that are not positive or do not sum to 1.
    """
    names = sorted({label for found in labels for label in found})
    counts = np.zeros((len(labels), len(names) + 1), dtype=np.int64)
    place = {label: column for column, label in enumerate(names)}
    for row, found in enumerate(labels):
        counts[row, [place[label] for label in set(found)]] = 1
    counts[:, -1] = 1
    chosen = _deal(counts, fractions, seed)
    order = list(fractions)
    return [order[index] for index in chosen]


def by_scenes(
    scenes: Sequence[str], labels: Sequence[Collection[str]], fractions: Mapping[str, float], seed: int = 0
) -> list[str]:
    """Deal whole scenes out so that every split has about its fraction of every label.

    Args:
        scenes: the scene of each image.
        labels: the labels of each image.
        fractions: split -> its part of the images; they sum to 1.
        seed: decides between equals.

    Returns:
        The split of each image.

    Raises:
        InputError: fractions that are not positive or do not sum to 1.
    """
    places = {scene: row for row, scene in enumerate(dict.fromkeys(scenes))}
    columns = {label: column for column, label in enumerate(sorted({name for found in labels for name in found}))}
    counts = np.zeros((len(places), len(columns) + 1), dtype=np.int64)
    for scene, found in zip(scenes, labels, strict=True):
        counts[places[scene], [columns[label] for label in set(found)]] += 1
        counts[places[scene], -1] += 1
    chosen, order = _deal(counts, fractions, seed), list(fractions)
    return [order[chosen[places[scene]]] for scene in scenes]


def held_out(scenes: Sequence[str], patterns: Mapping[str, Sequence[str]]) -> list[str]:
    """The split of each image whose scene is named by a pattern; empty for all others.

    Args:
        scenes: the scene of each image.
        patterns: split -> patterns of scene names (``Mekong_*``).

    Raises:
        InputError: a pattern that fits no scene, or a scene in two splits.
    """
    found = [""] * len(scenes)
    for split, pattern in ((split, pattern) for split, own in patterns.items() for pattern in own):
        fitting = [place for place, scene in enumerate(scenes) if fnmatch(scene, pattern)]
        if not fitting:
            raise InputError(f"no scene is called {pattern!r}, which split {split!r} holds out; first: {scenes[:1]}")
        for place in fitting:
            if found[place] not in ("", split):
                raise InputError(f"scene {scenes[place]!r} is held out for {found[place]!r} and for {split!r}")
            found[place] = split
    return found


def by_blocks(
    bounds: Sequence[Bounds],
    labels: Sequence[Collection[str]],
    fractions: Mapping[str, float],
    seed: int = 0,
    block_km: float = 50.0,
) -> list[str]:
    """Deal whole blocks of about `block_km` squared out, stratified by the labels of their images.

    An image that reaches over its block's border into a block of another split (or of none) gets no split, so that no
    ground is seen from two splits.

    Args:
        bounds: where each image lies.
        labels: the labels of each image.
        fractions: split -> its part of the images; kept as well as whole blocks allow.
        seed: decides between equals.
        block_km: side of a block in kilometres; larger than any image.

    Returns:
        The split of each image; empty for those on a border.

    Raises:
        InputError: bad fractions, or an image that is larger than a block.
    """
    if not block_km > 0:
        raise InputError(f"blocks of {block_km} km cannot be made; give a positive side")
    corners = [_corner_blocks(box, block_km) for box in bounds]
    blocks = sorted({own for own, _ in corners})
    number = {block: row for row, block in enumerate(blocks)}
    names = sorted({label for found in labels for label in found})
    counts = np.zeros((len(blocks), len(names) + 1), dtype=np.int64)
    for (own, _), found in zip(corners, labels, strict=True):
        for label in set(found):
            counts[number[own], names.index(label)] += 1
        counts[number[own], -1] += 1
    order = list(fractions)
    split = {block: order[index] for block, index in zip(blocks, _deal(counts, fractions, seed), strict=True)}
    return [split[own] if all(split.get(block) == split[own] for block in touched) else "" for own, touched in corners]


def _deal(counts: NDArray[np.int64], fractions: Mapping[str, float], seed: int) -> list[int]:
    """The split of each unit (an image or a block) with (U, labels + 1) counts; the last column counts images."""
    parts = np.array(list(fractions.values()), dtype=np.float64)
    if not parts.size or not np.all(parts > 0) or abs(parts.sum() - 1.0) > 1e-6:
        raise InputError(f"fractions of splits must be positive and sum to 1, not {dict(fractions)}")
    rng = np.random.default_rng(seed)
    wanted = parts[:, None] * counts.sum(axis=0)
    chosen = np.full(len(counts), -1, dtype=np.int64)
    # Large blocks first: small ones then even out what is left.
    order = np.lexsort((rng.permutation(len(counts)), -counts[:, -1]))
    left = counts.sum(axis=0)[:-1]
    while True:
        rarest = int(np.argmin(np.where(left > 0, left, np.iinfo(np.int64).max))) if np.any(left > 0) else -1
        units = [unit for unit in order if chosen[unit] < 0 and (rarest < 0 or counts[unit, rarest])]
        for unit in units:
            first = wanted[:, rarest]
            ties = np.flatnonzero(first >= first.max() - 1e-9)
            sizes = wanted[ties, -1]
            ties = ties[sizes >= sizes.max() - 1e-9]
            split = int(rng.choice(ties)) if ties.size > 1 else int(ties[0])
            chosen[unit] = split
            wanted[split] -= counts[unit]
            left -= counts[unit, :-1]
        if rarest < 0:
            return [int(split) for split in chosen]


def _corner_blocks(box: Bounds, side: float) -> tuple[tuple[int, int], set[tuple[int, int]]]:
    """The block of an image's centre, and those of its corners."""
    west, south, east, north = box
    width = (east - west) % 360.0 if east < west else east - west
    middle = (south + north) / 2.0
    across = width * KM_PER_DEGREE * math.cos(math.radians(middle))
    if across > side or (north - south) * KM_PER_DEGREE > side:
        raise InputError(
            f"an image of {across:.1f} x {(north - south) * KM_PER_DEGREE:.1f} km does not fit into blocks of "
            f"{side} km; choose larger blocks"
        )
    touched = {_block(lon, lat, side) for lon in (west, west + width) for lat in (south, north)}
    return _block(west + width / 2.0, middle, side), touched


def _block(lon: float, lat: float, side: float) -> tuple[int, int]:
    """(row, column) of the block at a place: rows of equal height, columns as wide as they are high."""
    step = side / KM_PER_DEGREE
    row = math.floor((lat + 90.0) / step)
    middle = min(max((row + 0.5) * step - 90.0, -90.0), 90.0)
    columns = max(1, round(360.0 * math.cos(math.radians(middle)) / step))
    return row, math.floor(((lon + 180.0) % 360.0) / 360.0 * columns)
