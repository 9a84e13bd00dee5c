"""Generators of every raster, STAC document and table that tests read: small, seeded, written on the spot."""

from __future__ import annotations

import io
import json
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

UTM = "EPSG:32611"
ORIGIN = (400_000.0, 3_800_000.0)
"""Upper left corner in `UTM`: southern California."""

S2_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
S2_METRES = dict(zip(S2_BANDS, (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 20, 20), strict=True))


def noise(bands: int, height: int, width: int, dtype: str = "uint8", seed: int = 0) -> NDArray[Any]:
    """(bands, height, width) smooth seeded values; 8 bit spans 0 to 255, 16 bit 500 to 4000, floats -25 to -5 (dB)."""
    generator = np.random.default_rng(seed)
    coarse = generator.random((bands, height // 8 + 2, width // 8 + 2))
    fine = np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)[:, :height, :width]
    low, high = {"uint8": (1, 255), "uint16": (500, 4000), "int16": (500, 4000)}.get(dtype, (-25, -5))
    return (low + (high - low) * fine).astype(dtype)


def write_tiff(
    path: Path,
    data: NDArray[Any],
    *,
    crs: str | None = UTM,
    metres: float = 10.0,
    origin: tuple[float, float] = ORIGIN,
    descriptions: Sequence[str] = (),
    colours: Sequence[ColorInterp] = (),
    tags: Mapping[str, str] | None = None,
    overviews: Sequence[int] = (),
    scales: Sequence[float] = (),
    offsets: Sequence[float] = (),
    **profile: Any,
) -> Path:
    """A GeoTIFF of (bands, H, W); `profile` goes to rasterio (``nodata``, ``tiled``, ``compress``, ``transform``)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {} if crs is None else {"crs": crs, "transform": from_origin(*origin, metres, metres)}
    settings = {
        "driver": "GTiff",
        "width": data.shape[2],
        "height": data.shape[1],
        "count": data.shape[0],
        "dtype": data.dtype.name,
        **place,
        **profile,
    }
    with rasterio.open(path, "w", **settings) as dataset:
        dataset.write(data)
        for band, name in enumerate(descriptions, start=1):
            dataset.set_band_description(band, name)
        if colours:
            dataset.colorinterp = colours
        if tags:
            dataset.update_tags(**tags)
        if scales:
            dataset.scales = scales
        if offsets:
            dataset.offsets = offsets
        if overviews:
            dataset.build_overviews(list(overviews), rasterio.enums.Resampling.average)
    return path


def write_image(path: Path, width: int = 96, height: int = 64, mode: str = "RGB", seed: int = 0, **save: Any) -> Path:
    """A photograph in any format and mode that Pillow writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.moveaxis(noise(3, height, width, seed=seed), 0, -1))
    image = picture.quantize(16) if mode == "P" else picture.convert(mode)
    image.save(path, **save)
    return path


def s1_scene(path: Path, size: int = 128, *, linear: bool = False, seed: int = 0, **options: Any) -> Path:
    """Sentinel-1 GRD, VV and VH, float32, in decibel or linear power."""
    data = noise(2, size, size, "float32", seed)
    data = (10 ** (data / 10)).astype(np.float32) if linear else data
    return write_tiff(path, data, **{"descriptions": ("VV", "VH"), **options})


def s2_scene(path: Path, size: int = 128, *, seed: int = 0, **options: Any) -> Path:
    """Sentinel-2 L2A, 12 bands in one uint16 file; band n is brighter than band n-1 by 100."""
    data = noise(12, size, size, "uint16", seed) + np.arange(12, dtype=np.uint16)[:, None, None] * 100
    return write_tiff(path, data.astype(np.uint16), **{"descriptions": S2_BANDS, "nodata": 0, **options})


def s2_bands(folder: Path, size: int = 120, stem: str = "", seed: int = 0, **options: Any) -> dict[str, Path]:
    """Sentinel-2 L2A, one file a band at its own resolution, `size` pixels at 10 m; band n holds 1000 n, B02 noise."""
    paths = {}
    for number, (band, metres) in enumerate(S2_METRES.items(), start=1):
        side = size * 10 // metres
        data = np.full((1, side, side), 1000 * number, dtype=np.uint16)
        if band == "B02":
            data = noise(1, side, side, "uint16", seed)
        paths[band] = write_tiff(folder / f"{stem}{band}.tif", data, metres=metres, **{"nodata": 0, **options})
    return paths


