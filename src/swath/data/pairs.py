"""`Pair`: one image with its texts, the unit that training and evaluation read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from swath.chips import Chip


@dataclass(frozen=True, slots=True)
class Pair:
    """One image with everything that is written about it.

    Attributes:
        chip: the image; its `scene.id` is the image's name in the data set.
        captions: short captions, as written; may be empty where the image has only labels.
        long_captions: captions of a paragraph.
        labels: class names; several for multi-label images.
        location: (lon, lat) in degrees, EPSG:4326; None where unknown.
        split: the official split's name; empty where the data set has none.
        provenance: where the pair comes from (data set, file, row); JSON values only.
        group: shared by images of one place and time, taken by several sensors; empty where there is none.
    """

    chip: Chip
    captions: tuple[str, ...] = ()
    long_captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    location: tuple[float, float] | None = None
    split: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict, hash=False)
    group: str = ""

    @property
    def name(self) -> str:
        """The image's name in its data set: the path relative to the image folder."""
        return self.chip.scene.id
