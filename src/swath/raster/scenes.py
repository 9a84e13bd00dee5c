"""From one file to a scene: which sensor it shows, and which of its bands is which."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from swath.chips import Layer, Pixels, SceneRef, Window
from swath.errors import EmptyChipError, RasterError, SensorError
from swath.raster.footprints import footprint
from swath.raster.gdal import environment, handle
from swath.raster.hrefs import is_remote, local_path, without_signature
from swath.raster.info import RasterInfo, describe
from swath.raster.reading import MIN_VALID, quicklook, scene_grid
from swath.sensors import SENSORS, Evidence, Sensor, matching, recognise

_SAMPLE = 64


def scene_from_file(
    href: str,
    *,
    sensor: str | None = None,
    bands: Sequence[str] | None = None,
    scene_id: str | None = None,
    constellation: str = "",
    properties: Mapping[str, Any] | None = None,
) -> SceneRef:
    """Describe one raster file as a scene.

    Args:
        href: path or URL. A path is stored absolute with links resolved, so that ids do not depend on its spelling.
        sensor: a sensor or family to read it as; None to recognise it.
        bands: names of the file's bands in file order, where the file names none or wrong ones.
        scene_id: the scene's name; default the file's stem.
        constellation: satellite, where the source knows it (STAC ``constellation``).
        properties: what the source says of the scene; JSON values.

    Raises:
        RasterError: the file cannot be read.
        SensorError: the sensor is not recognised or does not fit the file's bands.
    """
    address = href if is_remote(href) else local_path(href)
    info = describe(address)
    names = band_names(info, bands)
    found = choose_sensor(info, names, sensor, constellation)
    return SceneRef(
        id=scene_id or os.path.splitext(os.path.basename(address))[0],
        href=without_signature(address),
        sensor=found.name,
        layers=match_layers(info, names, found),
        footprint=footprint(info),
        datetime=info.datetime,
        properties=dict(properties or {}),
    )


def read_image(path: str | os.PathLike[str], sensor: str | None = None, size: int | None = None) -> Pixels:
    """Read a whole image file, such as a query image.

    Args:
        path: a raster file: JPEG, PNG, WebP, GeoTIFF or JPEG 2000.
        sensor: the sensor or family to read it as; None to recognise it.
        size: longest side of the result; None for the image's own pixels, at most 4096 on its longest side.

    Raises:
        RasterError: missing, damaged or refused.
        SensorError: the sensor is not recognised or does not fit.
        EmptyChipError: the image has no valid pixel.
    """
    scene = scene_from_file(os.fspath(path), sensor=sensor)
    grid = scene_grid(scene)
    pixels = quicklook(scene, size or min(4096, max(grid.width, grid.height)))
    if pixels.valid_share == 0.0 or pixels.valid_share < MIN_VALID:
        raise EmptyChipError(f"{scene.href}: the image has no valid pixels; choose one that shows something")
    return pixels


def band_names(info: RasterInfo, declared: Sequence[str] | None = None) -> tuple[str, ...]:
    """The names of a file's data bands: as declared, else as the file has them; empty where unknown.

    Raises:
        SensorError: `declared` names another number of bands than the file has.
    """
    if declared is None:
        return info.band_names
    if len(declared) != info.band_count:
        raise SensorError(f"{info.href}: has {info.band_count} band(s), but {len(declared)} names are given for them")
    return tuple(declared)


def choose_sensor(
    info: RasterInfo,
    names: Sequence[str] = (),
    declared: str | None = None,
    constellation: str = "",
    band_count: int | None = None,
) -> Sensor:
    """The sensor of a file: the declared one, or what its metadata and layout show.

    A declared family (``s2``) narrows the choice to its products.

    Args:
        info: the header of the (first) file.
        names: band names of the scene, where known.
        declared: a sensor or family.
        constellation: satellite in lower case, where known.
        band_count: number of bands of a scene spread over several files; default the file's.

    Raises:
        SensorError: nothing fits, or what fits is not what was declared.
    """
    if info.dtype.startswith("complex"):
        raise RasterError(f"{info.href}: holds complex numbers; detect it to amplitude or power first")
    known = tuple(name for name in names if any(_known(name)))
    count = info.band_count if band_count is None else band_count
    evidence = Evidence(
        band_count=count,
        dtype=info.dtype,
        band_names=known if len(known) == len(names) else (),
        constellation=constellation,
        low=_lowest(info) if info.dtype.startswith("float") and count <= 2 else None,
    )
    candidates = matching(declared) if declared else ()
    if declared in SENSORS:
        return SENSORS[declared]
    if len(candidates) == 1:
        return SENSORS[candidates[0]]
    try:
        found = recognise(evidence)
    except SensorError as error:
        raise SensorError(f"{info.href}: {error}") from error
    if candidates and found.name not in candidates:
        raise SensorError(
            f"{info.href}: looks like {found.name!r}, but --sensor {declared} was given; "
            f"name the product: one of {', '.join(candidates)}"
        )
    return found


def match_layers(info: RasterInfo, names: Sequence[str], target: Sensor) -> tuple[Layer, ...]:
    """One layer a sensor band, found by name where names are known, else by position.

    A grey image serves a colour sensor three times over, and colour sensors take the first three of four unnamed bands
    (red, green, blue, near infrared: the order of aerial products).

    Raises:
        SensorError: the file does not have the sensor's bands.
        RasterError: the file's pixel type cannot hold the sensor's units.
    """
    scale = _byte_scale(info, target)
    by_name = [next((i for i, name in enumerate(names) if band.answers_to(name)), None) for band in target.bands]
    if all(place is not None for place in by_name):
        places: Iterable[int] = [place for place in by_name if place is not None]
    elif any(place is not None for place in by_name):
        absent = [band.name for band, place in zip(target.bands, by_name, strict=True) if place is None]
        raise SensorError(
            f"{info.href}: lacks band(s) {', '.join(absent)} of sensor {target.name!r}; it has {', '.join(names)}: "
            "name the right --sensor"
        )
    elif info.band_count == len(target.bands):
        places = range(info.band_count)
    elif target.rgb and len(target.bands) == 3 and info.band_count in (1, 4):
        places = [0, 0, 0] if info.band_count == 1 else [0, 1, 2]
    else:
        raise SensorError(
            f"{info.href}: has {info.band_count} band(s), but sensor {target.name!r} has {len(target.bands)} "
            f"({', '.join(target.band_names)}); name the right --sensor"
        )
    return tuple(
        Layer(band.name, info.href, info.indexes[place], scale)
        for band, place in zip(target.bands, places, strict=True)
    )


def _byte_scale(info: RasterInfo, target: Sensor) -> float:
    """What brings stored numbers to 8 bits where the format defines it: a 16-bit PNG spans 0 to 65535."""
    if target.units != "dn8" or info.dtype == "uint8":
        return 1.0
    if info.driver == "PNG" and info.dtype == "uint16":
        return 1.0 / 257.0
    raise RasterError(
        f"{info.href}: holds {info.dtype} values, but sensor {target.name!r} has 8 bits; "
        "scale it to 8 bits (gdal_translate -ot Byte -scale) or name the right --sensor"
    )


def _known(name: str) -> list[str]:
    """Sensors that have a band of this name."""
    return [entry.name for entry in SENSORS.values() if any(band.answers_to(name) for band in entry.bands)]


def _lowest(info: RasterInfo) -> float | None:
    """The lowest finite value of a reduced reading of the first band, which tells decibel from linear power."""
    side = max(info.width, info.height)
    shape = tuple(max(1, round(extent * min(1.0, _SAMPLE / side))) for extent in (info.height, info.width))
    dataset = handle(info.href)
    with environment(info.href):
        values = dataset.read(info.indexes[0], out_shape=shape, window=_middle(info)).astype(np.float64)
    good = values[np.isfinite(values) & (values != (info.nodata if info.nodata is not None else np.nan))]
    return float(good.min()) if good.size else None


def _middle(info: RasterInfo) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns of at most 2048 px in the middle of the scene, so that the sample is cheap without overviews."""
    rows, cols = min(info.height, 2048), min(info.width, 2048)
    window = Window((info.width - cols) // 2, (info.height - rows) // 2, cols, rows)
    return (window.row, window.row + rows), (window.col, window.col + cols)
