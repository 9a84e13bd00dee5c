from __future__ import annotations

import numpy as np
import pytest
import rasterio
from PIL import Image

from generate.captions import picture, save
from swath.data.images import IMAGE_SUFFIXES, UnreadableImageError, image_chip
from swath.raster import SUFFIXES, read_chip


def test_image_endings_are_those_that_can_be_read():
    assert frozenset(SUFFIXES) == IMAGE_SUFFIXES


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif"])
def test_pixels_of_a_chip_are_the_pictures(tmp_path, ending):
    path = save(tmp_path / f"a.{ending}", picture(3, 48))
    chip = image_chip(path, "a")
    assert chip.window.to_list() == [0, 0, 48, 48]
    expected = np.moveaxis(np.asarray(Image.open(path)), -1, 0)
    # GDAL and Pillow decode a JPEG's chroma differently; elsewhere they agree to the bit.
    assert np.abs(read_chip(chip).data.astype(int) - expected).mean() <= (4 if ending == "jpg" else 0)


def test_modes_of_pictures(tmp_path):
    image = Image.fromarray(picture(3))
    for mode, indexes in (("L", [1, 1, 1]), ("RGBA", [1, 2, 3]), ("P", [1, 2, 3])):
        path = tmp_path / f"{mode}.png"
        image.convert(mode).save(path)
        chip = image_chip(path, mode)
        assert [layer.index for layer in chip.scene.layers] == indexes
        expected = np.moveaxis(np.asarray(Image.open(path).convert("RGB")), -1, 0)
        assert np.array_equal(read_chip(chip).data, expected)


def test_twelve_bands_are_recognised_with_their_place(tmp_path):
    path = tmp_path / "s2.tif"
    data = np.arange(12 * 8 * 8, dtype=np.uint16).reshape(12, 8, 8) + 1
    transform = rasterio.transform.from_origin(500_000, 4_000_000, 10, 10)
    with rasterio.open(
        path, "w", driver="GTiff", width=8, height=8, count=12, dtype="uint16", crs="EPSG:32611", transform=transform
    ) as file:
        file.write(data)
    chip = image_chip(path, "s2")
    assert chip.scene.sensor == "s2-l2a"
    assert chip.footprint is not None
    assert np.array_equal(read_chip(chip).data, data)


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(FileNotFoundError):
        image_chip(tmp_path / "none.png", "none")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(UnreadableImageError, match=r"text\.png"):
        image_chip(tmp_path / "text.png", "text")


def test_a_bomb_is_refused_by_its_header(tmp_path):
    path = save(tmp_path / "bomb.png", picture(1, 8))
    data = bytearray(path.read_bytes())
    data[16:24] = (1 << 30).to_bytes(4, "big") * 2
    path.write_bytes(bytes(data))
    with pytest.raises(UnreadableImageError):
        image_chip(path, "bomb")


def test_links_do_not_change_a_chips_id(tmp_path):
    path = save(tmp_path / "real" / "a.png", picture(1))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert image_chip(tmp_path / "link" / "a.png", "a").id == image_chip(path, "a").id
