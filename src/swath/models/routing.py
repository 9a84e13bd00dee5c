"""Whether a sensor's pixels can reach a tower by the route that a configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from swath.bands import places
from swath.errors import SensorError
from swath.sensors import SENSORS, Sensor

if TYPE_CHECKING:
    from swath.models.config import SensorInput, TowerConfig

ANY_SENSOR = "*"
"""Key of the `sensors` table that stands for every sensor not listed by name."""

ANY_BANDS: Literal["any"] = "any"
"""`TowerConfig.bands` of a tower whose first layer is made from the bands' wavelengths."""


def misfit(name: str, route: SensorInput, tower: TowerConfig) -> str | None:
    """Why the pixels of a sensor cannot reach a tower; None where they can.

    Args:
        name: the sensor's name, or ``*``.
        route: how they are to.
        tower: the tower that `route` names.
    """
    if route.input == "rgb":
        return _rgb_misfit(name, route, tower)
    if route.nodata is not None and route.statistics != "tower":
        return f"sensor {name!r}: nodata is in the tower's units, so it needs statistics: tower"
    if tower.bands == ANY_BANDS:
        if route.fill or route.statistics != "sensor":
            return f"sensor {name!r}: tower {route.tower!r} takes any bands: no fill, no statistics of its own"
        if name == ANY_SENSOR:
            return None
    if name not in SENSORS:
        return f"sensor {name!r} sends its bands to a tower but is not in the catalogue"
    return None if tower.bands == ANY_BANDS else _band_misfit(SENSORS[name], route, tower)


def _rgb_misfit(name: str, route: SensorInput, tower: TowerConfig) -> str | None:
    if route.fill or route.statistics != "sensor" or route.nodata is not None:
        return f"sensor {name!r} is shown as RGB: fill, statistics and nodata are for input: bands"
    bands = 3 if tower.bands == ANY_BANDS else tower.bands
    if not bands == len(tower.mean) == len(tower.std) == 3:
        return f"sensor {name!r} is shown as RGB, but tower {route.tower!r} does not take 3 bands"
    return None


def _band_misfit(sensor: Sensor, route: SensorInput, tower: TowerConfig) -> str | None:
    if tower.band_names is not None:
        try:
            places(sensor, tower.band_names, route.fill)
        except SensorError as error:
            return str(error)
    elif route.fill:
        return f"sensor {sensor.name!r}: to fill a band, tower {route.tower!r} must say its band_names"
    elif len(sensor.bands) != tower.bands:
        return f"sensor {sensor.name!r} has {len(sensor.bands)} bands, tower {tower.bands}"
    if route.statistics == "tower":
        if not len(tower.mean) == len(tower.std) == tower.bands:
            return f"tower {route.tower!r} has {tower.bands} bands, but {len(tower.mean)} mean, {len(tower.std)} std"
        units = "db" if sensor.units == "power" else sensor.units
        if units != tower.units:
            return f"sensor {sensor.name!r} is in {units}, the statistics of tower {route.tower!r} in {tower.units}"
    return None
