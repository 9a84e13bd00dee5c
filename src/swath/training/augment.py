"""Random crops, quarter turns, colours, speckle: one resampling for a whole batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from swath.training.radar import RadarView, disturb
from swath.training.recipe import AugmentRecipe

ERASED_AREA = (0.02, 0.2)
"""Smallest and largest share of the image that `erase` greys out."""


def augment(
    images: Tensor,
    recipe: AugmentRecipe,
    size: int,
    random: torch.Generator,
    *,
    colour: bool,
    views: Sequence[RadarView | None] | None = None,
    maps: Tensor | None = None,
) -> Tensor:
    """Cut, turn and recolour a batch; disturb the radar images in it.

    Crop, mirror and quarter turn are one affine map, so pixels are interpolated once. Colours of radar images are not
    touched: they are measurements of polarisations, and speckle and gain are what varies in them.

    Args:
        images: (B, bands, H, W) float; pictures 0 to 1, or standardised bands.
        recipe: how strong.
        size: side of the result in pixels.
        random: where all random numbers come from.
        colour: whether the images are pictures, whose colours may change.
        views: for each image its view where it is a radar's (see `swath.training.radar`), otherwise None; None where
            there is no radar among them.
        maps: how to cut and turn each image, from `crop_maps`; None draws it.

    Returns:
        (B, bands, size, size) float32.
    """
    maps = crop_maps(len(images), recipe, random) if maps is None else maps
    grid = F.affine_grid(maps, [len(images), 1, size, size], align_corners=False)
    out = F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    views = [None] * len(images) if views is None else views
    if colour and recipe.colour:
        optical = torch.tensor([view is None for view in views])[:, None, None, None]
        out = torch.where(optical, _recolour(out, recipe.colour, random), out)
    if recipe.speckle is not None or recipe.radiometric is not None:
        for view in sorted({view for view in views if view is not None}, key=repr):
            rows = [row for row, own in enumerate(views) if own == view]
            out[rows] = disturb(out[rows], view, random, recipe.speckle, recipe.radiometric)
    if recipe.erase:
        out = _erase(out, recipe.erase, random)
    return out


def size_at(sizes: tuple[int, ...], epoch: int, epochs: int) -> int:
    """The crop's side in an epoch (from 0): each size has an equal share of the epochs."""
    return sizes[min(len(sizes) - 1, epoch * len(sizes) // epochs)]


def crop_maps(count: int, recipe: AugmentRecipe, random: torch.Generator, groups: Tensor | None = None) -> Tensor:
    """Draw how images are cut and turned.

    Args:
        count: number of images.
        recipe: how strong.
        random: where all random numbers come from.
        groups: (count,) equal numbers from 0 on mark images of the same ground, which are cut and turned alike.

    Returns:
        (count, 2, 3) maps from output to input coordinates, both -1 to 1.
    """
    side = torch.sqrt(_uniform(random, count, recipe.area, 1.0))
    stretch = torch.exp(_uniform(random, count, -1.0, 1.0) * (math.log(recipe.ratio) / 2))
    width, height = (side * stretch).clamp(max=1.0), (side / stretch).clamp(max=1.0)
    x = _uniform(random, count, -1.0, 1.0) * (1 - width)
    y = _uniform(random, count, -1.0, 1.0) * (1 - height)
    cos, sin, mirror = torch.ones(count), torch.zeros(count), torch.ones(count)
    if recipe.dihedral:
        turn = torch.randint(0, 4, (count,), generator=random)
        if recipe.dihedral == "flips":
            turn = turn // 2 * 2  # half turns and mirrors: the four flips
        cos, sin = torch.tensor([1.0, 0.0, -1.0, 0.0])[turn], torch.tensor([0.0, 1.0, 0.0, -1.0])[turn]
        mirror = torch.randint(0, 2, (count,), generator=random) * 2.0 - 1.0
    rows = [torch.stack([width * cos * mirror, -width * sin, x], -1)]
    rows += [torch.stack([height * sin * mirror, height * cos, y], -1)]
    maps = torch.stack(rows, 1)
    if groups is None:
        return maps
    first: dict[int, int] = {}
    return maps[[first.setdefault(group, row) if group >= 0 else row for row, group in enumerate(groups.tolist())]]


def _recolour(images: Tensor, strength: float, random: torch.Generator) -> Tensor:
    """Random contrast, brightness, channel gains and saturation, as one affine map of the channels of each image."""
    count, channels = images.shape[:2]
    contrast, brightness, saturation = (_uniform(random, count, 1 - strength, 1 + strength) for _ in range(3))
    gains = _uniform(random, count * channels, 1 - strength / 3, 1 + strength / 3).view(count, channels)
    grey = torch.full((channels, channels), 1 / channels)
    mix = saturation[:, None, None] * torch.eye(channels) + (1 - saturation)[:, None, None] * grey
    mix = mix * (brightness[:, None] * gains)[:, None, :]
    mean = images.mean(dim=(1, 2, 3))
    offset = mix.sum(dim=2) * ((1 - contrast) * mean)[:, None]
    flat = torch.baddbmm(offset[:, :, None], mix * contrast[:, None, None], images.flatten(2))
    return flat.view_as(images).clamp_(0, 1)


def _erase(images: Tensor, chance: float, random: torch.Generator) -> Tensor:
    """Set a random rectangle of some images to the image's mean (Zhong et al. 2020)."""
    count, _, height, width = images.shape
    area, stretch = _uniform(random, count, *ERASED_AREA), torch.exp(_uniform(random, count, -0.7, 0.7))
    high, wide = torch.sqrt(area * stretch) * height, torch.sqrt(area / stretch) * width
    top, left = _uniform(random, count, 0, 1) * (height - high), _uniform(random, count, 0, 1) * (width - wide)
    chosen = _uniform(random, count, 0, 1) < chance
    rows, columns = torch.arange(height)[None], torch.arange(width)[None]
    in_rows = (rows >= top[:, None]) & (rows < (top + high)[:, None])
    in_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
    hole = (in_rows[:, :, None] & in_columns[:, None, :] & chosen[:, None, None])[:, None]
    return torch.where(hole, images.mean(dim=(2, 3), keepdim=True), images)


def _uniform(random: torch.Generator, count: int, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=random)
