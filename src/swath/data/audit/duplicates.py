"""Images that show the same: groups of near-equal perceptual hashes, with how much their pixels differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from swath.data.audit.hashing import hamming
from swath.data.audit.neighbours import Neighbours, neighbours
from swath.data.audit.scan import ImageRow, Scan, picture

NEAR_EXACT = 4.0
"""Mean absolute difference (of 255) up to which two images are the same but for compression."""

_SIDE = 64


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One image of a group.

    Attributes:
        row: the image.
        distance: differing bits of its hash (in the position that fits best) to that of the group's first image.
        difference: mean absolute difference of its pixels (RGB, 64 px, 0 to 255) to that image so positioned.
    """

    row: ImageRow
    distance: int
    difference: float


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Images that show the same.

    Attributes:
        members: two or more, in the order of the data; the first is what the others are compared with.
    """

    members: tuple[Duplicate, ...]

    @property
    def near_exact(self) -> bool:
        """Whether all members have the same pixels but for compression."""
        return all(member.difference <= NEAR_EXACT for member in self.members)

    @property
    def crosses_splits(self) -> bool:
        """Whether members stand in different splits of one or several data sets."""
        return len({member.row.split for member in self.members}) > 1

    @property
    def crosses_datasets(self) -> bool:
        """Whether members stand in different data sets."""
        return len({member.row.dataset for member in self.members}) > 1


def find_duplicates(found: Scan, threshold: int = 2, turned: bool = False) -> list[DuplicateGroup]:
    """Group images whose hashes differ in at most `threshold` bits, directly or through others of the group.

    Only images of one sensor are compared: a radar and an optical picture of one place are no duplicates.

    Args:
        found: hashes of the images.
        threshold: differing bits; the paper's 2.
        turned: also find copies that are turned by 90 degrees or mirrored.
    """
    hashes = found.hashes if turned else found.hashes[:, :1]
    sensors = np.array([row.chip.scene.sensor for row in found.rows])
    groups: list[list[int]] = []
    for name in dict.fromkeys(sensors.tolist()):
        own = np.flatnonzero(sensors == name)
        groups += [own[group].tolist() for group in _groups(hashes[own], threshold)]
    return [_compare([found.rows[index] for index in group], hashes[group]) for group in sorted(groups)]


def _groups(hashes: NDArray[np.uint64], threshold: int) -> list[list[int]]:
    """Groups of images, from (N, positions) hashes; all positions of an image count as that image."""
    positions = hashes.shape[1]
    flat = neighbours(hashes.reshape(-1), threshold)
    images = np.arange(hashes.size) // positions
    # Positions of one image are linked by edges of their own, so that groups are groups of images.
    own = np.stack([flat.member[::positions].repeat(positions), flat.member], axis=1)
    edges = np.concatenate([flat.edges, np.sort(own, axis=1)])
    linked = Neighbours(flat.distinct, flat.member, edges, np.zeros(len(edges), dtype=np.uint8))
    groups = (sorted(set(images[group].tolist())) for group in linked.groups())
    return [group for group in groups if len(group) > 1]


def _compare(rows: Sequence[ImageRow], hashes: NDArray[np.uint64]) -> DuplicateGroup:
    first = _small(rows[0])
    turned = hashes.shape[1] > 1
    members = [Duplicate(rows[0], 0, 0.0)]
    for row, codes in zip(rows[1:], hashes[1:], strict=True):
        distance = int(hamming(codes, hashes[0, 0]).min())
        small = _small(row)
        difference = min(float(np.abs(position - first).mean()) for position in _positions(small, turned))
        members.append(Duplicate(row, distance, round(difference, 2)))
    return DuplicateGroup(tuple(members))


def _small(row: ImageRow) -> NDArray[np.float32]:
    """(64, 64, 3) picture of an image."""
    image = Image.fromarray(np.ascontiguousarray(np.moveaxis(picture(row.chip), 0, -1)))
    return np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), dtype=np.float32)


def _positions(small: NDArray[np.float32], turned: bool) -> list[NDArray[np.float32]]:
    if not turned:
        return [small]
    quarters = [np.rot90(small, quarter) for quarter in range(4)]
    return quarters + [np.fliplr(one) for one in quarters]
