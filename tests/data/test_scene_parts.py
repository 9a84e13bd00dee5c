from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generate.rasters import s1_scene
from swath.chips import Window
from swath.data import read_dataset
from swath.data.scene_parts import part_of
from swath.errors import DataError, SensorError

ROW = {
    "layers": [{"band": "VV", "file": "a.tif", "index": 1}, {"band": "VH", "file": "a.tif", "index": 2}],
    "window": [8, 0, 16, 16],
    "sensor": "s1-grd",
    "datetime": "2020-01-02T03:04:05+00:00",
}


def test_a_row_names_a_window():
    part = part_of(ROW, "row 1")
    assert (part.file, part.sensor, part.window) == ("a.tif", "s1-grd", Window(8, 0, 16, 16))
    assert part.datetime == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [layer.index for layer in part.layers] == [1, 2]


def test_other_rows_name_none():
    assert part_of({"image": "a.tif"}, "row 1") is None
    assert part_of({"layers": None, "window": None}, "row 1") is None


@pytest.mark.parametrize(
    "change",
    [
        {"layers": []},
        {"layers": [{"band": "VV"}]},
        {"window": [0, 0, 16]},
        {"window": [-1, 0, 16, 16]},
        {"window": [0, 0, 16.5, 16]},
        {"datetime": "yesterday"},
    ],
)
def test_broken_rows(change):
    with pytest.raises(DataError, match=r"t\.parquet, row 3"):
        part_of(ROW | change, "t.parquet, row 3")


def test_unknown_sensor():
    with pytest.raises(SensorError):
        part_of(ROW | {"sensor": "s9"}, "row 1")


def write(folder, **change):
    rows = [{"image": "a#1", "captions": ["water"], **ROW, **change}]
    pq.write_table(pa.Table.from_pylist(rows), folder / "t.parquet")
    return folder / "t.parquet"


def test_read_dataset(tmp_path):
    s1_scene(tmp_path / "a.tif", 32)
    pair = read_dataset(write(tmp_path))[0]
    assert (pair.name, pair.chip.window, pair.chip.scene.sensor) == ("a#1", Window(8, 0, 16, 16), "s1-grd")
    assert pair.chip.footprint is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": [24, 0, 16, 16]}, "reaches outside the raster"),
        ({"layers": [{"band": "VV", "file": "b.tif", "index": 1}]}, "b.tif does not exist"),
        ({"layers": [{"band": "VV", "file": "../a.tif", "index": 1}]}, "points outside the image folder"),
    ],
)
def test_windows_that_are_not_there(tmp_path, change, message):
    s1_scene(tmp_path / "a.tif", 32)
    with pytest.raises(DataError, match=message):
        read_dataset(write(tmp_path, **change))
