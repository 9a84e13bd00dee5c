from __future__ import annotations

import json

import numpy as np
import pytest

from generate.captions import class_folders, karpathy, picture, save
from swath.data import read_dataset
from swath.data.audit import audit
from swath.data.dataset import Dataset
from swath.data.exclusions import Exclusion, Exclusions
from swath.data.merge import merge
from swath.errors import DataError
from swath.raster import read_chip


def add(folder, image, split, pixels, **more):
    path = next(folder.glob("dataset_*.json"))
    document = json.loads(path.read_text())
    document["images"].append({"filename": image, "split": split, "sentences": [f"a caption of {image} ."], **more})
    path.write_text(json.dumps(document))
    save(folder / "images" / image, pixels)


@pytest.fixture
def folders(tmp_path):
    """Two sets; `two` repeats images of `one`: 1002 is one's airport_2 (test), 1000 its airport_0 (train)."""
    one, two = karpathy(tmp_path / "one", name="one", seed=1), karpathy(tmp_path / "two", name="two", seed=2)
    add(two, "of_test.png", "train", picture(1002), location=[10, 20], long_sentences=["a long one ."])
    add(two, "of_train.png", "train", picture(1000))
    add(two, "of_val.png", "test", picture(1001))
    add(two, "test_too.png", "test", picture(1002))
    add(two, "new.png", "train", picture(3001), location=[10, 20], long_sentences=["a long one ."])
    return one, two


@pytest.mark.parametrize("how", ["link", "copy"])
def test_duplicates_go_and_tests_stay(folders, tmp_path, how):
    one, two = map(read_dataset, folders)
    report = merge([one, two], tmp_path / "out", images=how)
    gone = {(entry.dataset, entry.image): entry.reason for entry in report.removed.entries}
    assert gone == {
        ("two", "of_test.png"): "duplicate across splits",
        ("two", "of_train.png"): "duplicate across data sets",
        ("one", "airport_1.png"): "duplicate across splits",
    }
    assert report.kept == {"one": {"train": 4, "val": 3, "test": 4}, "two": {"train": 5, "val": 4, "test": 6}}
    assert report.file == tmp_path / "out" / "dataset_merged.json"
    merged = read_dataset(tmp_path / "out")
    assert merged.name == "merged"
    assert merged.failures == ()
    assert merged.splits == {"train": 9, "val": 7, "test": 10}
    assert (tmp_path / "out" / "images" / "one").is_symlink() == (how == "link")
    written = json.loads((tmp_path / "out" / "merge.json").read_text())
    assert written["reasons"] == {"duplicate across splits": 2, "duplicate across data sets": 1}
    assert len(written["left_out"]) == 3
    assert all(entry["evidence"] for entry in written["left_out"])


def test_no_training_image_shows_what_a_test_image_of_another_set_shows(folders, tmp_path):
    merge([read_dataset(folder) for folder in folders], tmp_path / "out")
    report = audit([read_dataset(tmp_path / "out")])
    assert [{member.row.split for member in group.members} for group in report.duplicates] == [{"test"}]
    before = [{pair.name for pair in data.split("test")} for data in map(read_dataset, folders)]
    after = {pair.name for pair in read_dataset(tmp_path / "out").split("test")}
    assert after == {f"one/{name}" for name in before[0]} | {f"two/{name}" for name in before[1]}


def test_pairs_keep_everything_they_had(folders, tmp_path):
    one, two = map(read_dataset, folders)
    merge([one, two], tmp_path / "out")
    merged = {pair.name: pair for pair in read_dataset(tmp_path / "out")}
    new, before = merged["two/new.png"], two[-1]
    assert new.provenance["dataset"] == "two"
    assert (new.captions, new.long_captions, new.labels) == (before.captions, before.long_captions, before.labels)
    assert (new.location, new.split) == ((10.0, 20.0), "train")
    assert new.chip.id == before.chip.id
    assert np.array_equal(read_chip(new.chip).data, read_chip(before.chip).data)


def test_the_first_data_set_wins(folders, tmp_path):
    one, two = map(read_dataset, folders)
    merge([two, one], tmp_path / "out")
    names = {pair.name for pair in read_dataset(tmp_path / "out")}
    assert "two/of_train.png" in names
    assert "one/airport_0.png" not in names


def test_an_audits_list_is_taken_too(folders, tmp_path):
    one, two = map(read_dataset, folders)
    more = Exclusions((Exclusion("one", "train", "beach_0.png", "", "suspicious captions", ""),))
    report = merge([one, two], tmp_path / "out", exclusions=more)
    assert report.removed.reasons["suspicious captions"] == 1
    assert "one/beach_0.png" not in {pair.name for pair in read_dataset(tmp_path / "out")}


def test_no_image_gives_way_to_one_that_is_left_out(folders, tmp_path):
    one, two = map(read_dataset, folders)
    listed = Exclusions(
        (Exclusion("one", "train", "airport_0.png", "", "mine", ""), Exclusion("x", "", "y", "", "", ""))
    )
    report = merge([one, two], tmp_path / "out", exclusions=listed)
    names = {pair.name for pair in read_dataset(tmp_path / "out")}
    assert "two/of_train.png" in names
    assert "one/airport_0.png" not in names
    assert {entry.dataset for entry in report.removed.entries} == {"one", "two"}


def test_the_report_names_what_reading_left_out(folders, tmp_path):
    (folders[0] / "images" / "beach_0.png").unlink()
    report = merge([read_dataset(folder) for folder in folders], tmp_path / "out")
    assert report.reasons["missing image"] == 1
    written = json.loads((tmp_path / "out" / "merge.json").read_text())
    assert [(one["dataset"], one["name"], one["kind"]) for one in written["failures"]] == [
        ("one", "beach_0.png", "missing image")
    ]


def test_broken_images_are_left_out(folders, tmp_path):
    path = folders[0] / "images" / "forest_0.png"
    path.write_bytes(path.read_bytes()[:300])
    report = merge([read_dataset(folders[0])], tmp_path / "out")
    assert report.removed.reasons == {"broken image": 1}
    assert len(read_dataset(tmp_path / "out")) == 11


def test_folders_of_classes_and_unusual_names(folders, tmp_path):
    classes = read_dataset(class_folders(tmp_path / "my set (1)"))
    merge([read_dataset(folders[0]), classes], tmp_path / "out", images="copy", name="a / b")
    merged = read_dataset(tmp_path / "out")
    assert merged.name == "a / b"
    assert merged[-1].name == "my_set_1_/harbor/harbor_1.jpg"
    assert merged[-1].labels == ("harbor",)


def test_what_cannot_be_merged(folders, tmp_path):
    one = read_dataset(folders[0])
    with pytest.raises(DataError, match="different names"):
        merge([one, one], tmp_path / "out")
    with pytest.raises(DataError, match="got none"):
        merge([], tmp_path / "out")
    with pytest.raises(DataError, match="is in use"):
        merge([one], folders[1])
    in_memory = Dataset("memory", one.pairs)
    with pytest.raises(DataError, match="not a single image file"):
        merge([in_memory], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.data
@pytest.mark.slow
def test_real_sets(shared_data, tmp_path):
    data = read_dataset(shared_data / "ucm")
    report = merge([data], tmp_path / "out")
    assert report.kept == {"ucm": {"train": 1679, "test": 210, "val": 210}}
    assert [entry.image for entry in report.removed.entries] == ["airplane02.webp"]
    assert read_dataset(tmp_path / "out").splits == {"train": 1679, "test": 210, "val": 210}
