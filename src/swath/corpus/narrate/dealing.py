"""Splits that never divide a unit: all images of a scene, or of a ship's record, go into one split."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from swath.errors import InputError


def deal(units: Sequence[str], fractions: Mapping[str, float], seed: int = 0) -> list[str]:
    """Deal whole units out, so that every split gets its part of the images as well as whole units allow.

    Args:
        units: the unit of each image.
        fractions: split -> its part; they sum to 1. None of them gives no splits.
        seed: chooses the order.

    Returns:
        The split of each image.

    Raises:
        InputError: fractions that are not positive or do not sum to 1, or fewer units than splits.
    """
    if not fractions:
        return [""] * len(units)
    if not all(part > 0 for part in fractions.values()) or abs(sum(fractions.values()) - 1) > 1e-6:
        raise InputError(f"parts of splits must be positive and sum to 1, not {dict(fractions)}")
    if not units:
        return []
    sizes = Counter(units)
    if len(sizes) < len(fractions):
        raise InputError(f"{len(sizes)} scenes or records cannot be dealt out to {len(fractions)} splits")
    order = sorted(sizes)
    random.Random(seed).shuffle(order)
    order.sort(key=lambda unit: -sizes[unit])  # stable: equal sizes stay shuffled
    wanted = {split: part * len(units) for split, part in fractions.items()}
    chosen: dict[str, str] = {}
    for unit in order:
        split = max(wanted, key=lambda name: wanted[name])
        chosen[unit] = split
        wanted[split] -= sizes[unit]
    return [chosen[unit] for unit in units]
