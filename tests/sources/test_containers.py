from __future__ import annotations

import numpy as np
import pytest

from generate.crisislandmark import KEYS, write_corpus, write_metadata
from swath.errors import SourceError
from swath.raster import read_chip
from swath.sources import cut, open_source

SIDE = 24


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"), SIDE)


def test_a_folder_in_the_published_layout_is_a_source(corpus):
    source = open_source(corpus)
    chips = list(cut(source, SIDE))
    assert [chip.scene.id for chip in chips] == list(KEYS)
    assert not source.failures
    assert chips[0].scene.properties == {"split": "train", "labels": ["Coniferous forest", "Water bodies"]}
    assert {read_chip(chip).sensor.name for chip in chips} == {"s1-grd", "s1-grd-linear", "s2-l2a"}
    assert all(chip.footprint is not None and chip.scene.datetime is not None for chip in chips)


def test_one_shard_is_a_source_of_its_own_images(corpus):
    scenes = list(open_source(corpus / "mmflood.h5").scenes())
    assert [(scene.id, scene.properties["labels"]) for scene in scenes] == [("mmflood_two", ["Flooded Area"])]


def test_broken_images_are_listed_and_stop_nothing(tmp_path):
    folder = write_corpus(tmp_path, SIDE)
    (folder / "cabuar.h5").unlink()
    rows = {key: (split, labels) for key, (_, split, labels) in KEYS.items()}
    write_metadata(folder, rows | {"mmflood_gone": ("corpus", ["Flooded Area"])})
    source = open_source(folder)
    assert len(list(cut(source, SIDE))) == len(KEYS) - 1
    reasons = [failure.reason for failure in source.failures]
    assert len(reasons) == 2
    assert "links to cabuar.h5, which is not there" in reasons[0]
    assert "has no key 'mmflood_gone'" in reasons[1]


def test_shards_without_the_file_that_links_them_need_a_name(tmp_path):
    folder = write_corpus(tmp_path, SIDE)
    (folder / "crisislandmark.h5").rename(folder / "main.h5")
    assert len(list(open_source(folder).scenes())) == len(KEYS)
    (folder / "main.h5").unlink()
    with pytest.raises(SourceError, match=r"has 6 HDF5 files, .* name the file"):
        open_source(folder)


def test_a_numpy_archive_is_a_source(tmp_path):
    np.savez(tmp_path / "p.npz", x=np.ones((3, 8, 8, 12), dtype=np.uint16))
    scenes = list(open_source(tmp_path / "p.npz").scenes())
    assert [(scene.id, scene.sensor) for scene in scenes] == [("0", "s2-l2a"), ("1", "s2-l2a"), ("2", "s2-l2a")]


def test_bands_in_another_order_are_named(tmp_path):
    image = np.stack([np.full((8, 8), -20.0), np.full((8, 8), -10.0)]).astype(np.float32)
    np.savez(tmp_path / "p.npz", x=image[None])
    chip = next(iter(cut(open_source(tmp_path / "p.npz", bands=("VH", "VV")), 8)))
    assert read_chip(chip).data[:, 0, 0].tolist() == [-10.0, -20.0]


def test_damaged_metadata(tmp_path):
    folder = write_corpus(tmp_path, SIDE)
    (folder / "metadata.parquet").write_text("no table")
    with pytest.raises(SourceError, match=r"metadata.parquet: cannot be read as Parquet"):
        list(open_source(folder).scenes())


@pytest.mark.data
def test_real_patches(shared_data):
    chips = list(cut(open_source(shared_data / "s2_patches_12band" / "patches.npz"), 64))
    assert len(chips) == 198
    found = read_chip(chips[100])
    assert (found.data.shape, found.sensor.name, found.valid_share) == ((12, 64, 64), "s2-l2a", 1.0)
    assert 500 < float(np.median(found.data)) < 5000
