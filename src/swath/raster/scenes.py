"""From one file to a scene: which sensor it shows, and which of its bands is which."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as GdalWindow

from swath.chips import Layer, Pixels, SceneRef
from swath.errors import EmptyChipError, RasterError, SensorError
from swath.raster.footprints import footprint
from swath.raster.gdal import environment, handle
from swath.raster.hrefs import is_remote, local_path, without_signature
from swath.raster.info import RasterInfo, describe
from swath.raster.member import SENSOR_TAG
from swath.raster.reading import MIN_VALID, quicklook, scene_grid
from swath.raster.stretching import stretched
from swath.recognition import Evidence, covers, mission_of, recognise, telling
from swath.sensors import S2_B8A_LAST, SENSORS, Sensor, matching

_SAMPLE = 64

_MAX_REFLECTANCE = 2.0
"""Reflectance of the brightest clouds and glint stays below it; reflectance times 10,000 does not."""


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
    found = choose_sensor(info, names, sensor or info.tags.get(SENSOR_TAG), constellation)
    return SceneRef(
        id=scene_id or os.path.splitext(os.path.basename(address))[0],
        href=without_signature(address),
        sensor=found.name,
        layers=stretched(match_layers(info, names, found), found),
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

    Of 13 unnamed bands the order is told by the cirrus band, whose light the atmosphere absorbs: it is darker than its
    neighbours at place 11 in Sentinel-2 products, and at place 10 in files that sort B8A last (EuroSAT).

    Raises:
        SensorError: `declared` names another number of bands than the file has.
    """
    if declared is None:
        return S2_B8A_LAST if not telling(info.band_names) and _sorts_b8a_last(info) else info.band_names
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
        constellation: satellite in lower case, where known; the file's own name tells more.
        band_count: number of bands of a scene spread over several files; default the file's.

    Raises:
        SensorError: nothing fits, or what fits is not what was declared.
    """
    if info.dtype.startswith("complex"):
        raise RasterError(f"{info.href}: holds complex numbers; detect it to amplitude or power first")
    candidates = matching(declared) if declared else ()
    if declared in SENSORS:
        return SENSORS[declared]
    if len(candidates) == 1:
        return SENSORS[candidates[0]]
    count = info.band_count if band_count is None else band_count
    evidence = Evidence(
        band_count=count,
        dtype="uint8" if info.driver == "PNG" and info.dtype == "uint16" else info.dtype,
        band_names=tuple(names) or info.descriptions,
        constellation=mission_of(os.path.basename(info.href.split("?")[0])) or constellation,
        low=_lowest(info) if info.dtype.startswith("float") and count <= 2 else None,
    )
    # Of a declared family, the one whose bands are all there, such as landsat's with SR_B4, SR_B3 and SR_B2.
    named = [SENSORS[name] for name in candidates if SENSORS[name].by_name and covers(SENSORS[name], tuple(names))]
    try:
        found = recognise(evidence)
    except SensorError as error:
        if len(named) == 1:
            return named[0]
        if candidates:
            offered = ", ".join(f"{name} ({len(SENSORS[name].bands)} bands)" for name in candidates)
            raise SensorError(
                f"{info.href}: has {count} band(s) of {info.dtype}; no product of --sensor {declared} has: {offered}"
            ) from error
        raise SensorError(f"{info.href}: {error}") from error
    if candidates and found.name not in candidates:
        if len(named) == 1:
            return named[0]
        raise SensorError(
            f"{info.href}: looks like {found.name!r}, but --sensor {declared} was given; "
            f"name the product: one of {', '.join(candidates)}"
        )
    return found


def match_layers(info: RasterInfo, names: Sequence[str], target: Sensor) -> tuple[Layer, ...]:
    """One layer a sensor band, found by name where names are known, else by position.

    A grey image serves a colour sensor three times over. Sensors whose products list bands in many orders, and names
    that are known and others than the sensor's, are never matched by position.

    Raises:
        SensorError: the file does not have the sensor's bands.
        RasterError: the file's pixel type cannot hold the sensor's units.
    """
    by_name = [next((i for i, name in enumerate(names) if band.answers_to(name)), None) for band in target.bands]
    if all(place is not None for place in by_name):
        places: Iterable[int] = [place for place in by_name if place is not None]
    elif any(place is not None for place in by_name) or (info.band_count > 1 and telling(tuple(names))):
        absent = [band.name for band, place in zip(target.bands, by_name, strict=True) if place is None]
        raise SensorError(
            f"{info.href}: lacks band(s) {', '.join(absent)} of sensor {target.name!r}; it has {', '.join(names)}: "
            "name the right --sensor"
        )
    elif info.band_count == len(target.bands) and not target.by_name:
        places = range(info.band_count)
    elif target.rgb and len(target.bands) == 3 and info.band_count == 1 and not target.by_name:
        places = [0, 0, 0]
    elif target.by_name or (info.band_count == 4 and len(target.bands) == 3):
        raise SensorError(
            f"{info.href}: no names tell which of its {info.band_count} band(s) are {', '.join(target.band_names)} of "
            f"sensor {target.name!r}; name them in file order with --bands (such as {','.join(target.band_names)}"
            f"{',nir' if info.band_count == 4 else ''}) or name the right --sensor"
        )
    else:
        raise SensorError(
            f"{info.href}: has {info.band_count} band(s), but sensor {target.name!r} has {len(target.bands)} "
            f"({', '.join(target.band_names)}); name the right --sensor"
        )
    return tuple(
        Layer(band.name, info.href, info.indexes[place], *_scaling(info, place, target))
        for band, place in zip(target.bands, places, strict=True)
    )


def _scaling(info: RasterInfo, place: int, target: Sensor) -> tuple[float, float]:
    """(scale, offset) from stored numbers to the sensor's units, where the file or its format defines them.

    A 16-bit PNG spans 0 to 65535. A file's own scale and offset lead to reflectance, as do floats that never exceed 2;
    reflectance is kept 10,000 times.
    """
    if target.units == "dn8" and info.dtype != "uint8":
        if info.driver == "PNG" and info.dtype == "uint16":
            return 1.0 / 257.0, 0.0
        raise RasterError(
            f"{info.href}: holds {info.dtype} values, but sensor {target.name!r} has 8 bits; "
            "scale it to 8 bits (gdal_translate -ot Byte -scale) or name the right --sensor (rgb-stretched for other "
            "numbers in red, green and blue)"
        )
    if target.units != "reflectance1e4":
        return 1.0, 0.0
    if target.by_name and info.dtype == "uint8":
        raise RasterError(
            f"{info.href}: holds 8-bit values, but sensor {target.name!r} has reflectance; name the right --sensor, "
            "such as rgb"
        )
    if info.scales[place] != 1.0 or info.offsets[place] != 0.0:
        return round(info.scales[place] * 1e4, 9), round(info.offsets[place] * 1e4, 6)
    if info.dtype.startswith("float") and SENSOR_TAG not in info.tags:
        values = _sample(info, info.indexes[info.band_count // 2])
        return (1e4, 0.0) if values.size and values.max() <= _MAX_REFLECTANCE else (1.0, 0.0)
    return (1.0, 0.0) if info.dtype.startswith("float") else target.stored


def _sorts_b8a_last(info: RasterInfo) -> bool:
    if info.band_count != len(S2_B8A_LAST) or info.dtype == "uint8":
        return False
    tenth, eleventh = (_sample(info, info.indexes[place]) for place in (9, 10))
    return bool(tenth.size and eleventh.size and tenth.mean() < eleventh.mean())


def _lowest(info: RasterInfo) -> float | None:
    """The lowest value of a sample of the first band, which tells decibel from linear power."""
    values = _sample(info, info.indexes[0])
    return float(values.min()) if values.size else None


def _sample(info: RasterInfo, index: int) -> NDArray[np.float64]:
    """Valid values of a reduced reading of one band from the middle of the scene; it may be empty."""
    rows, cols = min(info.height, 2048), min(info.width, 2048)
    area = GdalWindow((info.width - cols) // 2, (info.height - rows) // 2, cols, rows)
    dataset = handle(info.href)
    with environment(info.href):
        values = dataset.read(index, out_shape=(min(rows, _SAMPLE), min(cols, _SAMPLE)), window=area).astype(np.float64)
    good = np.isfinite(values)
    if info.nodata is not None:
        good &= values != info.nodata
    kept: NDArray[np.float64] = values[good]
    return kept
