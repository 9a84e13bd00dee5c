from __future__ import annotations

import io
import json
import tarfile

import pytest

from generate.captions import karpathy, picture, save
from swath.data import read_dataset
from swath.data.webdataset import write_shards
from swath.errors import DataError


def shard(path, members):
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if data is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(info)
            else:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def png(tmp_path):
    return save(tmp_path / "one.png", picture(1)).read_bytes()


def test_written_and_read_back(tmp_path):
    data = read_dataset(karpathy(tmp_path / "set"))
    shards = write_shards(data, tmp_path / "shards", per_shard=3)
    assert [path.name for path in shards] == [f"{s}-{n:06d}.tar" for s in ("train", "val", "test") for n in (0, 1)]
    again = read_dataset(tmp_path / "shards")
    assert again.splits == {"train": 4, "val": 4, "test": 4} | again.splits
    by_caption = sorted((pair.split, pair.labels, pair.captions) for pair in again)
    assert by_caption == sorted((pair.split, pair.labels, pair.captions) for pair in data)
    images = tmp_path / "shards.images"
    assert (images / "test-000000-000000.png").read_bytes() == (
        tmp_path / "set" / "images" / "airport_2.png"
    ).read_bytes()


def test_txt_cls_and_json(tmp_path, png):
    members = [
        ("./a.png", png),
        ("./a.txt", b"one .\ntwo ."),
        ("./a.cls", b"sea"),
        ("b.png", png),
        ("b.json", json.dumps({"caption": "three .", "location": [1, 2], "long_captions": ["more ."]}).encode()),
    ]
    data = read_dataset(shard(tmp_path / "train-000.tar", members))
    assert [(pair.captions, pair.labels, pair.split) for pair in data] == [
        (("one .", "two ."), ("sea",), "train"),
        (("three .",), (), "train"),
    ]
    assert data[1].location == (1.0, 2.0)
    assert data[1].long_captions == ("more .",)


def test_a_shard_that_breaks_off_keeps_what_came_before(tmp_path, png):
    members = [(f"{n}.{kind}", png if kind == "png" else b"one .") for n in range(4) for kind in ("png", "txt")]
    path = shard(tmp_path / "train-000.tar", members)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    data = read_dataset(path)
    assert 1 <= len(data) < 4
    assert [failure.kind for failure in data.failures] == ["damaged shard"]
    path.write_bytes(b"\0garbage" * 200)
    with pytest.raises(DataError, match=r"holds no sample: .*breaks off"):
        read_dataset(path)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("../evil.png", b"x")], r"'../evil.png' is refused"),
        ([("a.png", None)], "'a.png' is refused"),
        ([("a.txt", b"one .")], r"sample 'a': a caption without image \(members: \.txt\); add one of"),
        ([("a.png", b"x"), ("a.json", b"{")], "its .json is not valid"),
        ([("a.png", b"x"), ("a.json", b"[1]")], "must be an object"),
        ([("a.png", b"x"), ("a.txt", b"caf\xe9")], "not UTF-8"),
        ([("a.png", b"x"), ("b.png", b"x"), ("a.png", b"x")], "'a.png' is there twice"),
    ],
)
def test_broken_shards(tmp_path, members, message):
    (tmp_path / "in").mkdir()
    path = shard(tmp_path / "in" / "train.tar", members)
    with pytest.raises(DataError, match=message):
        read_dataset(path)
    assert not (tmp_path / "in" / "evil.png").exists()


def test_a_broken_image_in_a_shard_is_recorded(tmp_path, png):
    members = [("a.png", png), ("a.txt", b"one ."), ("b.png", b"no image"), ("b.txt", b"two .")]
    data = read_dataset(shard(tmp_path / "x.tar", members))
    assert len(data) == 1
    assert [(failure.kind, failure.name) for failure in data.failures] == [("unreadable image", "b.png")]