def write_json(path: Path, document: Any) -> Path:
    """A JSON document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def stac_item(
    name: str,
    assets: Mapping[str, Any],
    *,
    bbox: Sequence[float] = (-118.1, 34.2, -118.0, 34.3),
    properties: Mapping[str, Any] | None = None,
    links: Sequence[Mapping[str, Any]] = (),
    **fields: Any,
) -> dict[str, Any]:
    """A STAC item; an asset is an href or a dictionary of fields."""
    west, south, east, north = bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    full = {key: {"href": str(a)} if isinstance(a, str | Path) else {**a} for key, a in assets.items()}
    for asset in full.values():
        asset.setdefault("type", "image/tiff; application=geotiff")
        asset.setdefault("roles", ["data"])
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": list(bbox),
        "properties": {"datetime": "2020-11-04T18:00:00Z", **(properties or {})},
        "links": list(links),
        "assets": full,
        **fields,
    }


def s2_item(paths: Mapping[str, Path], folder: Path, name: str = "s2-item", **raster: Any) -> dict[str, Any]:
    """A Sentinel-2 item with one asset a band, as public catalogues have it; `raster` goes to ``raster:bands``."""
    assets: dict[str, Any] = {
        band: {
            "href": f"./{path.relative_to(folder).as_posix()}",
            "eo:bands": [{"name": band}],
            "raster:bands": [{"data_type": "uint16", "nodata": 0, **raster}],
            "gsd": S2_METRES[band],
        }
        for band, path in paths.items()
    }
    assets["thumbnail"] = {"href": "./thumbnail.jpg", "type": "image/jpeg", "roles": ["thumbnail"]}
    assets["metadata"] = {"href": "./metadata.xml", "type": "application/xml", "roles": ["metadata"]}
    properties = {"constellation": "sentinel-2", "platform": "sentinel-2a", "proj:code": UTM}
    return stac_item(name, assets, properties=properties)


def item_collection(*items: Mapping[str, Any]) -> dict[str, Any]:
    """A FeatureCollection of items."""
    return {"type": "FeatureCollection", "features": list(items)}


def tiff_header(width: int, height: int, rows_per_strip: int | None = None, compression: int = 8) -> bytes:
    """A TIFF of a few hundred bytes that claims `width` x `height` 8-bit pixels in deflated strips."""
    rows = rows_per_strip or height
    strips = -(-height // rows)
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, strips, 300 if strips == 1 else 400),
        (277, 3, 1, 1),
        (278, 4, 1, rows),
        (279, 4, strips, 10 if strips == 1 else 400),
    ]
    out = io.BytesIO()
    out.write(struct.pack("<2sHI", b"II", 42, 8))
    out.write(struct.pack("<H", len(entries)))
    for tag, kind, count, value in entries:
        out.write(struct.pack("<HHII", tag, kind, count, value))
    out.write(struct.pack("<I", 0))
    return out.getvalue().ljust(1024, b"\0")


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims `width` x `height` grey pixels and has none."""
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    )


VRT = """<VRTDataset rasterXSize="64" rasterYSize="64"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
<SourceFilename relativeToVRT="0">{target}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>
</VRTDataset>"""
"""A VRT that reads `target`."""


class RangeHandler(SimpleHTTPRequestHandler):
    """Serves a folder with byte ranges, and counts them."""

    def __init__(self, *arguments: Any, log: list[str], **options: Any) -> None:
        self.requests = log
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        """Answer with the range asked for, or with all of the file."""
        wanted = self.headers.get("Range")
        path = Path(self.translate_path(self.path))
        self.requests.append(f"{self.command} {self.path} {wanted or ''}".strip())
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        content = path.read_bytes()
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        self.send_header("Content-Length", str(end - start + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(content[start : end + 1])

    def log_message(self, *arguments: Any) -> None:
        """Stay silent."""


@contextmanager
def serve(folder: Path, handler: type[RangeHandler] = RangeHandler) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder on 127.0.0.1: the address without a closing slash, and the requests as they come."""
    log: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, log=log, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", log
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
