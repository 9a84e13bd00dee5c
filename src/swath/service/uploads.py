"""Uploaded images: checked by size, kind and pixels before anything is decoded, and never kept."""

from __future__ import annotations

import tempfile
from pathlib import Path

from swath.chips import Pixels
from swath.errors import InputError, RasterError
from swath.service.problems import RequestError
from swath.service.settings import Settings

_KINDS = (
    (b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"II*\0", ".tif"), (b"MM\0*", ".tif"),
    (b"II+\0", ".tif"), (b"MM\0+", ".tif"), (b"\0\0\0\x0cjP  ", ".jp2"),
)  # fmt: skip
_SIDE = 1024
"""Longest side that an uploaded image is read at; models see fewer pixels."""


def read_upload(data: bytes, sensor: str | None, settings: Settings) -> Pixels:
    """The pixels of an uploaded image.

    Args:
        data: the file.
        sensor: the sensor or family to read it as; None to recognise it.
        settings: the limits.

    Raises:
        RequestError: 413 for too many bytes or pixels, 415 for what is no image, 422 for one that cannot be used.
    """
    from swath.raster import describe, read_image, release  # GDAL is slow to import

    if len(data) > settings.max_upload_bytes:
        raise RequestError(413, f"the image has {len(data)} bytes, at most {settings.max_upload_bytes} are taken")
    suffix = _suffix(data)
    with tempfile.TemporaryDirectory(prefix="swath-upload-") as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(data)
        try:
            info = describe(str(path))
            if info.width * info.height > settings.max_upload_pixels:
                raise RequestError(
                    413,
                    f"the image is {info.width} x {info.height} px, at most {settings.max_upload_pixels} are taken",
                )
            return read_image(path, sensor, size=min(_SIDE, max(info.width, info.height)))
        except (RasterError, InputError) as error:
            raise RequestError(
                422, str(error).replace(str(path.resolve()), "image").replace(str(path), "image")
            ) from error
        finally:
            release(str(path))


def _suffix(data: bytes) -> str:
    for magic, suffix in _KINDS:
        if data.startswith(magic):
            return suffix
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    raise RequestError(415, "the upload is no image; send JPEG, PNG, WebP, GeoTIFF or JPEG 2000")
