from __future__ import annotations

import numpy as np
import pytest

from generate.captions import class_folders, karpathy
from swath.data import read_dataset
from swath.errors import DataError


def test_splits_are_counted_and_kept_in_order(tmp_path):
    data = read_dataset(karpathy(tmp_path))
    assert data.splits == {"train": 4, "val": 4, "test": 4}
    test = data.split("test")
    assert [pair.name for pair in test] == ["airport_2.png", "beach_2.png", "forest_2.png", "harbor_2.png"]
    assert {pair.split for pair in test} == {"test"}


def test_unknown_split_lists_the_known(tmp_path):
    with pytest.raises(DataError, match=r"no split 'dev'.*train \(4\), val \(4\), test \(4\)"):
        read_dataset(karpathy(tmp_path)).split("dev")


def test_a_data_set_without_splits_says_so(tmp_path):
    data = read_dataset(class_folders(tmp_path))
    for name in ("train", ""):
        with pytest.raises(DataError, match="give a split file"):
            data.split(name)


def test_captions_know_their_image(tmp_path):
    data = read_dataset(karpathy(tmp_path))
    texts, owner = data.captions()
    assert len(texts) == 36
    assert owner.dtype == np.int64
    for text, index in zip(texts, owner, strict=True):
        assert text in data[index].captions
    assert np.array_equal(np.bincount(owner), [3] * 12)


def test_images_are_whole_and_stable(tmp_path):
    first, again = (read_dataset(karpathy(tmp_path)) for _ in range(2))
    assert [chip.id for chip in first.images()] == [chip.id for chip in again.images()]
    assert len({chip.id for chip in first.images()}) == len(first) == 12
    chip = first[0].chip
    assert chip.window.to_list() == [0, 0, 64, 64]
    assert chip.scene.id == "airport_0.png"
    assert chip.scene.sensor == "rgb"
    assert [layer.index for layer in chip.scene.layers] == [1, 2, 3]
