from __future__ import annotations

import json

import pytest

from generate.captions import entries, karpathy, picture, save
from swath.data import read_annotations, read_dataset
from swath.errors import DataError


def write(folder, images, **more):
    (folder / "dataset_x.json").write_text(json.dumps({"dataset": "x", "images": images, **more}), encoding="utf-8")
    return folder


def test_reads_everything_an_entry_says(tmp_path):
    save(tmp_path / "images" / "a.png", picture(1))
    entry = {
        "filename": "a.png",
        "split": "train",
        "labels": ["sea", "sand"],
        "sentences": [{"raw": "one ."}, "two .", {"tokens": ["three", "."]}],
        "long_sentences": ["a long one ."],
        "location": [12.5, -41],
        "dataset": "origin",
    }
    (pair,) = read_dataset(write(tmp_path, [entry]))
    assert pair.captions == ("one .", "two .", "three .")
    assert pair.long_captions == ("a long one .",)
    assert pair.labels == ("sea", "sand")
    assert pair.location == (12.5, -41.0)
    assert pair.provenance == {"dataset": "origin", "file": "dataset_x.json", "row": 0}


def test_folder_and_file_read_alike(tmp_path):
    karpathy(tmp_path)
    assert read_dataset(tmp_path).pairs == read_dataset(tmp_path / "dataset_tiny.json").pairs


def test_images_beside_the_file_or_where_told(tmp_path):
    (tmp_path / "notes").mkdir()
    write(tmp_path / "notes", entries())
    for entry in entries():
        save(tmp_path / "elsewhere" / entry["filename"], picture(2))
        save(tmp_path / "notes" / "RSICD_images" / entry["filename"], picture(2))
    assert read_dataset(tmp_path / "notes")[0].chip.scene.href.endswith("notes/RSICD_images/airport_0.png")
    told = read_dataset(tmp_path / "notes", images=tmp_path / "elsewhere")
    assert told[0].chip.scene.href == str(tmp_path / "elsewhere" / "airport_0.png")
    with pytest.raises(DataError, match="not a folder of images"):
        read_dataset(tmp_path / "notes", images=tmp_path / "nowhere")


def test_unicode_and_spaces_in_names(tmp_path):
    name = "Ærø havn/båd 1 (été).png"
    save(tmp_path / "images" / name, picture(1))
    (pair,) = read_dataset(write(tmp_path, [{"filename": name, "sentences": ["une île entourée d'eau 水"]}]))
    assert pair.name == name
    assert pair.captions == ("une île entourée d'eau 水",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../secret.png", "outside the image folder"),
        ("a/../../secret.png", "outside the image folder"),
        ("..\\secret.png", "outside the image folder"),
        ("/etc/passwd", "outside the image folder"),
        ("  ", "outside the image folder"),
    ],
)
def test_names_must_stay_inside(tmp_path, name, message):
    save(tmp_path / "images" / "ok.png", picture(1))
    images = [{"filename": "ok.png", "sentences": ["x"]}, {"filename": name, "sentences": ["x"]}]
    with pytest.raises(DataError, match=message):
        read_dataset(write(tmp_path, images))


def test_an_image_listed_twice_is_refused(tmp_path):
    save(tmp_path / "images" / "a.png", picture(1))
    with pytest.raises(DataError, match=r"'a.png' is listed twice"):
        read_dataset(write(tmp_path, [{"filename": "a.png", "sentences": ["x"]}] * 2))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"sentences": ["x"]}, r'images\[1\] has no "filename"'),
        ({"filename": "b.png"}, r'images\[1\] \(b.png\) has no list "sentences"'),
        ({"filename": "b.png", "sentences": [7]}, "a sentence must be a string"),
        ({"filename": "b.png", "sentences": ["x"], "location": [200, 0]}, "not .lon, lat. in degrees"),
        ({"filename": "b.png", "sentences": ["x"], "location": "here"}, "must be .lon, lat."),
        ("b.png", r'images\[1\] has no "filename"'),
    ],
)
def test_broken_entries_are_named(tmp_path, entry, message):
    with pytest.raises(DataError, match=message):
        read_dataset(write(tmp_path, [{"filename": "a.png", "sentences": ["x"]}, entry]))


def test_truncated_json_is_named_with_its_place(tmp_path):
    path = karpathy(tmp_path) / "dataset_tiny.json"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError, match=r"dataset_tiny.json is not valid JSON.*line 1 column"):
        read_dataset(tmp_path)


def test_json_without_images_is_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"sentences": [], "images": []}')
    with pytest.raises(DataError, match='no list "images"'):
        read_dataset(tmp_path)


def test_two_caption_files_need_a_choice(tmp_path):
    karpathy(tmp_path)
    (tmp_path / "dataset_other.json").write_text((tmp_path / "dataset_tiny.json").read_text())
    with pytest.raises(DataError, match="several caption files"):
        read_dataset(tmp_path)


def test_annotations_need_no_images(tmp_path):
    found = read_annotations(write(tmp_path, entries()))
    assert len(found.entries) == 12
    assert found.entries[0].captions[0] == "many planes are parked near a terminal ."


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "splits"),
    [
        ("rsicd", {"train": 8734, "test": 1093, "val": 1094}),
        ("ucm", {"train": 1680, "test": 210, "val": 210}),
    ],
)
def test_official_splits_of_real_data(shared_data, folder, splits):
    data = read_dataset(shared_data / folder)
    assert data.splits == splits
    assert data.failures == ()
    assert all(len(pair.captions) == 5 and len(pair.labels) == 1 for pair in data)
