from __future__ import annotations

import json

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pytest

from generate.rasters import ORIGIN, s1_scene, s2_bands, write_tiff
from swath.corpus.landmark import (
    LabelList,
    LabelRasters,
    Options,
    build,
    read_system,
    vocabulary,
    write_hdf5,
    write_landmark,
)
from swath.data import read_dataset
from swath.errors import DataError, InputError
from swath.raster import read_chip
from swath.sources import cut, open_source

UNIFIED = vocabulary()
SIDE = 32


def system(name):
    return read_system(name, UNIFIED)


def mask(path, share, **options):
    """A flood mask with water in the upper `share`."""
    codes = np.zeros((1, SIDE, SIDE), dtype=np.int16)
    codes[:, : round(SIDE * share)] = 1
    return write_tiff(path, codes, **options)


@pytest.fixture
def scenes(tmp_path):
    """Four scenes side by side with 0, 1/4, 1/2 and all of them under water."""
    for number, share in enumerate((0.0, 0.25, 0.5, 1.0)):
        place = (ORIGIN[0] + 10_000 * number, ORIGIN[1])
        s1_scene(tmp_path / "images" / f"scene{number}_S1.tif", SIDE, seed=number, origin=place)
        mask(tmp_path / "masks" / f"scene{number}_label.tif", share, origin=place)
    return tmp_path


def chips(folder, size=SIDE):
    return list(cut(open_source(folder), size))


def test_round_trip(scenes):
    table = scenes / "out" / "corpus.parquet"
    table.parent.mkdir()
    report = write_landmark(
        chips(scenes / "images"),
        table,
        [LabelRasters(scenes / "masks", system("sen1floods11"))],
        Options(captions=("joined", "sentence"), long=True, licence="CC0", dataset="floods"),
    )
    assert report.summary.labels == {"Flooded Area": 3}
    assert report.summary.left_out == {build.BELOW: 1}
    rows = pq.read_table(table).to_pylist()
    assert [row["shares"][0]["share"] for row in rows] == [0.25, 0.5, 1.0]
    assert rows[0]["captions"][0] == "flooded area"
    assert "flooded land" in rows[0]["captions"][1]
    assert "25 percent" in rows[0]["long_captions"][0]
    dataset = read_dataset(table)
    assert [pair.name for pair in dataset] == [f"scene{number}_S1.tif" for number in (1, 2, 3)]
    assert not dataset.failures
    first = dataset[0]
    assert (first.labels, first.provenance["dataset"]) == (("Flooded Area",), "floods")
    assert first.chip.id == chips(scenes / "images")[1].id
    read_chip(first.chip)
    assert len(geopandas.read_parquet(table).geometry.dropna()) == 3
    summary = json.loads((table.parent / "corpus.summary.json").read_text())
    assert (summary["images"], summary["systems"]) == (3, ["sen1floods11"])


def long_captions(scenes, *sources):
    table = scenes / "long.parquet"
    write_landmark(chips(scenes / "images"), table, sources, Options(long=True))
    return {row["image"][:6]: row["long_captions"][0] for row in pq.read_table(table).to_pylist()}


def test_shares_of_a_part_are_not_told_as_shares_of_the_image(scenes):
    codes = np.full((1, SIDE, SIDE), -1, dtype=np.int16)
    codes[:, :8], codes[:, 8:16] = 1, 0
    write_tiff(scenes / "masks" / "scene2_label.tif", codes, origin=(ORIGIN[0] + 20_000, ORIGIN[1]))
    texts = long_captions(scenes, LabelRasters(scenes / "masks", system("sen1floods11")))
    assert "25 percent of the image" in texts["scene1"]
    assert "percent" not in texts["scene2"]  # half of it is not known
    assert "flooded land" in texts["scene2"].lower()


def test_shares_on_which_sources_differ_are_not_told(scenes):
    mask(scenes / "others" / "scene1_label.tif", 0.5, origin=(ORIGIN[0] + 10_000, ORIGIN[1]))
    mask(scenes / "others" / "scene2_label.tif", 0.5, origin=(ORIGIN[0] + 20_000, ORIGIN[1]))
    found = [LabelRasters(scenes / name, system("sen1floods11")) for name in ("masks", "others")]
    texts = long_captions(scenes, *found)
    assert "percent" not in texts["scene1"]
    assert "50 percent of the image" in texts["scene2"]


