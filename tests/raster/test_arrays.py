from __future__ import annotations

import numpy as np
import pytest

from swath.chips import Chip, Window
from swath.errors import RasterError
from swath.raster import arrays, describe, read_chip, scene_from_file


@pytest.mark.parametrize("bands_last", [True, False])
def test_rows_of_an_array_are_images(tmp_path, bands_last):
    images = np.random.default_rng(0).integers(1, 4000, (3, 12, 16, 20)).astype(np.uint16)
    np.savez(tmp_path / "p.npz", x=np.moveaxis(images, 1, 3) if bands_last else images)
    assert list(arrays.keys(str(tmp_path / "p.npz"))) == ["0", "1", "2"]
    scene = scene_from_file(f"{tmp_path}/p.npz#2")
    assert (scene.sensor, scene.footprint) == ("s2-l2a", None)
    np.testing.assert_array_equal(read_chip(Chip(scene, Window(0, 0, 20, 16))).data, images[2])


def test_several_arrays_are_told_by_name(tmp_path):
    both = {name: np.ones((2, 8, 8, 2), dtype=np.float32) * -level for name, level in (("a", 5), ("b", 7))}
    np.savez(tmp_path / "p.npz", **both)
    assert list(arrays.keys(str(tmp_path / "p.npz"))) == ["a/0", "a/1", "b/0", "b/1"]
    scene = scene_from_file(f"{tmp_path}/p.npz#b/1")
    assert scene.sensor == "s1-grd"
    assert read_chip(Chip(scene, Window(0, 0, 8, 8))).data.max() == -7


@pytest.mark.parametrize(
    ("content", "key", "message"),
    [
        ({"x": np.zeros((2, 8, 8, 12))}, "2", "array 'x' has 2 images"),
        ({"x": np.zeros((2, 8, 8, 12))}, "y/0", "has no array 'y'"),
        ({"x": np.zeros((2, 8, 8, 12)), "y": np.zeros(3)}, "0", "name one: .*p.npz#x/0"),
        ({"x": np.zeros((2, 8, 8))}, "0", r"shape \(2, 8, 8\)"),
        ({"x": np.zeros((2, 12, 8, 12))}, "0", r"shape \(2, 12, 8, 12\)"),
        ({"x": np.array([{}])}, "0", "objects are refused"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, content, key, message):
    np.savez(tmp_path / "p.npz", **content)
    with pytest.raises(RasterError, match=message):
        describe(f"{tmp_path}/p.npz#{key}")


def test_other_files_are_named(tmp_path):
    (tmp_path / "p.npz").write_text("text")
    with pytest.raises(RasterError, match="no numpy archive"):
        describe(f"{tmp_path}/p.npz#0")
    with pytest.raises(RasterError, match="no such file"):
        describe(f"{tmp_path}/q.npz#0")
