"""Knowledge-preserved stretching of learned positions (Long-CLIP, Zhang et al. 2024, section 3.1): arithmetic only.

CLIP's first 20 positions are well trained, because most captions end there; they are kept. The others are spread out by
linear interpolation. 77 positions become 248. LRSCLIP / DGTRS-CLIP start from the same table.
"""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from swath.errors import InputError

KEEP = 20
"""Positions that Long-CLIP keeps as they are."""

RATIO = 4
"""How many positions each later one becomes in Long-CLIP."""


def stretched_length(count: int, keep: int = KEEP, ratio: float | None = None, length: int | None = None) -> int:
    """How many positions `count` of them become, see `stretch_positions`.

    Raises:
        InputError: as `stretch_positions`.
    """
    if not 0 <= keep <= count - 2:
        raise InputError(f"cannot keep {keep} of {count} positions: at least two must be left to stretch")
    if ratio is not None and not 1 <= ratio < float("inf"):
        raise InputError(f"positions are stretched by a ratio of 1 or more, not {ratio}")
    if length is not None and length < count:
        raise InputError(f"{count} positions cannot be stretched to fewer ({length})")
    if ratio is None and length is not None:
        return length
    most = keep + int((count - keep) * _exact(ratio if ratio is not None else RATIO))
    if length is not None and length > most:
        raise InputError(f"{count} positions, {keep} kept, the rest times {ratio}, become {most}, not {length}")
    return most if length is None else length


def stretch_positions(table: Tensor, keep: int = KEEP, ratio: float | None = None, length: int | None = None) -> Tensor:
    """Stretch a table of learned positions.

    With an integer ratio, row ``keep + ratio * i + k`` is ``(1 - k / ratio) * table[keep + i] + (k / ratio) *
    table[keep + i + 1]``; with any other, row ``keep + j`` lies at ``keep + j / ratio`` of the old table. Beyond the
    last row the last step is continued.

    Args:
        table: (N, W).
        keep: rows kept as they are.
        ratio: how many rows each later row becomes; any number from 1. By default 4, or whatever gives `length`.
        length: rows wanted, N or more. Together with `ratio`, the stretched table is cut there.

    Returns:
        (length, W); without `length`, (keep + ratio * (N - keep), W), rounded down. The type is the table's; sums are
        made in double precision.

    Raises:
        InputError: `keep` leaves fewer than two rows, `ratio` is below 1, or `length` is out of reach.
    """
    count = len(table)
    rows = stretched_length(count, keep, ratio, length)
    if ratio is None:
        step = Fraction(1, RATIO) if length is None else Fraction(count - keep, rows - keep)
    else:
        step = 1 / _exact(ratio)
    # Whole numbers decide which two rows a new one lies between: no rounding moves a row to its neighbour.
    places = [row * step for row in range(rows - keep)]
    whole = [min(int(place), count - keep - 1) for place in places]
    before = torch.tensor(whole, dtype=torch.int64, device=table.device)
    parts = [float(place - row) for place, row in zip(places, whole, strict=True)]
    weight = torch.tensor(parts, dtype=torch.float64, device=table.device)[:, None]
    rest = table[keep:].double()
    following = torch.cat([rest[1:], 2 * rest[-1:] - rest[-2:-1]])
    spread = (1 - weight) * rest[before] + weight * following[before]
    return torch.cat([table[:keep], spread.to(table.dtype)])


def _exact(ratio: float) -> Fraction:
    """The ratio as it is written: 1.9 is nineteen tenths, not the binary fraction just below."""
    return Fraction(str(ratio))