def test_an_image_is_not_its_own_label(scenes):
    """A name without the part that is replaced finds nothing, also where images and masks lie in one folder."""
    for file in (scenes / "masks").iterdir():
        file.rename(scenes / "images" / file.name)
    images = [chip for chip in chips(scenes / "images") if chip.scene.sensor == "s1-grd"]
    source = LabelRasters(scenes / "images", system("sen1floods11"), ("_S2", "_label"))
    with pytest.raises(DataError, match=build.UNLABELLED):
        write_landmark(images, scenes / "corpus.parquet", [source])


def test_windows_of_a_scene_keep_their_names(scenes):
    table = scenes / "corpus.parquet"
    write_landmark(chips(scenes / "images", 16), table, [LabelRasters(scenes / "masks", system("sen1floods11"))])
    dataset = read_dataset(table)
    assert len(dataset) == 2 + 2 + 4
    assert dataset[0].name == "scene1_S1.tif#0_0_16_16"
    assert dataset[0].chip.window.to_list() == [0, 0, 16, 16]


def test_a_product_of_several_files_is_read_back(tmp_path):
    s2_bands(tmp_path / "images", 60, stem="S2A_MSIL2A_20200101T101031_")
    codes = np.full((1, 60, 60), 312, dtype=np.uint16)
    codes[:, :20], codes[:, 20:24] = 211, 0
    write_tiff(tmp_path / "clc.tif", codes, nodata=0)
    table = tmp_path / "corpus.parquet"
    write_landmark(
        chips(tmp_path / "images", 60),
        table,
        [LabelRasters(tmp_path / "clc.tif", system("corine"))],
        Options(split="none"),
    )
    pair = read_dataset(table)[0]
    assert pair.captions == ("trees. crops",)
    assert read_chip(pair.chip).data.shape == (12, 60, 60)


def test_thresholds_and_several_sources(scenes):
    listed = scenes / "cover.csv"
    listed.write_text("image,labels\nscene0_S1,Forest;River\nscene2_S1.tif,Pasture\n")
    table = scenes / "corpus.parquet"
    report = write_landmark(
        chips(scenes / "images"),
        table,
        [LabelRasters(scenes / "masks", system("sen1floods11")), LabelList(listed, system("eurosat"))],
        Options(thresholds={"Flooded Area": 0.6}),
    )
    labels = {row["image"][:6]: row["labels"] for row in pq.read_table(table).to_pylist()}
    assert labels == {"scene0": ["Trees", "Water"], "scene2": ["Grass"], "scene3": ["Flooded Area"]}
    assert report.summary.left_out == {build.BELOW: 1}


def test_pairing_by_name_needs_no_georeference(scenes):
    for file in (scenes / "masks").iterdir():
        file.unlink()
    mask(scenes / "masks" / "scene2_label.tif", 0.5, crs=None)
    table = scenes / "corpus.parquet"
    source = LabelRasters(scenes / "masks", system("sen1floods11"), ("_S1", "_label"))
    report = write_landmark(chips(scenes / "images"), table, [source])
    assert [pair.name for pair in read_dataset(table)] == ["scene2_S1.tif"]
    assert report.summary.left_out == {build.UNLABELLED: 3}


def test_two_rasters_of_one_name_are_no_answer(scenes):
    mask(scenes / "masks" / "copy" / "scene2_label.tif", 1.0)
    source = LabelRasters(scenes / "masks", system("sen1floods11"), ("_S1", "_label"))
    report = write_landmark(chips(scenes / "images"), scenes / "corpus.parquet", [source])
    assert report.summary.left_out == {build.BELOW: 1, build.FAILED: 1}
    assert "are both called scene2_label.tif" in report.summary.failures[0]


def test_bad_chips_are_left_out_and_named(scenes):
    s1_scene(scenes / "images" / "empty_S1.tif", SIDE)
    write_tiff(
        scenes / "images" / "empty_S1.tif",
        np.full((2, SIDE, SIDE), np.nan, dtype=np.float32),
        descriptions=("VV", "VH"),
    )
    images = list(cut(open_source(scenes / "images", sensor="s1-grd"), SIDE))
    write_tiff(
        scenes / "masks" / "scene1_label.tif",
        np.full((1, SIDE, SIDE), -1, dtype=np.int16),
        origin=(ORIGIN[0] + 10_000, ORIGIN[1]),
    )
    write_tiff(
        scenes / "masks" / "scene2_label.tif",
        np.full((1, SIDE, SIDE), 7, dtype=np.int16),
        origin=(ORIGIN[0] + 20_000, ORIGIN[1]),
    )
    table = scenes / "corpus.parquet"
    report = write_landmark(images, table, [LabelRasters(scenes / "masks", system("sen1floods11"))])
    assert report.summary.left_out == {build.EMPTY: 1, build.BELOW: 1, build.UNLABELLED: 1, build.FAILED: 1}
    assert "unknown class 7 of label system 'sen1floods11'" in report.summary.failures[0]
    assert report.summary.images == 1


