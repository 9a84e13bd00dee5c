"""What a raster file is, from its header alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

import numpy as np
from affine import Affine
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader

from swath.raster.gdal import environment, handle
from swath.raster.hrefs import member_of, signature
from swath.raster.members import describe_member
from swath.recognition import telling

_COLOURS = {
    ColorInterp.red: "red",
    ColorInterp.green: "green",
    ColorInterp.blue: "blue",
    ColorInterp.nir: "nir",
    ColorInterp.rededge: "rededge",
    ColorInterp.coastal: "coastal",
}
"""GDAL's interpretations that name a band."""

_STAMPS = ("EXIF_DateTimeOriginal", "EXIF_DateTimeDigitized", "EXIF_DateTime", "TIFFTAG_DATETIME")


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """The header of one raster file.

    Attributes:
        href: path or URL.
        width: pixels per row.
        height: rows.
        band_count: data bands: alpha is not one, a palette counts as three.
        dtype: numpy name of the pixel type of all bands together.
        nodata: value declared as no data, or None.
        crs: ``EPSG:32611`` where the code is known, else WKT; None without georeference.
        transform: pixel (col, row) to CRS coordinates; identity without georeference.
        descriptions: one name a data band; empty strings where the file names none.
        driver: GDAL's name of the format.
        indexes: GDAL's band number of each data band.
        palette: whether the one stored band holds palette entries, shown as red, green and blue.
        alpha: GDAL's band number of the alpha band, or None.
        masked: whether the file carries a mask of its own beside nodata and alpha.
        scales: factor a data band that the file declares towards physical units (1 where it declares none).
        offsets: offset a data band, likewise (0 where it declares none).
        datetime: the date in EXIF or TIFF tags, taken as UTC where no offset is given; None where there is none.
        tags: the file's metadata.
    """

    href: str
    width: int
    height: int
    band_count: int
    dtype: str
    nodata: float | None
    crs: str | None
    transform: Affine
    descriptions: tuple[str, ...]
    driver: str
    indexes: tuple[int, ...]
    palette: bool = False
    alpha: int | None = None
    masked: bool = False
    scales: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    datetime: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def band_names(self) -> tuple[str, ...]:
        """The descriptions where every data band has one, else empty: names are never half known."""
        return self.descriptions if all(self.descriptions) else ()

    @property
    def georeferenced(self) -> bool:
        """Whether the file says where it lies on Earth."""
        return self.crs is not None


def describe(href: str) -> RasterInfo:
    """Read the header of `href`; no pixel is read.

    Args:
        href: path of a local file, or an ``http(s)``, ``s3`` or ``gs`` URL.

    Raises:
        RasterError: missing, empty, truncated or unreadable.
        UnsafeRasterError: a refused format, scheme or size.
    """
    return _describe(href, signature(href))


@lru_cache(maxsize=4096)
def _describe(href: str, _signature: tuple[int, int]) -> RasterInfo:
    if member_of(href) is not None:
        return _member(href)
    dataset = handle(href)
    with environment(href):
        return _header(href, dataset)


def _member(href: str) -> RasterInfo:
    """The header of an image inside a container."""
    found = describe_member(href)
    count = len(found.indexes)
    return RasterInfo(
        href=href,
        width=found.shape[2],
        height=found.shape[1],
        band_count=count,
        dtype=found.dtype,
        nodata=None,
        crs=found.crs,
        transform=found.transform,
        descriptions=found.names or ("",) * count,
        driver="GTiff",
        indexes=found.indexes,
        scales=(1.0,) * count,
        offsets=(0.0,) * count,
        datetime=found.datetime,
        tags=dict(found.tags),
    )


def _header(href: str, dataset: DatasetReader) -> RasterInfo:
    interpretation = dataset.colorinterp
    alpha = next((n for n, kind in enumerate(interpretation, start=1) if kind == ColorInterp.alpha), None)
    palette = dataset.count == 1 and interpretation[0] == ColorInterp.palette
    indexes = (1, 2, 3) if palette else tuple(n for n in dataset.indexes if n != alpha) or (1,)
    if palette:
        names: tuple[str, ...] = ("red", "green", "blue")
    else:
        names = tuple((dataset.descriptions[n - 1] or "").strip() for n in indexes)
        coloured = tuple(_COLOURS.get(interpretation[n - 1], "") for n in indexes)
        # Descriptions such as "Band 1" tell nothing; the colours then do.
        if not telling(names) and {"red", "green"} <= set(coloured):
            # A fourth band beside red, green and blue is near infrared in every product that has one.
            fourth = "nir" if len(indexes) == 4 and "blue" in coloured else ""
            names = tuple(name or fourth for name in coloured)
        if telling(names):
            names = tuple(name or f"band {place}" for place, name in enumerate(names, start=1))
    flags = dataset.mask_flag_enums[0]
    masked = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
    tags = {str(key): str(value) for key, value in dataset.tags().items()}
    crs = crs_name(dataset.crs.to_wkt()) if dataset.crs else None
    return RasterInfo(
        href=href,
        width=dataset.width,
        height=dataset.height,
        band_count=len(indexes),
        dtype="uint8" if palette else str(np.result_type(*(dataset.dtypes[n - 1] for n in indexes))),
        nodata=None if palette or dataset.nodata is None else float(dataset.nodata),
        crs=None if dataset.transform.is_identity else crs,
        transform=dataset.transform,
        descriptions=names,
        driver=dataset.driver,
        indexes=indexes,
        palette=palette,
        alpha=alpha,
        masked=masked,
        scales=(1.0, 1.0, 1.0) if palette else tuple(float(dataset.scales[n - 1]) for n in indexes),
        offsets=(0.0, 0.0, 0.0) if palette else tuple(float(dataset.offsets[n - 1]) for n in indexes),
        datetime=_date(tags),
        tags=tags,
    )


@lru_cache(maxsize=512)
def crs_name(wkt: str) -> str | None:
    """``EPSG:code`` of a WKT where it has one, else the WKT; None for a local system that lies nowhere on Earth."""
    import pyproj
    from pyproj.exceptions import CRSError

    try:
        crs = pyproj.CRS.from_wkt(wkt)
    except CRSError:
        return wkt
    if not (crs.is_geographic or crs.is_projected or crs.is_bound or crs.is_compound):
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else wkt


def _date(tags: dict[str, str]) -> datetime | None:
    for key in _STAMPS:
        match = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)", tags.get(key, ""))
        if match is None:
            continue
        zone = UTC
        offset = re.match(r"([+-])(\d\d):(\d\d)", tags.get("EXIF_OffsetTimeOriginal", ""))
        if offset is not None and key.startswith("EXIF"):
            sign = 1 if offset[1] == "+" else -1
            zone = timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
        try:
            return datetime(*(int(part) for part in match.groups()), tzinfo=zone)  # type: ignore[arg-type,misc]
        except ValueError:
            continue
    return None
