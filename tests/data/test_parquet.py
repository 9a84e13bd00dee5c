from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generate.captions import karpathy, picture, save
from swath.data import read_dataset
from swath.data.parquet import write_parquet
from swath.errors import DataError


def content(data):
    return [(pair.name, pair.captions, pair.long_captions, pair.labels, pair.split, pair.location) for pair in data]


@pytest.mark.parametrize("embed", [False, True])
def test_written_and_read_back(tmp_path, embed):
    data = read_dataset(karpathy(tmp_path))
    file = tmp_path / "pairs.parquet"
    write_parquet(data, file, embed_images=embed)
    again = read_dataset(file)
    assert content(again) == content(data)
    assert again[0].provenance["dataset"] == "tiny"
    unpacked = tmp_path / "pairs.parquet.images"
    assert unpacked.is_dir() == embed
    if embed:
        assert (unpacked / "beach_1.png").read_bytes() == (tmp_path / "images" / "beach_1.png").read_bytes()


def test_unpacking_goes_where_told_and_happens_once(tmp_path):
    data = read_dataset(karpathy(tmp_path))
    write_parquet(data, tmp_path / "p.parquet", embed_images=True)
    read_dataset(tmp_path / "p.parquet", unpack=tmp_path / "cache")
    first = (tmp_path / "cache" / "beach_1.png").stat().st_mtime_ns
    read_dataset(tmp_path / "p.parquet", unpack=tmp_path / "cache")
    assert (tmp_path / "cache" / "beach_1.png").stat().st_mtime_ns == first
    assert not (tmp_path / "p.parquet.images").exists()


def test_hugging_face_folder_with_bare_bytes(tmp_path):
    save(tmp_path / "a.png", picture(1))
    table = pa.table({"image": [(tmp_path / "a.png").read_bytes()], "text": ["one ."]})
    (tmp_path / "data").mkdir()
    pq.write_table(table, tmp_path / "data" / "train-00000-of-00001.parquet")
    (pair,) = read_dataset(tmp_path, unpack=tmp_path / "cache")
    assert pair.split == "train"
    assert pair.name == "train-00000-of-00001-000001.png"
    assert pair.captions == ("one .",)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"image": [{"bytes": None, "path": "a.png"}], "text": ["one ."]},
            "row 1: a caption without image .*; fill it in",
        ),
        ({"image": [{"bytes": b"x", "path": "../../a.png"}], "text": ["one ."]}, "leads out of"),
        ({"picture": ["a.png"], "text": ["one ."]}, "needs an image column"),
        ({"image": pa.array([], pa.string()), "text": pa.array([], pa.string())}, "has no rows"),
    ],
)
def test_broken_tables(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path / "x.parquet", unpack=tmp_path / "cache")
    assert not (tmp_path.parent / "a.png").exists()


def test_not_parquet(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        read_dataset(tmp_path / "x.parquet")


def test_groups_stand_for_texts(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / name, picture(1))
    table = pa.table({"image": ["a.png", "b.png", "c.png"], "group": ["here", "here", None]})
    pq.write_table(table, tmp_path / "pairs.parquet")
    data = read_dataset(tmp_path / "pairs.parquet")
    assert [(pair.name, pair.group, pair.captions) for pair in data] == [("a.png", "here", ()), ("b.png", "here", ())]
    assert [(failure.name, failure.kind) for failure in data.failures] == [("c.png", "image without caption")]
    write_parquet(data, tmp_path / "again.parquet")
    assert [pair.group for pair in read_dataset(tmp_path / "again.parquet")] == ["here", "here"]


def test_an_image_is_in_one_group(tmp_path):
    table = pa.table({"image": ["a.png", "a.png"], "group": ["here", "there"], "caption": ["one .", "two ."]})
    pq.write_table(table, tmp_path / "pairs.parquet")
    with pytest.raises(DataError, match="in two groups: 'here' and 'there'"):
        read_dataset(tmp_path / "pairs.parquet")
