from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generate.captions import picture, save
from swath.data import read_dataset
from swath.data.columns import relative_names
from swath.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("a.png", "b.png", "sub/c d.png")):
        save(tmp_path / "images" / name, picture(number))
    return tmp_path


def test_filename_title_rows_are_joined(folder):
    (folder / "rsicd_test.csv").write_text('filename,title\na.png,one .\nb.png,"two, with comma ."\na.png,three .\n')
    data = read_dataset(folder / "rsicd_test.csv")
    assert [(pair.name, pair.captions, pair.split) for pair in data] == [
        ("a.png", ("one .", "three ."), "test"),
        ("b.png", ("two, with comma .",), "test"),
    ]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("x.csv", "filepath,caption\nsub/c d.png,one .\n"),
        ("x.csv", "filepath\ttitle\nsub/c d.png\tone .\n"),
        ("x.tsv", "caption\tfilepath\none .\tsub/c d.png\n"),
        ("x.csv", "file_name,text\nsub/c d.png,one .\n"),
        ("x.csv", "\ufeffIMGPATH,Caption\nsub/c d.png,one .\n"),
    ],
)
def test_the_fields_other_columns(folder, file, text):
    (folder / file).write_text(text, encoding="utf-8")
    (pair,) = read_dataset(folder)
    assert (pair.name, pair.captions, pair.split) == ("sub/c d.png", ("one .",), "")


def test_split_place_labels_and_long_captions(folder):
    (folder / "x.csv").write_text(
        "filename,title,title_multi_objects,label,split,lon,lat\n"
        "a.png,one .,one and more .,sea,val,10.5,-20\na.png,two .,two and more .,sand,val,,\n"
    )
    (pair,) = read_dataset(folder)
    assert pair.captions == ("one .", "two .")
    assert pair.long_captions == ("one and more .", "two and more .")
    assert pair.labels == ("sea", "sand")
    assert pair.split == "val"
    assert pair.location == (10.5, -20.0)


def test_several_tables_make_the_splits(folder):
    (folder / "train.csv").write_text("filename,title\na.png,one .\n")
    (folder / "test.csv").write_text("filename,title\nb.png,two .\n")
    (folder / "legend.csv").write_text("colour,meaning\nred,danger\n")
    assert read_dataset(folder).splits == {"test": 1, "train": 1}


def test_paths_of_another_machine(folder):
    (folder / "x.csv").write_text("filename,title\n/home/a/data/a.png,one .\n/home/a/data/sub/c d.png,two .\n")
    for images in (folder / "images", None):
        data = read_dataset(folder, images=images)
        assert [pair.name for pair in data] == ["a.png", "sub/c d.png"]
    assert {pair.chip.scene.href for pair in data} == {str(folder / "images" / pair.name) for pair in data}


def test_one_relative_name_among_absolute_ones_leaves_them_outside(folder):
    (folder / "x.csv").write_text("filename,title\n/home/a/data/a.png,one .\nb.png,two .\n")
    with pytest.raises(DataError, match="outside the image folder"):
        read_dataset(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,words\na.png,one .\n", r"columns id, words; a table of pairs needs an image column \(filename"),
        ("filename,title\na.png,one, two .\n", "row 1 has 3 cells, the header 2; quote"),
        ("filename,title\n,one .\n", r"row 1: a caption without image \(column 'filename' is empty\); name its image"),
        ("filename,title\n", "header but no rows"),
        ("", "needs an image column"),
        ('filename,title\na.png,"one .\n', "not a valid table"),
        ("filename,title,lon,lat\na.png,one .,10,200\n", "row 1: lon='10', lat='200' is not a place"),
        ("filename,title,lon,lat\na.png,one .,x,2\n", "is not a place in degrees"),
        ("filename,title,split\na.png,one .,train\na.png,two .,test\n", "row 2: image 'a.png' is in two splits"),
        ("filename,title\n../a.png,one .\n", "outside the image folder"),
    ],
)
def test_broken_tables(folder, text, message):
    (folder / "x.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_dataset(folder / "x.csv")


def test_other_encodings_are_refused(folder):
    (folder / "x.csv").write_bytes(b"filename,title\na.png,caf\xe9\n")
    with pytest.raises(DataError, match="not UTF-8"):
        read_dataset(folder)


def test_blank_caption_cells_are_recorded(folder):
    (folder / "x.csv").write_text("filename,title\na.png,one .\na.png,\n")
    data = read_dataset(folder)
    assert [failure.kind for failure in data.failures] == ["empty caption"]


_PART = st.text("abcXYZ 0", min_size=1, max_size=4)


@settings(deadline=None)
@given(st.lists(st.lists(_PART, min_size=1, max_size=4), min_size=1, max_size=6))
def test_relative_names_keep_names_apart_and_drop_what_is_common(parts):
    names = ["/data/" + "/".join(part) for part in parts]
    shorter = relative_names(names)
    assert len(set(shorter.values())) == len(set(names))
    assert all(name.endswith("/" + short) for name, short in shorter.items())
    assert relative_names([*names, "relative.png"]) == {}
