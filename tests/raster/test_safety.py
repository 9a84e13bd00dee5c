from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from generate.rasters import VRT, noise, png_header, tiff_header, write_image, write_tiff
from swath.chips import Chip, Window
from swath.errors import RasterError, UnsafeRasterError
from swath.raster import describe, read_chip, read_image, safety, scene_from_file


@pytest.mark.parametrize("name", ["a.vrt", "a.tif", "a.jpg"])
def test_vrt_is_refused_whatever_it_is_called(tmp_path, name):
    target = write_image(tmp_path / "secret.png", mode="L")
    path = tmp_path / name
    path.write_text(VRT.format(target=target))
    with pytest.raises(UnsafeRasterError, match=rf"{name}.*VRT"):
        describe(str(path))


@pytest.mark.parametrize("content", [b"GIF89a" + b"\0" * 64, b"<html></html>", b"BM" + b"\0" * 64, b"hello"])
def test_drivers_outside_the_list_are_never_asked(tmp_path, content):
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(RasterError, match=r"a\.tif.*not recognized"):
        describe(str(path))


def test_readable_format_outside_the_list_is_refused(tmp_path):
    path = write_image(tmp_path / "picture.gif", mode="P", format="GIF")
    path = path.rename(tmp_path / "picture.png")
    with pytest.raises(RasterError, match=r"picture\.png"):
        describe(str(path))


def test_strip_of_an_absurd_size_is_refused(tmp_path):
    path = tmp_path / "bomb.tif"
    path.write_bytes(tiff_header(60_000, 60_000))
    with pytest.raises(RasterError, match=r"bomb\.tif"):
        describe(str(path))


def test_tiff_that_claims_more_than_its_bytes_can_hold_is_refused(tmp_path):
    # A sparse file: a header that claims 40,000 px square in tiles of which none is stored.
    path = tmp_path / "sparse.tif"
    import rasterio

    with rasterio.open(
        path, "w", driver="GTiff", width=60_000, height=60_000, count=1, dtype="uint8", tiled=True,
        blockxsize=8192, blockysize=8192, sparse_ok=True, compress="deflate",
    ):  # fmt: skip
        pass
    with pytest.raises(UnsafeRasterError, match=r"sparse\.tif.*60000 x 60000.*bytes"):
        describe(str(path))


def test_untiled_format_of_too_many_pixels_is_refused(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(30_000, 30_000))
    with pytest.raises(UnsafeRasterError, match=r"bomb\.png.*30000 x 30000.*decoded whole"):
        describe(str(path))


def test_caps_leave_room_for_real_products():
    assert safety.MAX_WHOLE_PIXELS > 10_980**2
    assert safety.MAX_PIXELS > 100_000**2
    assert safety.MAX_BLOCK_BYTES > 12 * 1024 * 1024 * 2


@pytest.mark.parametrize("compress", [None, "deflate"])
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_truncated_tiff_is_noticed_before_a_pixel_is_read(tmp_path, compress, keep):
    path = write_tiff(tmp_path / "cut.tif", noise(3, 256, 256), compress=compress)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(RasterError, match=r"cut\.tif"):
        describe(str(path))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.jp2"])
def test_truncated_image_is_an_error_and_not_half_a_picture(tmp_path, name):
    whole = io.BytesIO()
    picture = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(picture).save(whole, {"jpg": "JPEG", "jp2": "JPEG2000"}.get(name[2:], name[2:].upper()))
    path = tmp_path / name
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(RasterError, match=name):
        read_image(path)


def test_zero_byte_file_is_named(tmp_path):
    (tmp_path / "zero.jpg").touch()
    with pytest.raises(RasterError, match=r"zero\.jpg: the file is empty"):
        describe(str(tmp_path / "zero.jpg"))


def test_damaged_tile_is_an_error_of_its_chip_only(tmp_path):
    path = write_tiff(
        tmp_path / "a.tif", noise(3, 128, 128), tiled=True, blockxsize=64, blockysize=64, compress="deflate",
        interleave="pixel",
    )  # fmt: skip
    scene = scene_from_file(str(path))
    from swath.raster.gdal import handle

    offset = int(handle(scene.href).get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1))
    content = bytearray(path.read_bytes())
    content[offset : offset + 32] = b"\xff" * 32
    path.write_bytes(content)
    assert read_chip(Chip(scene, Window(0, 0, 64, 64))).valid.all()
    with pytest.raises(RasterError, match=r"a\.tif"):
        read_chip(Chip(scene, Window(64, 64, 64, 64)))
    assert read_chip(Chip(scene, Window(64, 0, 64, 64))).valid.all()


def test_unreadable_file_is_named(tmp_path, monkeypatch):
    path = write_image(tmp_path / "a.png")

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(RasterError, match=r"a\.png: Permission denied; check"):
        safety.check_format(str(path), str(path))
