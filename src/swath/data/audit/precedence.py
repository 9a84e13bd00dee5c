"""Which of several images that show the same stays: what is measured on comes before what is trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from swath.data.audit.duplicates import DuplicateGroup
from swath.data.exclusions import Exclusion

VALIDATION = frozenset({"val", "valid", "validation", "dev"})
HELD_OUT = frozenset({"test", *VALIDATION})
"""Splits that are measured on; images of all others are trained on."""


def rank(split: str) -> int:
    """0 for test, 1 for a validation split, 2 for everything that is trained on."""
    return 0 if split == "test" else 1 if split in VALIDATION else 2


def duplicate_exclusions(groups: Iterable[DuplicateGroup]) -> Iterator[Exclusion]:
    """What to leave out of groups of duplicates: all but the first of the highest rank, but never a test image.

    Test images stay even where they show the same, so that results compare with the field's.
    """
    for group in groups:
        ranked = sorted(group.members, key=lambda member: rank(member.row.split))
        kept = ranked[0].row
        bits = max(member.distance for member in group.members)
        for row in (member.row for member in ranked[1:]):
            if rank(row.split) == 0:
                continue
            place = "across data sets" if row.dataset != kept.dataset else "within a split"
            place = place if row.split == kept.split else "across splits"
            evidence = f"{kept.dataset}/{kept.split or '-'}/{kept.image}, within {bits} bits"
            yield Exclusion(row.dataset, row.split, row.image, "", f"duplicate {place}", evidence)
