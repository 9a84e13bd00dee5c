"""The dates of a scene, and what it looks like on each: cover, plants, snow, water, weather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from swath.corpus.sandbox import events, landcover, seasons, terrain
from swath.corpus.sandbox.classes import Cover
from swath.corpus.sandbox.climates import Region
from swath.corpus.sandbox.landcover import LandCover
from swath.corpus.sandbox.noise import Field, fractal, resize, stream
from swath.corpus.sandbox.seasons import Greenness
from swath.corpus.sandbox.terrain import Terrain


@dataclass(frozen=True, slots=True)
class Place:
    """One scene's ground: everything that stays the same from date to date.

    Attributes:
        seed: the world's seed.
        name: the scene's name; every random stream of the scene starts with it.
        region: climate and location.
        terrain: the land.
        land: its cover on an ordinary day.
        mark: the event of the climate, not yet struck.
        texture: (F, F) small fixed brightness variations, standard deviation 1, 5 m pixels.
        salt: chooses the fields' calendars.
    """

    seed: int
    name: str
    region: Region
    terrain: Terrain
    land: LandCover
    mark: events.Mark
    texture: Field
    salt: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A date on which the satellites pass.

    Attributes:
        when: time of the Sentinel-2 pass.
        radar: time of the Sentinel-1 pass, some days away.
        extent: how much of the event shows: 0 before, up to 1 after.
        year: years since the first visit; annual crops change with it.
    """

    when: datetime
    radar: datetime
    extent: float
    year: int


@dataclass(frozen=True, slots=True)
class Day:
    """A scene on one date; arrays are (F, F) at 5 m.

    Attributes:
        place: the ground.
        visit: the date.
        cover: today's `Cover`.
        material: today's `Cover` or `Material` that reflects.
        greenness: plant matter.
        snow: share of the ground under snow.
        wetness: moisture of the soil, 0 (dust) to 1 (after rain).
        season: ``spring``, ``summer``, ``autumn`` or ``winter``, of the hemisphere.
        ships: (x, y, length) in metres.
    """

    place: Place
    visit: Visit
    cover: NDArray[np.uint8]
    material: NDArray[np.uint8]
    greenness: Greenness
    snow: Field
    wetness: float
    season: str
    ships: tuple[tuple[float, float, float], ...]

    @property
    def event(self) -> str:
        """The event that shows today; empty for none."""
        return self.place.mark.kind if self.visit.extent > 0 else ""


def settle(seed: int, region: Region, number: int, size: int) -> Place:
    """Make the ground of scene `number` of a region, `size` pixels of 10 m on a side."""
    name = f"{region.name}-{number:03d}"
    ground = terrain.build(seed, name, region.climate, size)
    land = landcover.build(seed, name, region.climate, ground)
    rng = stream(seed, name, "event")
    mark = events.prepare(rng, region.climate, ground, land)
    rough = stream(seed, name, "texture")
    texture = 0.4 * rough.standard_normal((size * 2, size * 2), np.float32)
    texture += resize(fractal(rough, size, beta=2.2, longest=60), size * 2)
    return Place(seed, name, region, ground, land, mark, texture / texture.std(), int(rough.integers(2**31)))


def schedule(seed: int, region: Region, number: int, dates: int) -> list[Visit]:
    """Dates of a scene's visits, oldest first.

    The last visit falls some days after the climate's event (which strikes the first scene of a region always, later
    ones three times in four), the one before it some weeks earlier, and the others in other seasons.
    """
    rng = stream(seed, f"{region.name}-{number:03d}", "visits")
    year = int(rng.integers(2018, 2024))
    day = region.climate.event_day + float(rng.uniform(-15, 15)) + (182.5 if region.southern else 0)
    hour = 10.5 - region.lon / 15  # about 10:30 local solar time
    event = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=int(day) % 365, hours=hour)
    strikes = dates > 1 and (number == 0 or rng.random() < 0.75)
    lags = [float(rng.uniform(3, 13)), -float(rng.uniform(18, 50))]
    lags += [-(50 + 300 * (k + float(rng.uniform(0.25, 0.75))) / max(dates - 2, 1)) for k in range(max(dates - 2, 0))]
    visits = []
    for lag in sorted(lags[: max(dates, 1)]):
        when = (event + timedelta(days=round(lag), minutes=float(rng.uniform(0, 20)))).replace(microsecond=0)
        pass_hour = (6 - region.lon / 15) % 24  # Sentinel-1 passes at about 06:00 local time, descending
        radar = (when + timedelta(days=int(rng.integers(-2, 3)))).replace(
            hour=int(pass_hour), minute=int(rng.integers(60))
        )
        if strikes and lag > 0:
            radar = max(radar, event + timedelta(hours=12)).replace(microsecond=0)
        extent = float(rng.uniform(0.8, 1.0)) if strikes and lag > 0 else 0.0
        visits.append(Visit(when, radar, extent, (when - event).days // 365 if when.year != event.year else 0))
    return visits


def see(place: Place, visit: Visit) -> Day:
    """The scene on a date."""
    climate = place.region.climate
    size = place.terrain.size
    rng = stream(place.seed, place.name, "day", visit.when.isoformat())
    north = seasons.northern_day(visit.when, place.region)
    if visit.year:
        cover, material = events.rotated(stream(place.seed, place.name, "crops", visit.year), climate, place.land)
    else:
        cover, material = place.land.cover.copy(), place.land.material.copy()
    ships = events.ships(rng, place.land, cover, material)
    if visit.extent > 0:
        events.strike(place.mark, visit.extent, cover, material)
    warmth = seasons.air_temperature(climate, north, place.terrain.elevation)
    snow = np.zeros(cover.shape, np.float32)
    if float(warmth.min()) < 2:
        patchy = fractal(stream(place.seed, place.name, "snow"), size, beta=2.8, longest=90)
        snow = resize(seasons.snow_cover(warmth, place.terrain.slope, patchy), size * 2)
        snow[np.isin(cover, _UNDER_WATER)] = 0
        events.freeze(cover, snow, resize(warmth, size * 2), place.terrain.water)
        snow[cover == Cover.LAKE_ICE] = 0.9
    texture = place.texture * np.float32(0.12)
    green = seasons.greenness(cover, material, place.land, climate, north, texture, place.salt)
    burnt = cover == Cover.BURN
    leaves = np.clip(0.75 - place.mark.severity[burnt], 0, 1)  # a light fire leaves some crowns green
    green.green[burnt], green.dry[burnt] = 0.45 * leaves, 0.25 * leaves
    wet = float(rng.beta(2, 2)) * (0.25 if climate.shape == "valley" else 1.0)
    wet = max(wet, 0.7) if place.mark.kind == "flood" and visit.extent > 0 else wet
    season = seasons.season(north)
    return Day(place, visit, cover, material, green, snow, wet, season, tuple(ships))


_UNDER_WATER = [Cover.SEA, Cover.REEF, Cover.RIVER, Cover.SHIP, Cover.LAKE, Cover.FLOOD]
