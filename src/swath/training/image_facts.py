"""`ImageFacts`: what is known of a batch's images beside their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.data import Pair
from swath.lonlat import as_lonlat
from swath.objectives.bridge import NO_GROUP
from swath.objectives.contrastive import gather


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the terms over several sensors and over places need; rows are images, in the batch's order.

    Attributes:
        sensor: (B,) number of each image's tower; sensors that share a tower count as one.
        labels: (B, K) bool, its labels.
        group: (B,) number of its group, `NO_GROUP` where it has none.
        places: (B, 2) float64, longitude and latitude in degrees; NaN where unknown.
    """

    sensor: Tensor
    labels: Tensor
    group: Tensor
    places: Tensor

    @classmethod
    def of(cls, pairs: Sequence[Pair], towers: Sequence[str], *, labels: bool) -> ImageFacts:
        """The facts of some pairs.

        Args:
            pairs: the images.
            towers: name of the tower of each.
            labels: whether the labels are needed; otherwise there are no columns of them.

        Raises:
            InputError: a place is not on Earth.
        """
        numbers = {name: number for number, name in enumerate(sorted(set(towers)))}
        names = sorted({label for pair in pairs for label in pair.labels}) if labels else []
        columns = {label: column for column, label in enumerate(names)}
        marks = torch.zeros(len(pairs), len(names), dtype=torch.bool)
        for row, pair in enumerate(pairs):
            marks[row, [columns[label] for label in pair.labels if labels]] = True
        places = torch.full((len(pairs), 2), torch.nan, dtype=torch.float64)
        located = {row: pair.location for row, pair in enumerate(pairs) if pair.location is not None}
        if located:
            places[list(located)] = torch.from_numpy(as_lonlat(list(located.values()), "places"))
        return cls(torch.tensor([numbers[name] for name in towers]), marks, _groups(pairs), places)

    def select(self, rows: NDArray[np.int64]) -> ImageFacts:
        """Some of the images."""
        chosen = torch.from_numpy(rows)
        return ImageFacts(*(value[chosen] for value in self._fields))

    def to(self, device: torch.device) -> ImageFacts:
        """The same on a device."""
        return ImageFacts(*(value.to(device) for value in self._fields))

    def gathered(self) -> ImageFacts:
        """Those of all processes, in rank order."""
        return ImageFacts(*(gather(value) for value in self._fields))

    @property
    def located(self) -> Tensor:
        """(B,) bool, which places are known."""
        return self.places.isfinite().all(dim=1)

    @property
    def _fields(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.sensor, self.labels, self.group, self.places


def _groups(pairs: Sequence[Pair]) -> Tensor:
    numbers: dict[str, int] = {"": NO_GROUP}
    return torch.tensor([numbers.setdefault(pair.group, len(numbers)) for pair in pairs], dtype=torch.long)