def test_nothing_labelled_is_an_error_and_leaves_nothing(scenes):
    table = scenes / "corpus.parquet"
    elsewhere = mask(scenes / "elsewhere.tif", 1.0, origin=(500_000.0, 0.0))
    with pytest.raises(DataError, match="none of 4 chips gets a label"):
        write_landmark(chips(scenes / "images"), table, [LabelRasters(elsewhere, system("sen1floods11"))])
    assert not table.exists()
    assert not table.with_name("corpus.parquet.parts").exists()


def test_a_scene_that_is_held_out_may_have_no_label(scenes):
    found = chips(scenes / "images")
    options = Options(held_out={"test": ("scene0*",), "val": ("scene3*",)}, fractions={"train": 1.0})
    report = write_landmark(
        found, scenes / "corpus.parquet", [LabelRasters(scenes / "masks", system("sen1floods11"))], options
    )
    assert report.summary.left_out == {build.BELOW: 1}
    assert report.summary.splits == {"train": 2, "val": 1}


def test_an_interrupted_run_goes_on(scenes, monkeypatch):
    monkeypatch.setattr(build, "PART_ROWS", 2)
    images, source = chips(scenes / "images"), LabelRasters(scenes / "masks", system("sen1floods11"))
    table = scenes / "corpus.parquet"

    def stop(done, total, rate):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_landmark(images, table, [source], progress=stop)
    assert not table.exists()
    report = write_landmark(images, table, [source])
    assert (report.present, report.written, report.summary.images) == (2, 2, 3)
    summary = table.with_name("corpus.summary.json")
    before = summary.read_bytes()
    summary.unlink()  # a kill right after the table appeared
    again = write_landmark(images, table, [source])
    assert (again.written, again.summary) == (0, report.summary)
    assert summary.read_bytes() == before
    with pytest.raises(InputError, match="exists and was not made from the same"):
        write_landmark(images, table, [source], Options(seed=1))


def test_blocks_need_places(scenes):
    for file in (scenes / "images").iterdir():
        file.unlink()
    s1_scene(scenes / "images" / "a_S1.tif", SIDE, crs=None)
    listed = scenes / "cover.csv"
    listed.write_text("image,label\na_S1,Forest\n")
    with pytest.raises(InputError, match="blocks need footprints, but 1 images have none"):
        write_landmark(
            chips(scenes / "images"),
            scenes / "c.parquet",
            [LabelList(listed, system("eurosat"))],
            Options(split="blocks"),
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,area\na,1\n", "has the columns image, area; it needs one of labels"),
        ("name,label\na,Forest\n", "it needs one of image"),
        ("image,label\na,Wood\n", "row 1: unknown label 'Wood' of system 'eurosat'"),
        ("image,label\n,Forest\n", "row 1: column 'image' names no image"),
        ("image,label\n", "must be a table"),
    ],
)
def test_broken_lists(tmp_path, text, message):
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        LabelList(path, system("eurosat"))


def test_options_are_checked():
    for options, message in (
        (Options(threshold=2.0), "must be a share"),
        (Options(thresholds={"Wood": 0.1}), "unknown label 'Wood'"),
        (Options(captions=()), "needs captions"),
        (Options(fractions={"train": 0.5}), "sum to 1"),
    ):
        with pytest.raises(InputError, match=message):
            options.check(UNIFIED.labels)


@pytest.mark.data
def test_real_reference_map_under_a_radar_scene(shared_data, tmp_path):
    """BigEarthNet's CORINE map, laid under a scene in degrees around it."""
    from swath.raster import describe, footprint

    clc = next((shared_data / "bigearthnet_sample").rglob("*_reference_map.tif"))
    west, south, _, north = footprint(describe(str(clc))).bbox
    s1_scene(tmp_path / "a_S1.tif", 100, crs="EPSG:4326", metres=(north - south) / 100, origin=(west, north))
    table = tmp_path / "corpus.parquet"
    write_landmark(chips(tmp_path, 100), table, [LabelRasters(clc, system("corine"))], Options(split="none"))
    row = pq.read_table(table).to_pylist()[0]
    assert row["labels"] == ["Trees", "Crops", "Grass"]
    assert sum(item["share"] for item in row["shares"]) == pytest.approx(1.0)


