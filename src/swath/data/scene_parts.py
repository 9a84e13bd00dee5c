"""Windows of scenes in the rows of a table: which bands of which files make up the image.

A Parquet table of windows has, beside the columns of pairs, ``layers`` (a list of ``{band, file, index, scale, offset,
nodata}``, files relative to the image folder), ``window`` (``[col, row, width, height]``), ``sensor`` and ``datetime``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from swath.chips import Layer, Window
from swath.data.images import ScenePart
from swath.errors import DataError
from swath.sensors import sensor

PART_COLUMNS = ("layers", "window", "sensor", "datetime")
"""The columns of windows; the last one may be missing."""


def part_of(row: Mapping[str, object], where: str) -> ScenePart | None:
    """The window that a row names; None where it names none.

    Args:
        row: column -> value.
        where: file and row, for messages.

    Raises:
        DataError: the layers, window or date are malformed.
        SensorError: there is no such sensor.
    """
    given, window = row.get("layers"), row.get("window")
    if given is None or window is None:
        return None
    if not isinstance(given, list) or not given:
        raise DataError(f"{where}: layers must be a list of bands; found {given!r:.80}")
    if not isinstance(window, list) or len(window) != 4 or not all(type(number) is int for number in window):
        raise DataError(f"{where}: window must be [col, row, width, height] in pixels; found {window!r:.80}")
    try:
        area = Window(*window)
        layers = tuple(_layer(layer) for layer in given)
        moment = datetime.fromisoformat(str(row["datetime"])) if row.get("datetime") else None
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{where}: layers, window or datetime cannot be used ({error})") from error
    return ScenePart(layers[0].href, sensor(str(row.get("sensor"))).name, area, moment, layers)


def _layer(value: Mapping[str, object]) -> Layer:
    nodata = value.get("nodata")
    return Layer(
        str(value["band"]),
        str(value["file"]),
        int(str(value["index"])),
        float(str(value.get("scale", 1.0))),
        float(str(value.get("offset", 0.0))),
        None if nodata is None else float(str(nodata)),
    )
