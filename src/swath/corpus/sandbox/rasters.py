"""Writing the sandbox's pictures as Cloud Optimized GeoTIFFs, each under its final name only when it is complete."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from swath.corpus.sandbox.classes import LOOKS
from swath.errors import RasterError

SYNTHETIC = {"SYNTHETIC": "YES", "SOFTWARE": "swath sandbox", "DESCRIPTION": "Synthetic picture; no satellite took it."}
"""Tags of every raster of the sandbox."""

_BLOCK = 256


def write_cog(
    path: Path,
    pixels: NDArray[np.generic],
    *,
    crs: str,
    transform: Affine,
    bands: Sequence[str],
    nodata: float | None = None,
    lossy: bool = False,
    resampling: Resampling = Resampling.average,
    colours: bool = False,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a Cloud Optimized GeoTIFF: tiled, overviews (above two tiles) before the data, deflated or JPEG.

    Args:
        path: where to; an unfinished file lies beside it as ``*.part``.
        pixels: (bands, H, W).
        crs: coordinate reference system.
        transform: from pixels to the CRS.
        bands: description of each band.
        nodata: value of missing pixels.
        lossy: store 8-bit colour as JPEG, as aerial pictures are.
        resampling: how overviews are made.
        colours: attach the colour table of the land-cover classes.
        tags: more metadata.

    Raises:
        RasterError: the file cannot be written (full disk, no permission).
    """
    packing: dict[str, Any] = {"compress": "DEFLATE", "zlevel": 6, "interleave": "band"}
    packing |= {"predictor": 3 if pixels.dtype.kind == "f" else 2}
    if lossy:
        packing = {"compress": "JPEG", "jpeg_quality": 88, "photometric": "YCBCR", "interleave": "pixel"}
    part = path.with_name(path.name + ".part")
    profile = {"driver": "GTiff", "width": pixels.shape[2], "height": pixels.shape[1], "count": pixels.shape[0],
               "dtype": pixels.dtype, "crs": crs, "transform": transform, "nodata": nodata}  # fmt: skip
    try:
        with MemoryFile() as memory:
            with memory.open(**profile) as file:
                file.write(pixels)
                file.descriptions = tuple(bands)
                file.update_tags(**SYNTHETIC, **(tags or {}))
                if colours:
                    file.write_colormap(1, {int(kind): (*look.colour, 255) for kind, look in LOOKS.items()})
                levels = [2**k for k in range(1, 8) if max(pixels.shape[1:]) / 2 ** (k - 1) > 2 * _BLOCK]
                if levels:
                    file.build_overviews(levels, resampling)
            copy(memory.name, part, driver="GTiff", tiled=True, blockxsize=_BLOCK, blockysize=_BLOCK,
                 copy_src_overviews=True, **packing)  # fmt: skip
        os.replace(part, path)
    except (RasterioError, CPLE_BaseError, OSError) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise RasterError(f"{path}: cannot be written ({error}); check the disk's space and permissions") from error


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document; it appears under its name only when it is complete.

    Raises:
        RasterError: the file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise RasterError(f"{path}: cannot be written ({error}); check the disk's space and permissions") from error
