from __future__ import annotations

import numpy as np
import pytest
import shapely

from generate.rasters import noise, s1_scene, s2_bands, write_image, write_tiff
from swath.errors import InputError
from swath.raster import describe, footprint, read_chip
from swath.sources import cut, cut_scene, open_source


def test_chips_cover_the_scene_and_know_their_place(tmp_path):
    path = s1_scene(tmp_path / "a.tif", 200)
    chips = list(cut(open_source(path), 128))
    assert [chip.window.to_list() for chip in chips] == [
        *[[0, 0, 128, 128], [72, 0, 128, 128], [0, 72, 128, 128], [72, 72, 128, 128]]
    ]
    union = shapely.union_all([chip.footprint.geometry for chip in chips])
    whole = footprint(describe(str(path))).geometry
    assert union.symmetric_difference(whole).area < 1e-5 * whole.area
    assert len({chip.id for chip in chips}) == 4


def test_stride_overlaps(tmp_path):
    path = write_image(tmp_path / "a.png", 256, 256)
    assert len(list(cut(open_source(path), 128, 64))) == 9
    with pytest.raises(InputError):
        list(cut(open_source(path), 128, 200))


def test_small_images_are_one_chip(tmp_path):
    chips = list(cut(open_source(write_image(tmp_path / "a.png", 100, 60)), 256))
    assert [chip.window.to_list() for chip in chips] == [[0, 0, 100, 60]]
    assert chips[0].footprint is None


def test_windows_count_on_the_finest_grid(tmp_path):
    s2_bands(tmp_path, 240, "p_")
    chips = list(cut(open_source(tmp_path), 120))
    assert len(chips) == 4
    assert read_chip(chips[3]).data.shape == (12, 120, 120)


def test_empty_chips_are_left_out_and_counted_on_request(tmp_path):
    data = noise(2, 64, 64, "float32")
    data[:, :, 32:] = np.nan
    write_tiff(tmp_path / "a.tif", data, descriptions=("VV", "VH"))
    source = open_source(tmp_path)
    assert len(list(cut(source, 32))) == 4
    assert len(list(cut(source, 32, min_valid=0.5))) == 2
    assert source.skipped == {"chips with less than 50% valid pixels": 2}
    assert source.failures == []


def test_scene_that_vanishes_is_a_failure_and_the_next_follows(tmp_path):
    first, second = s1_scene(tmp_path / "a.tif", 16), s1_scene(tmp_path / "b.tif", 16)
    source = open_source(tmp_path)
    found = []
    for scene in source.scenes():
        found.append(scene)
        first.unlink(missing_ok=True)
    assert len(found) == 2

    class Listed(type(source)):
        def _scenes(self):
            yield from found

    listed = Listed(tmp_path)
    assert [chip.scene.id for chip in cut(listed)] == ["b.tif"]
    assert "a.tif: no such file" in listed.failures[0].reason
    assert second.exists()


def test_wrong_georeference_is_a_failure(tmp_path):
    write_tiff(tmp_path / "a.tif", noise(3, 32, 32), crs="EPSG:4326", metres=10, origin=(400_000, 3_800_000))
    source = open_source(tmp_path)
    assert list(cut(source)) == []
    assert "do not fit the CRS" in source.failures[0].reason


def test_one_scene_is_cut_alone(tmp_path):
    scene = next(open_source(s1_scene(tmp_path / "a.tif", 64)).scenes())
    assert len(cut_scene(scene, 32)) == 4
