"""Which sensor a scene shows, from what its file, its name and its metadata say of it; nothing is guessed by position.

A product that has red, green and blue by name is taken for the sensor that shows it as RGB: of its mission, where name
or metadata tell a mission whose numbers are known, else one that is stretched by each scene's own range.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from swath.errors import SensorError
from swath.sensors import SENSORS, Sensor

_PRODUCT_NAMES = (
    (re.compile(r"^S1[A-D]_"), "sentinel-1"),
    (re.compile(r"^S2[A-D]_"), "sentinel-2"),
    (re.compile(r"^L[COTE]0(?P<number>\d)_L2S[PR]_"), "landsat-{number}"),
    (re.compile(r"^L[COTEM]0\d_L1"), "landsat-level-1"),
    (re.compile(r"^HLS\.[LS]30\."), "hls"),
    (re.compile(r"_AnalyticMS_SR(_|\.|$)"), "planetscope-sr"),
)
"""What products are called, and the mission and level that it tells."""

_SHOWN_AS = {
    "sentinel-2": "s2-rgb",
    "hls": "reflectance-rgb",
    "planetscope-sr": "planetscope-rgb",
    **dict.fromkeys(("landsat-8", "landsat-9"), "landsat-rgb"),
    **dict.fromkeys(("landsat-4", "landsat-5", "landsat-7"), "landsat-tm-rgb"),
}
"""The sensor that shows the products of a mission as RGB where they are deeper than 8 bits."""

MISSIONS = frozenset({"sentinel-1", *_SHOWN_AS})
"""Missions that tell a sensor."""

_S2_ONLY = frozenset({"B02", "B03", "B04", "B08", "B8", "B8A"})
"""Names that only Sentinel-2's bands have; ``B4`` is Landsat's too, and red or near infrared there."""

_BY_COLOURS = (("rgb", "rgb-stretched"), ("cir", "cir-stretched"))
"""Sensors of 8 bits and deeper that a scene of no known mission may be, best first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a scene when its sensor must be recognised.

    Attributes:
        band_count: number of bands.
        dtype: numpy name of the pixel type (``uint16``).
        band_names: names from the file or STAC item; empty where unknown.
        constellation: STAC ``constellation`` or ``platform`` in lower case, or `mission_of` a name; empty if unknown.
        low: lowest valid value seen in a sample; None where no pixel was read.
    """

    band_count: int
    dtype: str
    band_names: tuple[str, ...] = field(default=())
    constellation: str = ""
    low: float | None = None


def mission_of(name: str) -> str:
    """The mission, with its level where that matters, by the name of a product's file; empty for other names.

    ``sentinel-2`` for ``S2A_MSIL2A_...``, ``landsat-8`` for level 2 of it, ``planetscope-sr`` for surface reflectance.
    """
    for pattern, mission in _PRODUCT_NAMES:
        match = pattern.search(name)
        if match is not None:
            return mission.format(**match.groupdict())
    return ""


@lru_cache(maxsize=1024)
def telling(names: tuple[str, ...]) -> bool:
    """Whether names say what bands are, and are not whatever a program wrote: all known, or colours among them."""
    bands = [band for entry in SENSORS.values() for band in entry.bands]
    known = bool(names) and all(any(band.answers_to(name) for band in bands) for name in names)
    return known or any(covers(entry, names) for entry in SENSORS.values() if entry.by_name)


def covers(entry: Sensor, names: Sequence[str]) -> bool:
    """Whether each band of a sensor answers to exactly one of some names."""
    return all(sum(band.answers_to(name) for name in names) == 1 for band in entry.bands)


def recognise(evidence: Evidence) -> Sensor:
    """Recognise the sensor of a scene from its metadata and band layout.

    Raises:
        SensorError: nothing in the catalogue fits; the message says how to name the sensor or the bands.
    """
    names = evidence.band_names if telling(evidence.band_names) else ()
    for rule in (_recognise_s1, _recognise_s2, _recognise_colours, _recognise_plain):
        found = rule(evidence, names)
        if found is not None:
            return SENSORS[found]
    raise SensorError(_unrecognised(evidence, names))


def _unrecognised(evidence: Evidence, names: Sequence[str]) -> str:
    """What was found, and the options that mend it; where the bands' names fit some sensors, only those are listed."""
    given = ", ".join(name or "?" for name in evidence.band_names)
    called = f"called {given}" if any(evidence.band_names) else "without names"
    where = f", from {evidence.constellation}" if evidence.constellation else ""
    fitting = [name for name, entry in SENSORS.items() if entry.by_name and covers(entry, names)]
    fitting = [name for name in fitting if (SENSORS[name].units == "dn8") == (evidence.dtype == "uint8")]
    naming = "" if names else "name the bands in file order with --bands (such as red,green,blue,nir), or "
    return (
        f"cannot recognise the sensor of {evidence.band_count} band(s) of {evidence.dtype}, {called}{where}; {naming}"
        f"name it with --sensor (one of {', '.join(sorted(fitting or SENSORS))})"
    )


def _recognise_s1(evidence: Evidence, names: Sequence[str]) -> str | None:
    polarizations = {name.upper() for name in names}
    named = bool(names) and polarizations <= {"VV", "VH"}
    if names and not named:
        return None
    if not (named or "sentinel-1" in evidence.constellation or evidence.band_count == 2):
        return None
    one = "vv" if polarizations == {"VV"} else "vh" if polarizations == {"VH"} else ""
    if evidence.band_count not in (1, 2):
        return None
    if evidence.dtype == "uint8":
        return "s1-grd-8bit" if evidence.band_count == 2 else f"s1-{one}-8bit" if one else "sar"
    decibel = evidence.dtype.startswith("float") and (evidence.low is None or evidence.low < 0)
    if evidence.band_count == 1:
        return f"s1-{one}" if one and decibel else "sar"
    if evidence.dtype.startswith("float"):
        return "s1-grd" if decibel else "s1-grd-linear"
    return None


def _recognise_s2(evidence: Evidence, names: Sequence[str]) -> str | None:
    if evidence.dtype == "uint8":
        picture = evidence.band_count == 3 and "sentinel-2" in evidence.constellation
        return "s2-tci" if picture and (not names or covers(SENSORS["s2-tci"], names)) else None
    found = {12: "s2-l2a", 13: "s2-l1c"}.get(evidence.band_count)
    if found is None or not names:
        return found
    return found if all(any(band.answers_to(name) for name in names) for band in SENSORS[found].bands) else None


def _recognise_colours(evidence: Evidence, names: Sequence[str]) -> str | None:
    eight = evidence.dtype == "uint8"
    mission = _SHOWN_AS.get(evidence.constellation)
    if mission is None and _S2_ONLY & {name.upper() for name in names}:
        mission = "s2-rgb"
    if not eight and mission is not None and covers(SENSORS[mission], names):
        return mission
    return next((pair[not eight] for pair in _BY_COLOURS if covers(SENSORS[pair[not eight]], names)), None)


def _recognise_plain(evidence: Evidence, names: Sequence[str]) -> str | None:
    if evidence.band_count == 3 and evidence.dtype == "uint8" and not names:
        return "rgb"
    # Amplitude is never negative: signed integers are class maps and heights.
    unsigned = evidence.dtype.startswith(("uint", "float"))
    light = [band for entry in SENSORS.values() if not entry.is_radar for band in entry.bands]
    optical = any(band.answers_to(name) for name in names for band in light)
    return "sar" if evidence.band_count == 1 and unsigned and not optical else None
