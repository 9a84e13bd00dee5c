"""The calendar of plants, snow and sun: how green each cover is on a date, where snow lies, where the sun stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox.classes import CROPS, Cover, Material
from swath.corpus.sandbox.climates import Climate, Region
from swath.corpus.sandbox.landcover import LAPSE, LandCover
from swath.corpus.sandbox.noise import Field, hashed

_EVERGREEN = {Cover.CONIFER: 0.85, Cover.RAINFOREST: 0.92, Cover.MANGROVE: 0.85}
# day of emergence, of full cover, of ripening, of harvest (northern temperate calendar); green cover at full season
_CALENDAR: dict[Cover, tuple[float, float, float, float, float]] = {
    Cover.CEREAL: (62, 128, 172, 203, 0.95),
    Cover.MAIZE: (138, 196, 250, 278, 0.93),
    Cover.RICE: (138, 198, 252, 275, 0.93),
    Cover.VINEYARD: (105, 165, 265, 305, 0.55),
}
_GROWS_AS: dict[Cover | Material, Cover] = {
    Material.LAWN: Cover.GRASS,
    Material.BANK: Cover.GRASS,
    Material.TREE: Cover.BROADLEAF,
    Material.TRACK: Cover.CLEARCUT,
}
_MULTIPLE = ("valley", "delta", "island")  # warm and watered: fields follow their own calendar, several crops a year


@dataclass(frozen=True, slots=True)
class Greenness:
    """What part of the ground each kind of plant matter covers; the rest is soil (or water in paddies).

    Attributes:
        green: (F, F) share of green leaves, 0 to 1.
        dry: (F, F) share of dry matter: straw, dead grass, bare branches.
        wet: (F, F) share of standing water in paddies.
    """

    green: Field
    dry: Field
    wet: Field


def northern_day(when: datetime, region: Region) -> float:
    """Day of the year as the seasons feel it: shifted by half a year in the southern hemisphere."""
    day = float(when.timetuple().tm_yday)
    return (day + 182.5) % 365 if region.southern else day


def season(day: float) -> str:
    """Name of the season on a northern day of the year."""
    for name, start, end in (("spring", 60, 152), ("summer", 152, 244), ("autumn", 244, 335)):
        if start <= day < end:
            return name
    return "winter"


def greenness(
    cover: NDArray[np.uint8],
    material: NDArray[np.uint8],
    land: LandCover,
    climate: Climate,
    day: float,
    texture: Field,
    salt: int,
) -> Greenness:
    """Plant matter of every pixel on a northern day of the year.

    Args:
        cover: (F, F) today's cover.
        material: (F, F) today's materials.
        land: the scene's land cover (fields).
        climate: the landscape.
        day: northern day of the year.
        texture: (F, F) small fixed variations about 0.
        salt: chooses the fields' own calendars.
    """
    table_green = np.zeros(256, np.float32)
    table_dry = np.zeros(256, np.float32)
    for kind in (*Cover, *Material):
        grows = _GROWS_AS.get(kind, kind)
        if isinstance(grows, Cover) and grows not in CROPS:
            table_green[kind], table_dry[kind] = _wild(grows, climate, day)
    green, dry = table_green[material], table_dry[material]
    wet = np.zeros_like(green)
    rows, cols = np.nonzero(land.field & (material == cover))
    parcel, crop = land.parcels.ids[rows, cols], cover[rows, cols]
    numbers = np.arange(land.parcels.count, dtype=np.int64)
    shift = hashed(numbers, salt)
    if climate.shape in _MULTIPLE:
        days = (day * 2.2 + shift * 365 + 40) % 365
    else:
        days = (day + (shift - 0.5) * 26 + (22 if climate.shape == "hills" else 0)) % 365
    vigour = 0.8 + 0.3 * hashed(numbers, salt + 1)
    for kind in CROPS:
        chosen = crop == kind
        if chosen.any():
            where, which = (rows[chosen], cols[chosen]), parcel[chosen]
            leaf, straw, water = _crop(kind, days, hashed(numbers, salt + 2))
            green[where] = (leaf * vigour)[which]
            dry[where] = straw[which]
            wet[where] = water[which]
    green *= 1 + np.float32(0.55) * texture
    np.clip(green, 0, 0.98, out=green)
    return Greenness(green, np.minimum(dry, 1 - green), wet)


def air_temperature(climate: Climate, day: float, elevation: Field) -> Field:
    """Mean daily temperature in degrees Celsius; warmest on northern day 200."""
    mean, amplitude = climate.temperature
    return np.asarray(mean + amplitude * np.cos(2 * np.pi * (day - 200) / 365) - LAPSE * elevation, np.float32)


def snow_cover(temperature: Field, slope: Field, patchy: Field) -> Field:
    """Share of the ground under snow, 0 to 1: where it freezes for long and the ground is not too steep."""
    cover = (-0.5 - temperature + 1.2 * patchy) / 2.5 - 1.5 * np.maximum(slope - 0.9, 0)
    return np.asarray(np.clip(cover, 0, 1), np.float32)


def sun_direction(when: datetime, lat: float) -> tuple[float, float, float]:
    """Unit vector (east, north, up) to the sun at about 10:30 local time, the overpass of Sentinel-2.

    Declination after Cooper (1969). The height is kept above 8 degrees, below which no scene is taken.
    """
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + when.timetuple().tm_yday) / 365)
    hour, phi = np.radians(-22.5), np.radians(lat)
    up = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour)
    up = max(float(up), float(np.sin(np.radians(8))))
    length = float(np.sqrt(east**2 + north**2 + up**2))
    return float(east) / length, float(north) / length, up / length


def _wild(kind: Cover, climate: Climate, day: float) -> tuple[float, float]:
    """(green, dry) share of a cover that nobody sows."""
    peak, length, floor = climate.greenness
    away = abs((day - peak + 182.5) % 365 - 182.5)
    wave = 1 / (1 + np.exp((away - length / 2) / 14.0))
    if kind in _EVERGREEN:
        return _EVERGREEN[kind], 0.05
    if kind == Cover.BROADLEAF:
        leaf = wave if climate.temperature[0] < 15 else 0.6 + 0.3 * wave
        return 0.12 + 0.8 * leaf, 0.45 * (1 - leaf)
    if kind in (Cover.GRASS, Cover.PARK):
        green = floor + (0.88 - floor) * wave
        return green, (0.85 - green) * (0.85 if climate.temperature[0] > 15 else 0.55)
    if kind == Cover.SHRUB:
        green = 0.3 + (0.3 + 0.3 * floor) * wave
        return green, 0.25
    if kind == Cover.WETLAND:
        green = 0.25 + 0.55 * wave
        return green, 0.45 * (1 - wave)
    if kind == Cover.CLEARCUT:
        return 0.15 + 0.25 * wave, 0.4
    return 0.0, 0.0


def _crop(kind: Cover, day: Field, chance: Field) -> tuple[Field, Field, Field]:
    """(green, dry, wet) share of a crop on each field, `day` being the field's own day of the year."""
    none = np.zeros_like(day)
    if kind == Cover.FALLOW:
        return 0.16 * chance, 0.25 * chance, none
    if kind == Cover.ORCHARD:
        return 0.42 + 0.12 * chance, none + np.float32(0.12), none
    if kind == Cover.FORAGE:
        grown = np.mod(chance + day / 55.0, 1.0)  # mown every eight weeks
        season_wave = 0.35 + 0.65 * np.exp(-(((day - 170) / 95.0) ** 2))
        return (0.45 + 0.5 * grown) * season_wave, 0.25 * (1 - season_wave), none
    start, full, ripe, harvest, most = _CALENDAR[kind]
    rise = 1 / (1 + np.exp(-(day - (start + full) / 2) / ((full - start) / 7)))
    fall = 1 / (1 + np.exp((day - (ripe + harvest) / 2) / ((harvest - ripe) / 6)))
    green = most * rise * fall
    standing = rise * (1 - fall) * (day < harvest + 12)
    stubble = (day >= harvest) & (day < harvest + 60) & (chance < 0.6)
    dry = 0.85 * standing * (kind != Cover.VINEYARD) + 0.4 * stubble
    wet = none
    if kind == Cover.RICE:
        flooded = (day > start - 35) & (day < full - 22)
        wet = np.where(flooded, 0.9 * (1 - green), 0).astype(np.float32)
    if kind == Cover.CEREAL:
        green = green + 0.3 * ((day > 300) | (day < 62)) * (chance < 0.7)  # winter corn has come up
    return green.astype(np.float32), dry.astype(np.float32), wet
