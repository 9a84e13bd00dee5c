from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from generate.rasters import s1_scene, s2_scene, write_image
from swath.raster import read_image, thumbnail


@pytest.mark.parametrize("write", [s1_scene, s2_scene])
def test_thumbnail_is_a_small_colour_picture(tmp_path, write):
    picture = Image.open(io.BytesIO(thumbnail(read_image(write(tmp_path / "a.tif", 200)), 64)))
    assert picture.format == "JPEG"
    assert picture.size == (64, 64)
    assert picture.mode == "RGB"
    assert np.asarray(picture).std() > 5


def test_thumbnail_keeps_the_aspect_and_never_enlarges(tmp_path):
    wide = read_image(write_image(tmp_path / "a.png", 300, 100))
    assert Image.open(io.BytesIO(thumbnail(wide, 60))).size == (60, 20)
    small = read_image(write_image(tmp_path / "b.png", 30, 20))
    assert Image.open(io.BytesIO(thumbnail(small, 128))).size == (30, 20)


def test_thumbnail_shows_the_colours(tmp_path):
    path = write_image(tmp_path / "a.png", 64, 64)
    shown = np.asarray(Image.open(io.BytesIO(thumbnail(read_image(path), 64, quality=95)))).astype(int)
    assert np.abs(shown - np.asarray(Image.open(path))).mean() < 12
