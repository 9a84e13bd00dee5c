from __future__ import annotations

import pytest

from generate.captions import captions, picture, save
from swath.data import read_dataset
from swath.errors import DataError


def write(folder, split, rows):
    (folder / f"{split}_caps.txt").write_text("".join(f"{text}\n" for _, text in rows))
    (folder / f"{split}_filename.txt").write_text("".join(f"{name}\n" for name, _ in rows))


@pytest.fixture
def lists(tmp_path):
    for number, name in enumerate(("a.tif", "b.tif", "c.tif")):
        save(tmp_path / "images" / name, picture(number))
    write(tmp_path, "train", [(name, text) for name in ("a.tif", "b.tif") for text in captions("beach")])
    write(tmp_path, "test", [("c.tif", text) for text in captions("forest")])
    return tmp_path


def test_prefixes_are_splits(lists):
    data = read_dataset(lists)
    assert data.splits == {"test": 1, "train": 2}
    assert data.split("train")[1].captions == tuple(captions("beach"))
    assert len(read_dataset(lists / "train_caps.txt")) == 2


def test_blank_captions_are_recorded(lists):
    write(lists, "train", [("a.tif", "one ."), ("a.tif", "  "), ("b.tif", "two ."), ("b.tif", "")])
    data = read_dataset(lists)
    assert [(failure.kind, failure.name, failure.message) for failure in data.failures] == [
        ("empty caption", "a.tif", "caption 2 of 2 is blank"),
        ("empty caption", "b.tif", "caption 2 of 2 is blank"),
    ]
    assert [pair.captions for pair in data.split("train")] == [("one .",), ("two .",)]


def test_lengths_must_match(lists):
    (lists / "train_filename.txt").write_text("a.tif\n")
    with pytest.raises(DataError, match=r"has 6 lines, train_filename.txt 1"):
        read_dataset(lists)


def test_partner_must_exist(lists):
    (lists / "test_filename.txt").unlink()
    with pytest.raises(DataError, match=r"no partner test_filename.txt"):
        read_dataset(lists)


def test_caption_without_image(lists):
    write(lists, "train", [("a.tif", "one ."), ("", "two .")])
    with pytest.raises(DataError, match=r"line 2: a caption without image: 'two .'; name its image"):
        read_dataset(lists)


def test_image_in_two_splits(lists):
    write(lists, "test", [("a.tif", "one .")])
    with pytest.raises(DataError, match="in two splits, 'test' and 'train'"):
        read_dataset(lists)


def test_windows_line_ends_and_bom(lists):
    (lists / "test_caps.txt").write_bytes(b"\xef\xbb\xbfone .\r\ntwo .\r\n")
    (lists / "test_filename.txt").write_bytes(b"c.tif\r\nc.tif\r\n")
    assert read_dataset(lists).split("test")[0].captions == ("one .", "two .")


def test_other_encodings_are_refused(lists):
    (lists / "test_caps.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(DataError, match="not UTF-8"):
        read_dataset(lists)


def test_empty_lists(tmp_path):
    write(tmp_path, "train", [])
    with pytest.raises(DataError, match="lists are empty"):
        read_dataset(tmp_path)