@pytest.mark.data
def test_real_labels_of_patches(shared_data, tmp_path):
    """EuroSAT classes of Sentinel-2 patches, by row: half of them held out."""
    folder = shared_data / "s2_patches_12band"
    labels = LabelList(folder / "labels.json", system("eurosat"))
    table = tmp_path / "corpus.parquet"
    options = Options(captions=("classes",), fractions={"train": 0.5, "test": 0.5})
    report = write_landmark(chips(folder / "patches.npz", 64), table, [labels], options)
    assert report.summary.splits == {"train": 99, "test": 99}
    assert report.summary.imbalance < 0.05
    assert "geometry" not in pq.read_schema(table).names
    test = read_dataset(table, sensor="s2-l2a").split("test")
    assert any("sea or lake" in pair.captions[0] for pair in test)
    assert read_chip(test[0].chip).data.shape == (12, 64, 64)


@pytest.mark.data
def test_real_patches_of_the_world(shared_data, tmp_path):
    """12 and 13 bands, in many projections: into HDF5 and back."""
    listed = tmp_path / "l.csv"
    listed.write_text("image,label\npatch_25630,Snow and Ice\npatch_252161,Shrub and Scrub\nSeaLake_3000,Water\n")
    table = tmp_path / "source" / "corpus.parquet"
    source = LabelList(listed, system("unified"))
    images = chips(shared_data / "world_s2_12band", 256)
    assert len(images) == 17
    write_landmark(images, table, [source], Options(split="none"))
    assert write_hdf5(read_dataset(table), tmp_path / "h").images == 3
    found = {pair.name: pair for pair in read_dataset(tmp_path / "h")}
    assert {pair.chip.scene.sensor for pair in found.values()} == {"s2-l2a", "s2-l1c"}
    assert found["patch_25630"].location == pytest.approx((-50.79, 73.82), abs=0.05)
    assert found["patch_25630"].captions == ("snow and ice",)


@pytest.mark.data
def test_real_patch_pair_of_bigearthnet(shared_data, tmp_path):
    """Both sensors come as one file a band; CORINE's names of the classes."""
    listed = tmp_path / "l.csv"
    names = ("S1A_IW_GRDH_1SDV_20170613T165043_33UUP_70_48", "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_75_43")
    listed.write_text("image,labels\n" + "".join(f"{name},Coniferous forest;Pastures\n" for name in names))
    table = tmp_path / "corpus.parquet"
    images = chips(shared_data / "bigearthnet_sample", 120)
    write_landmark(images, table, [LabelList(listed, system("corine"))], Options(split="none"))
    write_hdf5(read_dataset(table), tmp_path / "h")
    found = {pair.chip.scene.sensor: pair for pair in read_dataset(tmp_path / "h")}
    assert set(found) == {"s1-grd", "s2-l2a"}
    assert found["s1-grd"].captions == ("trees. grass",)
    assert -30 < float(np.median(read_chip(found["s1-grd"].chip).data)) < -5
    assert 100 < float(np.median(read_chip(found["s2-l2a"].chip).data)) < 5000


@pytest.mark.data
def test_real_floods(shared_data, tmp_path):
    scenes = [chip for chip in chips(shared_data / "floods_s1", 512) if chip.scene.sensor == "s1-grd"]
    source = LabelRasters(shared_data / "floods_s1" / "*_label.tif", system("sen1floods11"), ("_S1", "_label"))
    table = tmp_path / "corpus.parquet"
    report = write_landmark(scenes, table, [source], Options(split="blocks"))
    assert report.summary.images + sum(report.summary.left_out.values()) == 7
    assert report.summary.labels == {"Flooded Area": report.summary.images}
    assert not report.summary.failures


@pytest.mark.data
def test_real_floods_by_scene(shared_data, tmp_path):
    """Scenes held out whole; dry chips have a caption of their own; chips without data are left out."""
    source = LabelRasters(shared_data / "floods_s1" / "*_label.tif", system("sen1floods11"), ("_S1", "_label"))
    images = list(cut(open_source(shared_data / "floods_s1", include=("*_S1.tif",)), 128))
    options = Options(without="dry land", fractions={"train": 1.0}, held_out={"test": ("Mekong_*", "USA_*")})
    report = write_landmark(images, tmp_path / "c.parquet", [source], options)
    assert report.summary.splits == {"train": 80, "test": 32}
    assert not report.summary.failures
    test = read_dataset(tmp_path / "c.parquet", sensor="s1-grd").split("test")
    assert {pair.name.partition("_")[0] for pair in test} == {"Mekong", "USA"}
    assert {pair.captions[0] for pair in test} == {"flooded area", "dry land"}
    nigeria = [pair for pair in read_dataset(tmp_path / "c.parquet") if pair.name.startswith("Nigeria")]
    assert any(not read_chip(pair.chip).valid.all() for pair in nigeria)
