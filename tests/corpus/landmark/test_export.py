from __future__ import annotations

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from generate.rasters import ORIGIN, s1_scene, s2_scene, write_image, write_tiff
from swath.corpus.landmark import LabelList, LabelRasters, Options, export, read_system, vocabulary, write_landmark
from swath.data import read_dataset
from swath.data.topics import find_topics
from swath.errors import InputError
from swath.raster import read_chip, release
from swath.sources import cut, open_source

SIDE = 24


def system(name):
    return read_system(name, vocabulary())


@pytest.fixture
def corpus(tmp_path):
    """Three radar scenes, one with a gap, and a Sentinel-2 scene, under one mask; cut into windows."""
    for number in range(3):
        place = (ORIGIN[0] + 10_000 * number, ORIGIN[1])
        path = s1_scene(tmp_path / "images" / f"r{number}.tif", 2 * SIDE, seed=number, origin=place)
        codes = np.zeros((1, 2 * SIDE, 2 * SIDE), dtype=np.int16)
        codes[:, : SIDE * number] = 1
        write_tiff(tmp_path / "masks" / f"m{number}.tif", codes, origin=place)
        if number == 2:
            import rasterio

            with rasterio.open(path, "r+") as file:
                file.write(np.full((4, 4), np.nan, dtype=np.float32), 1, window=rasterio.windows.Window(0, 0, 4, 4))
    s2_scene(tmp_path / "images" / "s.tif", 2 * SIDE, seed=9, origin=(ORIGIN[0] + 10_000, ORIGIN[1]))
    table = tmp_path / "source" / "corpus.parquet"
    chips = list(cut(open_source(tmp_path / "images"), SIDE))
    options = Options(captions=("joined", "sentence"), long=True, without="dry land")
    write_landmark(chips, table, [LabelRasters(tmp_path / "masks", system("sen1floods11"))], options)
    return table


def assert_same(before, after):
    assert len(before) == len(after) == 16
    assert not after.failures
    key = {export.key_of(pair.name): pair for pair in before}
    for pair in after:
        other = key[export.key_of(pair.name)]
        assert (pair.labels, pair.captions, pair.long_captions) == (other.labels, other.captions, other.long_captions)
        assert pair.split == other.split
        assert pair.location == pytest.approx(other.location, abs=1e-9)
        assert pair.chip.footprint.geometry.equals_exact(other.chip.footprint.geometry, 1e-9)
        found, wanted = read_chip(pair.chip), read_chip(other.chip)
        assert found.sensor == wanted.sensor
        np.testing.assert_array_equal(found.valid, wanted.valid)
        np.testing.assert_array_equal(found.data[:, found.valid], wanted.data[:, wanted.valid])


def test_hdf5_round_trip(corpus, tmp_path):
    before, folder = read_dataset(corpus), tmp_path / "out"
    report = export.write_hdf5(before, folder)
    assert (report.images, report.written, report.failures) == (16, 16, [])
    after = read_dataset(folder)
    assert_same(before, after)
    assert not read_chip(next(pair for pair in after if pair.name.startswith("r2_0_0")).chip).valid.all()
    topics = find_topics(folder)
    assert topics is not None
    assert not topics.check({pair.name for pair in after})
    assert export.write_hdf5(before, folder).written == 0


def test_the_layout_is_the_published_one(corpus, tmp_path):
    folder = tmp_path / "out"
    export.write_hdf5(read_dataset(corpus), folder)
    rows = pq.read_table(folder / "metadata.parquet").to_pylist()
    assert {"key", "split", "labels"} <= set(rows[0])
    with h5py.File(folder / "crisislandmark.h5") as file:
        assert sorted(file) == sorted(row["key"] for row in rows)
        key = rows[0]["key"]
        assert file.get(key, getlink=True).filename == "s1-grd_part1.h5"
        group = file[key]
        assert (group["image"].dtype, group["image"].shape) == (np.float32, (2, SIDE, SIDE))
        assert group["coords"].shape == (2, SIDE, SIDE)
        x, y = group["coords"][:, 0, 0]
        assert (x, y) == pytest.approx((ORIGIN[0] + 5, ORIGIN[1] - 5), abs=0.5)
        assert group.attrs["crs"] == 32611
        assert list(group.attrs["labels"]) == rows[0]["labels"]


def test_coordinates_alone_give_the_place(corpus, tmp_path):
    """Other readers' files have no attribute `transform`."""
    folder = tmp_path / "out"
    export.write_hdf5(read_dataset(corpus), folder)
    release()
    for shard in folder.glob("*_part1.h5"):
        with h5py.File(shard, "a") as file:
            for group in file.values():
                del group.attrs["transform"]
    places = {export.key_of(pair.name): pair.location for pair in read_dataset(corpus)}
    rough = read_dataset(folder)
    assert len(rough) == 16
    for pair in rough:
        assert pair.location == pytest.approx(places[pair.name], abs=1e-5)


def test_cog_round_trip(corpus, tmp_path):
    before, folder = read_dataset(corpus), tmp_path / "out"
    report = export.write_cogs(before, corpus, folder)
    assert (report.images, report.failures) == (16, [])
    assert_same(before, read_dataset(folder / "corpus.parquet"))
    assert_same(before, read_dataset(folder))
    assert export.write_cogs(before, corpus, folder).written == 0


def test_a_chip_that_cannot_be_written_is_listed(corpus, tmp_path):
    before = read_dataset(corpus)
    (tmp_path / "images" / "r1.tif").unlink()
    report = export.write_hdf5(before, tmp_path / "out")
    assert report.images == 12
    assert len(report.failures) == 4
    assert "r1.tif: no such file" in report.failures[0]
    assert len(read_dataset(tmp_path / "out")) == 12
    again = export.write_hdf5(before, tmp_path / "out")
    assert (again.images, again.written) == (12, 0)
    assert len(again.failures) == 4
    assert "r1.tif#0_0_24_24: not in " in again.failures[0]


def test_small_shards_are_linked(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "SHARD", 5)
    export.write_hdf5(read_dataset(corpus), tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*_part*.h5"))) == 3 + 1
    assert len(read_dataset(tmp_path / "out")) == 16


def test_images_without_place_and_pictures(tmp_path):
    listed = tmp_path / "l.csv"
    listed.write_text("image,label\na,Forest\np,Forest\n")
    s1_scene(tmp_path / "radar" / "a.tif", SIDE, crs=None)
    write_image(tmp_path / "pictures" / "p.png", SIDE, SIDE)
    for kind in ("radar", "pictures"):
        chips = list(cut(open_source(tmp_path / kind), SIDE))
        write_landmark(chips, tmp_path / f"{kind}.parquet", [LabelList(listed, system("eurosat"))])
    radar = read_dataset(tmp_path / "radar.parquet")
    report = export.write_hdf5(radar, tmp_path / "h")
    assert "has no georeference" in report.failures[0]
    assert export.write_cogs(radar, tmp_path / "radar.parquet", tmp_path / "c").images == 1
    assert read_dataset(tmp_path / "c")[0].location is None
    with pytest.raises(InputError, match="have 8 bits"):
        export.write_hdf5(read_dataset(tmp_path / "pictures.parquet"), tmp_path / "h2")


def test_two_images_of_one_key(corpus, tmp_path):
    from dataclasses import replace

    dataset = read_dataset(corpus)
    first, second = dataset[0], dataset[1]
    twin = replace(second, chip=replace(second.chip, scene=replace(second.chip.scene, id=first.name.replace("#", "_"))))
    with pytest.raises(InputError, match="would both be called"):
        export.write_hdf5(replace(dataset, pairs=(first, twin)), tmp_path / "out")
