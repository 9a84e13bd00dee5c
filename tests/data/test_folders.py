from __future__ import annotations

import pytest

from generate.captions import CLASSES, class_folders, picture, save
from swath.data import read_dataset
from swath.errors import DataError


def test_labels_are_the_folders(tmp_path):
    data = read_dataset(class_folders(tmp_path / "set"))
    assert data.name == "set"
    assert [pair.labels for pair in data] == [(label,) for label in CLASSES for _ in range(2)]
    assert data[0].name == "airport/airport_0.jpg"
    assert data[0].captions == ()


def test_split_folders_above_the_classes(tmp_path):
    for split in ("train", "test"):
        class_folders(tmp_path / split)
    data = read_dataset(tmp_path)
    assert data.splits == {"test": 8, "train": 8}
    assert data.split("train")[0].name == "train/airport/airport_0.jpg"


def test_hidden_folders_and_other_files_are_not_images(tmp_path):
    class_folders(tmp_path)
    save(tmp_path / ".cache" / "x.jpg", picture(1))
    (tmp_path / "beach" / "notes.txt").write_text("no image")
    assert len(read_dataset(tmp_path)) == 8


def test_images_option_has_no_meaning_here(tmp_path):
    with pytest.raises(DataError, match="leave out images="):
        read_dataset(class_folders(tmp_path), images=tmp_path)


def test_empty_folder_is_no_data_set(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="not a data set in a layout that swath knows"):
        read_dataset(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        read_dataset(tmp_path / "nowhere")


def test_layout_can_be_named(tmp_path):
    class_folders(tmp_path)
    assert len(read_dataset(tmp_path, layout="folders")) == 8
    with pytest.raises(DataError, match="unknown layout 'coco'"):
        read_dataset(tmp_path, layout="coco")
    with pytest.raises(DataError, match="karpathy:"):
        read_dataset(tmp_path, layout="karpathy")
