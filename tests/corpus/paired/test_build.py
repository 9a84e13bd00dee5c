from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from generate.rasters import noise, write_tiff
from swath.cli.app import app
from swath.corpus.paired import Options, paired_chips, write_pairs
from swath.data import read_dataset
from swath.errors import DataError, InputError
from swath.raster import read_chip, scene_from_file

SIDE = 64


def scenes(folder, count=6):
    """`count` optical and radar scenes side by side, 640 m each, 100 km apart every second one."""
    found = []
    for number in range(count):
        for sensor, bands in (("s2-tci", 3), ("s1-vh-8bit", 1)):
            path = folder / sensor[:2] / f"{number}.tif"
            origin = (300_000.0 + 60_000.0 * number, 3_800_000.0)
            write_tiff(path, noise(bands, SIDE, SIDE, seed=number), origin=origin, nodata=0)
            scene = scene_from_file(str(path), sensor=sensor, scene_id=f"{sensor[:2]}-{number}")
            found.append(replace(scene, datetime=datetime(2020, 11, 4, tzinfo=UTC)))
    return found


@pytest.fixture(scope="module")
def six(tmp_path_factory):
    return scenes(tmp_path_factory.mktemp("scenes"))


OPTIONS = Options(size=32, fractions={"train": 0.5, "test": 0.5}, block_km=10.0)


def test_a_table_that_training_reads(six, tmp_path):
    report = write_pairs(six, tmp_path / "pairs.parquet", OPTIONS)
    assert sum(report.groups.values()) == 24
    assert report.sensors == {"s1-vh-8bit": 24, "s2-tci": 24}
    assert (report.left_out, report.failures) == ({}, [])
    data = read_dataset(tmp_path / "pairs.parquet")
    assert data.name == "pairs"
    assert len(data) == 48
    assert not data.failures
    groups = {}
    for pair in data:
        groups.setdefault(pair.group, []).append(pair)
    assert len(groups) == 24
    for one, two in groups.values():
        assert {one.chip.scene.sensor, two.chip.scene.sensor} == {"s2-tci", "s1-vh-8bit"}
        assert one.split == two.split
        assert one.location == two.location
        assert one.chip.footprint.geometry.equals(two.chip.footprint.geometry)
        assert not one.captions
    radar = next(pair for pair in data if pair.name == "s1-3#32_0_32_32")
    expected = noise(1, SIDE, SIDE, seed=3)[:, :32, 32:]
    assert np.array_equal(read_chip(radar.chip).data, expected)
    assert {pair.split for pair in data} <= {"train", "test", ""}
    assert {pair.chip.scene.sensor for pair in read_dataset(tmp_path / "pairs.parquet", sensor="s1")} == {"s1-vh-8bit"}
    with pytest.raises(DataError, match="no images of sensor 'sar'; it has s1-vh-8bit, s2-tci"):
        read_dataset(tmp_path / "pairs.parquet", sensor="sar")


def test_blocks_stay_whole_and_the_same_seed_gives_the_same_split(six):
    first, again = paired_chips(six, OPTIONS), paired_chips(six, OPTIONS)
    assert [one.split for one in first] == [one.split for one in again]
    by_scene = {}
    for one in first:
        by_scene.setdefault(one.chip.scene.id.partition("-")[2], set()).add(one.split)
    # A scene is 0.6 km in blocks of 10 km: its chips are of one split, or between splits.
    assert all(len(found - {""}) <= 1 for found in by_scene.values())
    assert {one.split for one in first} >= {"train", "test"}


def test_a_broken_scene_is_reported_and_an_empty_window_left_out(tmp_path):
    given = scenes(tmp_path, 3)
    (tmp_path / "s1" / "1.tif").write_bytes(b"no raster")
    empty = noise(1, SIDE, SIDE, seed=9)
    empty[:, :32, :32] = 0
    write_tiff(tmp_path / "s1" / "2.tif", empty, origin=(300_000.0 + 120_000.0, 3_800_000.0), nodata=0)
    report = write_pairs(given, tmp_path / "pairs.parquet", OPTIONS)
    assert sum(report.groups.values()) == 7
    assert report.left_out == {
        "group of scenes that cannot be read or matched": 1,
        "window with too little data": 1,
    }
    assert str(tmp_path / "s1" / "1.tif") in report.failures[0]


