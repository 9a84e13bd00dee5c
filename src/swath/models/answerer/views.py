"""What the answerer sees of an image: the whole, and windows at the tower's own resolution, so small things stay seen.

A tower of 128 pixels sees an image of 512 as a whole, in 2 x 2 and in 4 x 4 windows: the finest windows lose no detail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from swath.chips import Pixels
from swath.models.dual_encoder import DualEncoder

FINEST = 4
"""Most windows along a side."""

REGIONS = 2
"""Regions along a window's side that its patch tokens are averaged to."""


@dataclass(frozen=True, slots=True)
class Views:
    """Features of images; rows of images with fewer windows are padded with masked zeros.

    Attributes:
        windows: (I, W, D) pooled vectors.
        windows_mask: (I, W) True where real.
        regions: (I, R, D) means of patch tokens.
        regions_mask: (I, R) True where real.
    """

    windows: Tensor
    windows_mask: Tensor
    regions: Tensor
    regions_mask: Tensor

    def __len__(self) -> int:
        return self.windows.shape[0]

    def select(self, rows: Tensor) -> Views:
        """Some images, in the order given."""
        return Views(self.windows[rows], self.windows_mask[rows], self.regions[rows], self.regions_mask[rows])

    def tensors(self) -> dict[str, Tensor]:
        """By name, for storing."""
        return {
            "windows": self.windows,
            "windows_mask": self.windows_mask,
            "regions": self.regions,
            "regions_mask": self.regions_mask,
        }

    @staticmethod
    def cat(parts: Sequence[Views]) -> Views:
        """Join images."""
        return Views(
            *(
                torch.cat([_padded(getattr(part, name), width) for part in parts])
                for name in ("windows", "windows_mask", "regions", "regions_mask")
                for width in [max(getattr(part, name).shape[1] for part in parts)]
            )
        )


def view(encoder: DualEncoder, images: Sequence[Pixels], *, batch_size: int = 32) -> Views:
    """Encode images with a frozen tower, each as a whole and window by window.

    Args:
        encoder: the model.
        images: any sensors, any sizes.
        batch_size: windows encoded at once.

    Raises:
        SensorError: the model takes no images of a sensor.
    """
    cut = [_windows(image, _levels(encoder, image)) for image in images]
    flat = [window for windows in cut for window in windows]
    found = encoder.encode_pixels(flat, batch_size=batch_size)
    regions = _regions(found.tokens.float())
    parts, start = [], 0
    for windows in cut:
        rows = slice(start, start + len(windows))
        start += len(windows)
        own = regions[rows].reshape(1, -1, regions.shape[2]).half().cpu()
        pooled = found.pooled[rows][None].half().cpu()
        parts.append(
            Views(
                pooled,
                torch.ones(pooled.shape[:2], dtype=torch.bool),
                own,
                torch.ones(own.shape[:2], dtype=torch.bool),
            )
        )
    return Views.cat(parts)


def _levels(encoder: DualEncoder, image: Pixels) -> list[int]:
    """Windows along a side: 1, 2, 4 while a window still has the tower's pixels."""
    side = encoder.config.towers[encoder.config.route(image.sensor).tower].image_size
    shortest = min(image.valid.shape)
    return [1, *(count for count in (2, FINEST) if shortest // count >= side)]


def _windows(image: Pixels, levels: Sequence[int]) -> list[Pixels]:
    height, width = image.valid.shape
    found = []
    for count in levels:
        for row in range(count):
            for col in range(count):
                place = (
                    slice(height * row // count, height * (row + 1) // count),
                    slice(width * col // count, width * (col + 1) // count),
                )
                found.append(Pixels(image.data[:, *place], image.valid[place], image.sensor))
    return found


def _regions(tokens: Tensor) -> Tensor:
    """(W, N, D) patch tokens of a square grid as (W, REGIONS * REGIONS, D) means; towers without tokens give none."""
    count, number, width = tokens.shape
    side = round(number**0.5)
    if side * side != number or side < REGIONS:
        return tokens.mean(dim=1, keepdim=True) if number else tokens.new_zeros(count, 1, width)
    grid = tokens.transpose(1, 2).reshape(count, width, side, side)
    return F.adaptive_avg_pool2d(grid, REGIONS).flatten(2).transpose(1, 2)


def _padded(value: Tensor, width: int) -> Tensor:
    missing = width - value.shape[1]
    return F.pad(value, (0, 0, 0, missing)) if value.ndim == 3 else F.pad(value, (0, missing))
