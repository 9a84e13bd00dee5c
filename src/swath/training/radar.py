"""What radar images may suffer in training: speckle, and backscatter that falls or rises with the incidence angle.

Both multiply the linear power of a band, so both are added to its decibels; and what a tower is given, a rendered
picture or standardised bands, is linear in decibels (`Sensor.to_rgb`, `Sensor.normalize`). `RadarView` holds that
linear map, so one piece of arithmetic serves every radar sensor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from swath.bands import places
from swath.models.config import SensorInput, TowerConfig
from swath.sensors import Sensor
from swath.training.recipe import RadiometricRecipe, SpeckleRecipe

PICTURE_SPAN_DB = 30.0
"""Decibels between black and white that are assumed of radar products stretched to 8 bits, which do not tell theirs."""

_RATIO_DB = 15.0  # decibels between black and white of the third channel, VV / VH, in `Sensor.to_rgb`


@dataclass(frozen=True, slots=True)
class RadarView:
    """How the channels that a tower is given answer to the decibels of a radar's bands.

    Attributes:
        per_db: (channels, bands) change of each channel for one decibel more in each band; where the values are
            amplitudes, 1 for each channel's band.
        zero: where the values are amplitudes, what each channel holds for no backscatter: a scale has to start there.
            None where they are linear in decibels.
        picture: the values are a picture, 0 to 1, black where there is no data.
    """

    per_db: tuple[tuple[float, ...], ...]
    zero: tuple[float, ...] | None
    picture: bool

    @property
    def bands(self) -> int:
        """Number of the radar's bands."""
        return len(self.per_db[0])


def radar_view(sensor: Sensor, route: SensorInput, tower: TowerConfig) -> RadarView | None:
    """The view of a sensor's images; None for a sensor that is no radar.

    Args:
        sensor: the sensor.
        route: how the model takes its images.
        tower: the tower they go to.
    """
    if not sensor.is_radar:
        return None
    return _picture_view(sensor) if route.input == "rgb" else _band_view(sensor, route, tower)


def _picture_view(sensor: Sensor) -> RadarView:
    """Of `Sensor.to_rgb`."""
    count = len(sensor.bands)
    if sensor.units == "amplitude":
        return RadarView(((1.0,),) * 3, (0.0,) * 3, picture=True)
    decibel = sensor.units in ("db", "power")
    step = 1.0 / (sensor.stretch[1] - sensor.stretch[0] if decibel else PICTURE_SPAN_DB)
    if count == 1:
        return RadarView(((step,),) * 3, None, picture=True)
    ratio = 1.0 / (_RATIO_DB if decibel else PICTURE_SPAN_DB)
    co, cross = sensor.band_index("VV"), sensor.band_index("VH")
    rows = [[0.0] * count for _ in range(3)]
    rows[0][co], rows[1][cross], rows[2][co], rows[2][cross] = step, step, ratio, -ratio
    return RadarView(tuple(map(tuple, rows)), None, picture=True)


def _band_view(sensor: Sensor, route: SensorInput, tower: TowerConfig) -> RadarView:
    """Of `swath.models.preprocess.standardise`."""
    found: tuple[int | None, ...] = tuple(range(len(sensor.bands)))
    if tower.band_names is not None:
        found = places(sensor, tower.band_names, route.fill)
    rows = [[0.0] * len(sensor.bands) for _ in found]
    zero = []
    for channel, band in enumerate(found):
        if band is not None and route.statistics == "sensor":
            mean, std = sensor.bands[band].mean, sensor.bands[band].std
        else:
            mean, std = _at(tower.mean, channel), _at(tower.std, channel)
        zero.append(-mean / std)
        if band is not None:
            rows[channel][band] = {"amplitude": 1.0, "dn8": 255.0 / PICTURE_SPAN_DB / std}.get(sensor.units, 1.0 / std)
    return RadarView(tuple(map(tuple, rows)), tuple(zero) if sensor.units == "amplitude" else None, picture=False)


def _at(values: Sequence[float], channel: int) -> float:
    return float(values[min(channel, len(values) - 1)])


def disturb(
    images: Tensor,
    view: RadarView,
    random: torch.Generator,
    speckle: SpeckleRecipe | None,
    radiometric: RadiometricRecipe | None,
) -> Tensor:
    """Speckle and radiometric change of radar images.

    Args:
        images: (B, channels, H, W) of one sensor, as the tower is given them but for a picture's standardisation.
        view: of that sensor.
        random: where all random numbers come from.
        speckle: how much speckle; None for none.
        radiometric: how much radiometric change; None for none.

    Returns:
        the images, (B, channels, H, W); pictures stay between 0 and 1, and black where they were black.
    """
    count, _, height, width = images.shape
    change = torch.zeros(count, view.bands, height, width)
    if radiometric is not None:
        change += _incidence(count, height, width, radiometric, random)
    if speckle is not None:
        chosen = torch.rand(count, generator=random) < speckle.chance
        noise = speckle_db((count, view.bands, height, width), speckle.looks, random)
        change += noise * chosen[:, None, None, None]
    by_channel = torch.einsum("cb,nbhw->nchw", torch.tensor(view.per_db), change)
    if view.zero is None:
        out = images + by_channel
    else:
        zero = torch.tensor(view.zero)[:, None, None]
        out = zero + (images - zero) * 10 ** (by_channel / 20)
    if not view.picture:
        return out
    return torch.where((images == 0).all(dim=1, keepdim=True), images, out.clamp(0, 1))


def speckle_db(shape: tuple[int, ...], looks: float, random: torch.Generator) -> Tensor:
    """Multiplicative speckle of an L-look intensity image in decibels: ``10 log10 s``, s ~ Gamma(L, 1 / L).

    In linear power s has mean 1 and variance 1 / L (Goodman 1976; Ulaby and Dobson 1989), so the image's mean stays.

    Args:
        shape: of the result.
        looks: L, not necessarily whole.
        random: where all random numbers come from.
    """
    shape_parameter = torch.full(shape, float(looks))
    power = torch._standard_gamma(shape_parameter, generator=random) / looks
    return 10 * torch.log10(power.clamp_min(1e-6))


def _incidence(count: int, height: int, width: int, recipe: RadiometricRecipe, random: torch.Generator) -> Tensor:
    """(count, 1, H, W) decibels: a gain for the whole image, and a slope along one of its sides, its mean zero.

    Across a swath backscatter falls with the incidence angle; which side of the image is near range is not known.
    """
    gain = (torch.rand(count, generator=random) * 2 - 1) * recipe.gain
    slope = (torch.rand(count, generator=random) * 2 - 1) * recipe.slope
    angle = torch.randint(0, 2, (count,), generator=random) * (math.pi / 2)
    x, y = (torch.linspace(-0.5, 0.5, side) for side in (width, height))
    ramp = torch.cos(angle)[:, None, None] * x[None, None] + torch.sin(angle)[:, None, None] * y[None, :, None]
    return (gain[:, None, None] + slope[:, None, None] * ramp)[:, None]
