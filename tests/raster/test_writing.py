from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from generate.rasters import UTM
from swath.errors import RasterError
from swath.raster import write_geotiff

PLACE = Affine(20.0, 0.0, 400_000.0, 0.0, -20.0, 3_800_000.0)


def test_strips_become_a_cog_with_overviews_and_holes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((2, 700, 900)).astype(np.float32)
    values[:, :300, :300] = np.nan

    def strips(rows: int) -> Iterator[tuple[int, np.ndarray]]:
        yield from ((start, values[:, start : start + rows]) for start in range(0, 700, rows))

    path = write_geotiff(
        tmp_path / "map.tif", strips, shape=values.shape, crs=UTM, transform=PLACE, bands=("één", "b"), tags={"A": "1"}
    )
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(), values)
        assert file.transform == PLACE
        assert file.descriptions == ("één", "b")
        assert file.tags()["A"] == "1"
        assert file.overviews(1)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert [entry.name for entry in tmp_path.iterdir()] == ["map.tif"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "map.tif"
    target.write_text("old")

    def strips(rows: int) -> Iterator[tuple[int, np.ndarray]]:
        yield 0, np.zeros((1, rows, 300), dtype=np.float32)
        raise OSError(28, "No space left on device")

    with pytest.raises(RasterError, match=r"map\.tif: cannot be written"):
        write_geotiff(target, strips, shape=(1, 600, 300), crs=UTM, transform=PLACE)
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["map.tif"]
