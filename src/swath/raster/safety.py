"""Refusals: formats that reach other files, and headers that would make GDAL allocate or loop without end.

The caps are far above real products (a Sentinel-2 tile is 10,980 px square: 0.12 Gpx) and far below what hurts.
"""

from __future__ import annotations

from rasterio.io import DatasetReader

from swath.errors import RasterError, UnsafeRasterError

MAX_WHOLE_PIXELS = 178_956_970
"""Pixels of a PNG, JPEG or WebP, which are decoded from the top; Pillow's limit for a decompression bomb."""

MAX_PIXELS = 2**34
"""Pixels of any raster (131,072 px square)."""

MAX_BLOCK_BYTES = 256 * 2**20
"""Decoded bytes of one tile or strip, which GDAL holds whole."""

MAX_BANDS = 512
"""Bands of one file; hyperspectral products have about 250."""

MAX_EXPANSION = 50_000
"""Decoded bytes for one byte of a local file larger than `MAX_WHOLE_PIXELS`; deflate reaches about 1,000."""

_WHOLE_FORMATS = ("PNG", "JPEG", "WEBP")

_FORBIDDEN = (
    (b"<VRTDataset", "VRT"),
    (b"<OGRVRT", "OGR VRT"),
    (b"<GDAL_WMS", "WMS"),
    (b"<WMS_", "WMS"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x89HDF", "HDF5 or netCDF"),
    (b"CDF\x01", "netCDF"),
    (b"<?xml", "XML"),
)


def check_format(href: str, path: str) -> None:
    """Refuse, by its first bytes, a file in a format that swath never opens whatever it is called.

    Raises:
        UnsafeRasterError: naming the format.
        RasterError: the file cannot be read at all.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise RasterError(f"{href}: {error.strerror}; check the file's permissions") from error
    for magic, name in _FORBIDDEN:
        if start.startswith(magic):
            raise UnsafeRasterError(f"{href}: {name} files are refused for safety; convert it to GeoTIFF")


def check_plausible(href: str, dataset: DatasetReader, file_bytes: int | None) -> None:
    """Refuse a header that claims more than a real product could hold.

    Args:
        href: names the file in the message.
        dataset: opened, nothing read yet.
        file_bytes: size of a local file; None for a URL.

    Raises:
        UnsafeRasterError: too many pixels or bands, blocks too large, or a claimed size no compression explains.
        RasterError: a GeoTIFF that ends before its last block.
    """
    pixels = dataset.width * dataset.height
    claim = f"{href}: claims {dataset.width} x {dataset.height} px, {dataset.count} band(s)"
    if dataset.driver in _WHOLE_FORMATS and pixels > MAX_WHOLE_PIXELS:
        raise UnsafeRasterError(
            f"{claim}; {dataset.driver} is decoded whole, and more than {MAX_WHOLE_PIXELS} px is refused: "
            "convert it to a tiled GeoTIFF"
        )
    if pixels > MAX_PIXELS or dataset.count > MAX_BANDS:
        raise UnsafeRasterError(f"{claim}; more than {MAX_PIXELS} px or {MAX_BANDS} bands is refused: split the file")
    # Complex and 64-bit types have 8 bytes or more a value; 8 is enough to catch the absurd.
    item = {"uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "float32": 4, "uint32": 4, "int32": 4}
    itemsize = max(item.get(dtype, 8) for dtype in dataset.dtypes)
    rows, columns = dataset.block_shapes[0]
    together = dataset.count if dataset.interleaving is not None and dataset.interleaving.name == "pixel" else 1
    block = rows * columns * together * itemsize
    if dataset.driver == "GTiff" and block > MAX_BLOCK_BYTES:
        raise UnsafeRasterError(
            f"{claim} in blocks of {columns} x {rows} px ({block // 2**20} MiB decoded); "
            "rewrite it as a Cloud Optimized GeoTIFF: gdal_translate -of COG"
        )
    if file_bytes is None:
        return
    claimed = pixels * dataset.count * itemsize
    if pixels > MAX_WHOLE_PIXELS and claimed > MAX_EXPANSION * file_bytes:
        raise UnsafeRasterError(f"{claim}, but the file has only {file_bytes} bytes; it is damaged or a bomb")
    if dataset.driver == "GTiff":
        _check_complete(href, dataset, file_bytes)


def _check_complete(href: str, dataset: DatasetReader, file_bytes: int) -> None:
    """Notice a GeoTIFF cut short by comparing the end of its last block with the size of the file."""
    rows, columns = dataset.block_shapes[0]
    last = f"{(dataset.width - 1) // columns}_{(dataset.height - 1) // rows}"
    for band in {1, dataset.count}:
        offset = dataset.get_tag_item(f"BLOCK_OFFSET_{last}", "TIFF", bidx=band)
        size = dataset.get_tag_item(f"BLOCK_SIZE_{last}", "TIFF", bidx=band)
        if offset and size and int(offset) + int(size) > file_bytes:
            raise RasterError(
                f"{href}: the file is truncated: it has {file_bytes} bytes, its last block ends at "
                f"{int(offset) + int(size)}; fetch it again"
            )
