"""Which sensor a scene spread over named bands shows: bands are found by name, never by position."""

from __future__ import annotations

from collections.abc import Sequence

from swath.errors import SensorError
from swath.raster import describe
from swath.raster.scenes import choose_sensor
from swath.recognition import MISSIONS
from swath.sensors import SENSORS, Sensor, matching
from swath.sources.assets import AssetBand


def fit(bands: Sequence[AssetBand], declared: str | None, constellation: str) -> tuple[Sensor, list[AssetBand]] | None:
    """The sensor with the most bands that all are offered and whose units fit, and its bands in order.

    Args:
        bands: what is offered, best offers first.
        declared: a sensor or family; None for any.
        constellation: satellite in lower case, where known.

    Returns:
        None where no sensor fits.

    Raises:
        RasterError: the file of a matching band cannot be read.
        SensorError: no sensor is called `declared`.
    """
    allowed = matching(declared) if declared else tuple(SENSORS)
    for target in sorted((SENSORS[name] for name in allowed), key=lambda entry: -len(entry.bands)):
        chosen = _match(bands, target)
        if chosen is not None and (declared == target.name or _speaks_for(chosen, target, constellation)):
            return target, chosen
    return None


def _match(bands: Sequence[AssetBand], target: Sensor) -> list[AssetBand] | None:
    """The band offered for each of a sensor's bands, or None where one is not offered.

    An 8-bit picture and measured bands of the same scene answer to the same names: pictures serve only sensors that are
    pictures, and those prefer them.
    """
    picture = target.units == "dn8" and not target.is_radar
    pools = [[band for band in bands if band.visual], list(bands)] if picture else [[b for b in bands if not b.visual]]
    for pool in pools:
        found = [
            next((b for b in pool if any(wanted.answers_to(name) for name in b.names)), None) for wanted in target.bands
        ]
        chosen = [band for band in found if band is not None]
        if len(chosen) == len(target.bands):
            return chosen
    return None


def _speaks_for(chosen: Sequence[AssetBand], target: Sensor, constellation: str) -> bool:
    """Whether names as offered, pixel type and constellation speak for the sensor whose bands were found."""
    info = describe(chosen[0].href)
    names = [
        next(name for name in offer.names if band.answers_to(name))
        for offer, band in zip(chosen, target.bands, strict=True)
    ]
    try:
        found = choose_sensor(info, names, constellation=constellation, band_count=len(chosen))
    except SensorError:
        return False
    return found == target


def constellation_of(*texts: str) -> str:
    """The mission that a STAC constellation or platform names: the first that is known, else the first, in lower case.

    ``sentinel-1`` for ``Sentinel-1A``, ``landsat-8`` for ``LANDSAT_8``.
    """
    names = [text.lower().replace("_", "-") for text in texts if text]
    names = [name[:10] if name.startswith(("sentinel-1", "sentinel-2")) else name for name in names]
    return next((name for name in names if name in MISSIONS), names[0] if names else "")