def test_a_group_that_fails_midway_leaves_nothing_behind(tmp_path):
    given = scenes(tmp_path, 2)
    broken = tmp_path / "s1" / "1.tif"
    write_tiff(broken, noise(1, SIDE, SIDE, seed=1), origin=(360_000.0, 3_800_000.0), nodata=0, blockysize=8,
               compress="deflate")  # fmt: skip
    whole = bytearray(broken.read_bytes())
    whole[-16:] = bytes(16)  # the upper windows can be read, the last block cannot
    broken.write_bytes(whole)
    for _ in range(2):  # and the second run finds what the first one found
        report = write_pairs(given, tmp_path / "pairs.parquet", OPTIONS)
        assert report.sensors == {"s1-vh-8bit": 4, "s2-tci": 4}
        assert report.left_out == {"group of scenes that cannot be read or matched": 1}
        assert len(report.failures) == 1
        assert str(broken) in report.failures[0]
        assert {pair.name[:4] for pair in read_dataset(tmp_path / "pairs.parquet")} == {"s1-0", "s2-0"}


def test_scenes_of_one_name_are_refused(six, tmp_path):
    namesakes = [replace(scene, id="scene") for scene in six]
    with pytest.raises(DataError, match=r"two scenes are called 'scene'.*ids of their own"):
        write_pairs(namesakes, tmp_path / "pairs.parquet", OPTIONS)
    assert not (tmp_path / "pairs.parquet").exists()


def test_no_foreign_table_is_written_over(six, tmp_path):
    table = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"image": ["a.tif"]}), table)
    before = table.read_bytes()
    with pytest.raises(InputError, match=r"labels\.parquet exists and is no table of pairs"):
        write_pairs(six, table, OPTIONS)
    table.with_suffix(".txt").write_text("notes")
    with pytest.raises(InputError, match=r"labels\.txt exists and is no table of pairs"):
        write_pairs(six, table.with_suffix(".txt"), OPTIONS)
    assert table.read_bytes() == before
    deep = tmp_path / "new" / "folder" / "pairs.parquet"
    write_pairs(six[:4], deep, OPTIONS)
    write_pairs(six[:2], deep, OPTIONS)  # an earlier table of pairs gives way
    assert len(read_dataset(deep)) == 8


def test_bad_input(six, tmp_path):
    with pytest.raises(DataError, match=r"no two of 6 scenes.*s2-tci"):
        paired_chips([scene for scene in six if scene.sensor == "s2-tci"])
    with pytest.raises(InputError, match="min_valid"):
        paired_chips(six, replace(OPTIONS, min_valid=2.0))
    with pytest.raises(InputError, match="fractions"):
        paired_chips(six, replace(OPTIONS, fractions={"train": 0.5}))
    with pytest.raises(InputError, match="larger blocks"):
        paired_chips(six, replace(OPTIONS, block_km=0.1))


def test_command(six, tmp_path):
    folder = Path(six[0].href).parents[1]
    documents = [
        {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": scene.id,
            "geometry": scene.footprint.geometry.__geo_interface__,
            "bbox": list(scene.footprint.bbox),
            "properties": {
                "datetime": "2020-11-04T18:00:00Z",
                "constellation": "sentinel-2" if scene.sensor == "s2-tci" else "sentinel-1",
                "sar:polarizations": ["VH"],
            },
            "links": [],
            "assets": {
                "data": {
                    "href": str(Path(scene.href).relative_to(folder)),
                    "type": "image/tiff; application=geotiff",
                    "roles": ["data"],
                }
            },
        }
        for scene in six[:4]
    ]
    items = folder / "items.json"
    items.write_text(json.dumps({"type": "FeatureCollection", "features": documents}))
    arguments = ["corpus", "pairs", str(items), "--to", str(tmp_path / "p.parquet"), "--size", "32", "--json"]
    done = CliRunner().invoke(app, [*arguments, "--split", "train=0.5", "--split", "test=0.5"])
    assert done.exit_code == 0, done.output
    assert sum(json.loads(done.stdout)["groups"].values()) == 8
    assert len(read_dataset(tmp_path / "p.parquet")) == 16


@pytest.mark.data
def test_southern_california(shared_data, tmp_path):
    from swath.sources import open_source

    report = write_pairs(list(open_source(str(shared_data / "socal_scenes")).scenes()), tmp_path / "pairs.parquet")
    assert report.sensors == {"s1-vh-8bit": 69 * 16, "s2-tci": 69 * 16}
    assert report.groups["test"] > 200
    assert report.groups["train"] > 600
