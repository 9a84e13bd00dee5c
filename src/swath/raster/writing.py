"""Writing maps as Cloud Optimized GeoTIFFs, strip by strip; a file has its name only when it is complete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.shutil import copy
from rasterio.windows import Window as GdalWindow

from swath.errors import RasterError
from swath.raster.gdal import reason

BLOCK = 256

Strips = Callable[[int], Iterator[tuple[int, NDArray[np.float32]]]]
"""Called with a number of rows; gives (first row, (bands, rows, W) values) from the top down."""


def write_geotiff(
    path: Path,
    strips: Strips,
    *,
    shape: tuple[int, int, int],
    crs: str | None,
    transform: Affine,
    bands: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write float32 values as a Cloud Optimized GeoTIFF (tiled, deflated, overviews); no data is NaN.

    Only one strip of `BLOCK` rows is held in memory. Unfinished files lie beside `path` and are removed on failure.

    Args:
        path: where to; an existing file is replaced when the new one is complete.
        strips: the values.
        shape: (bands, height, width).
        crs: coordinate reference system; None without georeference.
        transform: from pixels to the CRS; unused without CRS.
        bands: description of each band.
        tags: more metadata.

    Raises:
        RasterError: the file cannot be written (no such folder, full disk, no permission).
    """
    count, height, width = shape
    raw, part = (path.with_name(f".{path.name}.{os.getpid()}.{step}") for step in ("raw", "part"))
    profile = {
        "driver": "GTiff", "count": count, "height": height, "width": width, "dtype": "float32", "nodata": np.nan,
        "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "interleave": "band", "bigtiff": "IF_SAFER",
        "compress": "deflate", "zlevel": 1, "predictor": 3,
        **({} if crs is None else {"crs": crs, "transform": transform}),
    }  # fmt: skip
    try:
        with rasterio.open(raw, "w", **profile) as file:
            for first, values in strips(BLOCK):
                file.write(values, window=GdalWindow(0, first, width, values.shape[1]))
            for number, name in enumerate(bands, start=1):
                file.set_band_description(number, name)
            file.update_tags(**(tags or {}))
        copy(
            str(raw), str(part), driver="COG", blocksize=BLOCK, compress="DEFLATE", predictor="FLOATING_POINT",
            overview_resampling="AVERAGE", bigtiff="IF_SAFER",
        )  # fmt: skip
        os.replace(part, path)
    except (RasterioError, CPLE_BaseError, OSError) as error:
        raise RasterError(
            f"{path}: cannot be written ({reason(error)}); check the folder, the disk's space and permissions"
        ) from error
    finally:
        for unfinished in (raw, part):
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    return path
