from __future__ import annotations

import os
from datetime import UTC, datetime

import numpy as np
import pytest

from generate.rasters import VRT, noise, s1_scene, s2_scene, write_image, write_tiff
from swath.errors import SensorError, SourceError
from swath.raster import read_chip
from swath.sources import cut, open_source
from swath.sources.folder import FolderSource


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "Bilder mit ü"
    write_image(root / "Forest" / "a.jpg")
    write_image(root / "Forest" / "b.png")
    write_image(root / "River" / "c.webp", 300, 200)
    s1_scene(root / "radar.tif", 64)
    s2_scene(root / "optical.TIFF", 64)
    write_tiff(root / "scene_label.tif", noise(1, 64, 64, "int16"))
    write_image(root / ".hidden" / "d.png")
    write_image(root / "._e.png")
    (root / "notes.txt").write_text("not an image")
    return root


def test_every_raster_is_a_scene(folder):
    source = open_source(folder)
    scenes = {scene.id: scene for scene in source.scenes()}
    assert list(scenes) == ["optical.TIFF", "radar.tif", "Forest/a.jpg", "Forest/b.png", "River/c.webp"]
    assert source.failures == []
    assert [scene.sensor for scene in scenes.values()] == ["s2-l2a", "s1-grd", "rgb", "rgb", "rgb"]
    assert scenes["Forest/a.jpg"].properties == {"name": "a", "folder": "Forest", "class": "Forest"}
    assert scenes["radar.tif"].properties == {"name": "radar"}
    assert scenes["Forest/a.jpg"].footprint is None
    assert scenes["radar.tif"].footprint is not None


def test_annotations_are_left_out_and_counted(folder):
    source = open_source(folder)
    list(source.scenes())
    assert source.skipped == {"excluded by *_label.*": 1}
    kept = open_source(folder, exclude=())
    list(kept.scenes())
    assert [failure.href.endswith("scene_label.tif") for failure in kept.failures] == [True]


def test_include_and_exclude_take_names_and_paths(folder):
    assert [s.id for s in open_source(folder, include=["*.png", "River/*"]).scenes()] == [
        "Forest/b.png",
        "River/c.webp",
    ]
    assert [s.id for s in open_source(folder, exclude=["Forest/*", "*.tif*", "*.TIFF"]).scenes()] == ["River/c.webp"]


def test_bad_files_are_recorded_and_the_rest_is_read(folder, tmp_path):
    (folder / "Forest" / "empty.jpg").touch()
    (folder / "Forest" / "text.tif").write_text("hello")
    (folder / "virtual.tif").write_text(VRT.format(target=folder / "radar.tif"))
    cut_short = folder / "cut.tif"
    cut_short.write_bytes((folder / "radar.tif").read_bytes()[:5000])
    write_tiff(folder / "five.tif", noise(5, 8, 8))
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    source = open_source(folder)
    assert len(list(source.scenes())) == 5
    reasons = {os.path.basename(failure.href): failure.reason for failure in source.failures}
    assert reasons.keys() == {"empty.jpg", "text.tif", "virtual.tif", "cut.tif", "five.tif", "gone.png"}
    assert "0 bytes" in reasons["empty.jpg"]
    assert "not recognized" in reasons["text.tif"]
    assert "VRT" in reasons["virtual.tif"]
    assert "damaged" in reasons["cut.tif"]
    assert "--sensor" in reasons["five.tif"]
    assert all(os.path.basename(failure.href) in failure.reason for failure in source.failures)


def test_links_out_of_the_folder_are_refused(folder, tmp_path):
    outside = write_image(tmp_path / "elsewhere" / "x.png")
    (folder / "x.png").symlink_to(outside)
    source = open_source(folder)
    assert "x.png" not in [scene.id for scene in source.scenes()]
    assert "links to a file outside" in source.failures[0].reason


def test_each_pass_has_an_account_of_its_own(folder):
    (folder / "empty.jpg").touch()
    source = open_source(folder)
    for _ in range(2):
        list(source.scenes())
        assert len(source.failures) == 1
        assert sum(source.skipped.values()) == 1


def test_ids_do_not_depend_on_how_the_folder_is_named(folder, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    spellings = [folder, str(folder) + "/", f"./{folder.name}", f"x/../{folder.name}", "link"]
    (tmp_path / "x").mkdir()
    ids = [tuple(chip.id for chip in cut(open_source(spelling))) for spelling in spellings]
    assert len(ids[0]) == 5 + 1
    assert len(set(ids)) == 1


def test_declared_sensor_rules(folder):
    grey = write_image(folder / "grey.png", mode="L")
    scenes = list(open_source(grey, sensor="rgb").scenes())
    assert scenes[0].sensor == "rgb"
    with pytest.raises(SensorError, match="unknown sensor"):
        open_source(folder, sensor="nope")
    source = open_source(folder, sensor="s1-grd")
    assert [scene.id for scene in source.scenes()] == ["radar.tif"]
    assert len(source.failures) == 5


def test_single_file_is_a_source(folder):
    chips = list(cut(open_source(folder / "River" / "c.webp"), 128))
    assert len(chips) == 6
    assert chips[0].scene.id == "c.webp"
    with pytest.raises(SourceError, match="no such file"):
        open_source(folder / "none.tif")


def test_declared_bands_serve_all_files(tmp_path):
    data = noise(2, 16, 16, "float32")
    write_tiff(tmp_path / "a.tif", data)
    chip = next(cut(open_source(tmp_path, bands=["VH", "VV"])))
    np.testing.assert_array_equal(read_chip(chip).data, data[::-1])


def test_date_comes_from_the_name_of_a_sentinel_product(tmp_path):
    s1_scene(tmp_path / "S1A_IW_GRDH_1SDV_20170613T165043_x.tif", 16)
    s1_scene(tmp_path / "S1A_IW_GRDH_1SDV_20171399T165043_x.tif", 16)
    dates = [scene.datetime for scene in open_source(tmp_path).scenes()]
    assert dates == [datetime(2017, 6, 13, 16, 50, 43, tzinfo=UTC), None]


def test_empty_folder_has_no_scenes(tmp_path):
    assert list(open_source(tmp_path).scenes()) == []


def test_a_folder_without_images_says_so(tmp_path):
    (tmp_path / "patches.npz").write_bytes(b"x")
    source = FolderSource(tmp_path)
    assert list(source.scenes()) == []
    assert "holds no image (.tif" in source.failures[0].reason


def test_a_folder_whose_images_were_left_out_has_no_failure(tmp_path):
    write_image(tmp_path / "a_mask.png")
    source = FolderSource(tmp_path)
    assert list(source.scenes()) == []
    assert source.failures == []


def test_scenes_are_counted_by_sensor_anew_each_pass(folder):
    source = open_source(folder)
    for _ in range(2):
        found = [scene.sensor for scene in source.scenes()]
    assert source.sensors == {sensor: found.count(sensor) for sensor in found}
    assert source.sensors["rgb"] == 3
