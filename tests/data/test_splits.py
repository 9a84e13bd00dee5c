from __future__ import annotations

import json

import pytest

from generate.captions import class_folders
from swath.data import read_dataset
from swath.errors import DataError


@pytest.fixture
def folders(tmp_path):
    return class_folders(tmp_path / "set")


def test_json_and_csv_by_any_form_of_the_name(folders, tmp_path):
    file = tmp_path / "splits.json"
    file.write_text(json.dumps({"train": ["airport/airport_0.jpg", "beach_0.jpg"], "test": ["forest_1"]}))
    data = read_dataset(folders, split_file=file)
    assert data.splits == {"train": 2, "test": 1}
    assert [pair.name for pair in data.split("test")] == ["forest/forest_1.jpg"]
    table = tmp_path / "splits.csv"
    table.write_text("filename,split\nairport/airport_0.jpg,train\nbeach_0.jpg,train\nforest_1,test\n")
    assert read_dataset(folders, split_file=table).pairs == data.pairs


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.json", '{"train": ["a"], "test": ["a"]}', "'a' in two splits"),
        ("s.json", '["a"]', "must map each split"),
        ("s.json", "{", "not valid JSON"),
        ("s.json", "{}", "lists no image"),
        ("s.json", '{"train": ["zebra"]}', "lists none of the 8 images"),
        ("s.csv", "file,part\na,b\n", "needs the columns filename and split"),
    ],
)
def test_broken_split_files(folders, tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_dataset(folders, split_file=tmp_path / name)


def test_missing_split_file(folders, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_dataset(folders, split_file=tmp_path / "none.json")
