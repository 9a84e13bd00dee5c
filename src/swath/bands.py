"""Bands by name, never by position: products, files and models list the same bands in other orders and numbers.

Sentinel-2 alone comes with 12 bands (L2A has no B10), with 13, and with B8A after B08 or at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from swath.errors import SensorError
from swath.sensors import SENSORS, Sensor

S2_L1C_BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
"""The 13 bands of Sentinel-2 L1C in the order of SSL4EO-S12, torchgeo and CLOSP."""

S2_L2A_BANDS = tuple(name for name in S2_L1C_BANDS if name != "B10")
"""The 12 bands of Sentinel-2 L2A in the same order."""

S1_BANDS = ("VV", "VH")
"""The bands of Sentinel-1 in the same sources' order."""

RGB_BANDS = ("red", "green", "blue")
"""The bands of a picture."""

# Sentinel-2's own names stand for the colours too, so a picture's red is B04.
_ORDER = ("s2-l1c", "s1-grd", "sar", "rgb")


@cache
def canonical(name: str) -> str:
    """One name for a band that products call differently: ``B4``, ``B04`` and ``red`` are ``B04``, ``vv`` is ``VV``.

    A name that no band of the catalogue answers to stays as it is, in lower case.
    """
    for key in _ORDER:
        found = next((band.name for band in SENSORS[key].bands if band.answers_to(name)), None)
        if found is not None:
            return canonical(found) if key == "rgb" else found
    return name.lower()


def places(sensor: Sensor, names: Sequence[str], fill: Collection[str] = ()) -> tuple[int | None, ...]:
    """Where in a sensor's order each of some named bands is: how bands reach who wants them in another order.

    Args:
        sensor: whose bands there are.
        names: wanted bands, in the order wanted, by any name or alias.
        fill: names of bands that may be absent, because a value was declared for them.

    Returns:
        one position a name; None for a band that is to be filled.

    Raises:
        SensorError: a band is neither there nor declared; or one that is there, or not wanted, was declared.
    """
    here = {canonical(name): index for index, name in enumerate(sensor.band_names)}
    declared = {canonical(name): name for name in fill}
    wanted = [canonical(name) for name in names]
    absent = [name for name, key in zip(names, wanted, strict=True) if key not in here and key not in declared]
    if absent:
        raise SensorError(
            f"sensor {sensor.name!r} lacks band(s) {', '.join(absent)} (it has {', '.join(sensor.band_names)}); "
            f"declare what they are filled with (fill: {{{absent[0]}: 0}}) or take another sensor"
        )
    useless = [name for key, name in declared.items() if key in here or key not in wanted]
    if useless:
        raise SensorError(
            f"{', '.join(useless)} cannot be filled: sensor {sensor.name!r} has it, or nobody wants it "
            f"(wanted: {', '.join(names)})"
        )
    return tuple(here.get(key) for key in wanted)


def arrange(pixels: NDArray[np.generic], names: Sequence[str], sensor: Sensor) -> NDArray[np.generic]:
    """Bring bands of known names into a sensor's order; bands that it does not have are left out.

    Args:
        pixels: (bands, H, W) in any order.
        names: the name or an alias of each band.
        sensor: in whose order.

    Returns:
        (bands, H, W) in the sensor's order.

    Raises:
        SensorError: another number of names than bands, a name twice, or a band of the sensor is missing.
    """
    if pixels.ndim != 3 or len(names) != len(pixels):
        raise SensorError(f"{len(names)} band names ({', '.join(names)}) for an array of shape {pixels.shape}")
    keys = [canonical(name) for name in names]
    if len(set(keys)) < len(keys):
        raise SensorError(f"a band is named twice: {', '.join(names)}")
    missing = [name for name in sensor.band_names if canonical(name) not in keys]
    if missing:
        raise SensorError(f"sensor {sensor.name!r} needs band(s) {', '.join(missing)}; there are {', '.join(names)}")
    return pixels[[keys.index(canonical(name)) for name in sensor.band_names]]
