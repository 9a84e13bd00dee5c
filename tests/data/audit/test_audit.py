from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from generate.captions import karpathy, picture, save
from swath.data import read_dataset
from swath.data.audit import audit
from swath.data.exclusions import read_exclusions
from swath.errors import DataError


def add(folder, *, image, split, pixels, texts=("a lake .",), label="lake", **options):
    """Add an image to a Karpathy data set."""
    path = next(folder.glob("dataset_*.json"))
    document = json.loads(path.read_text())
    document["images"].append({"filename": image, "split": split, "class": label, "sentences": list(texts)})
    path.write_text(json.dumps(document))
    save(folder / "images" / image, pixels, **options)


@pytest.fixture
def folder(tmp_path):
    return karpathy(tmp_path / "set", seed=1)


def kinds(report):
    return [(entry.image, entry.reason) for entry in report.exclusions.entries]


def test_a_clean_set_has_no_findings(folder):
    report = audit([read_dataset(folder)])
    found = dict(report.summary)
    assert report.overlaps
    assert {name for name, count in found.items() if count} == set()


def test_copies_across_splits_leave_training_not_test(folder):
    add(folder, image="copy.jpg", split="train", pixels=np.asarray(picture(1002, 96)), quality=60)
    report = audit([read_dataset(folder)])
    (group,) = report.duplicates
    assert [member.row.image for member in group.members] == ["airport_2.png", "copy.jpg"]
    assert group.crosses_splits
    assert group.near_exact
    assert kinds(report) == [("copy.jpg", "duplicate across splits")]
    assert "tiny/test/airport_2.png" in report.exclusions.entries[0].evidence


def test_test_images_always_stay(folder):
    add(folder, image="copy.png", split="test", pixels=picture(1002))
    report = audit([read_dataset(folder)])
    assert len(report.duplicates) == 1
    assert kinds(report) == []


def test_turned_copies_are_found_on_request(folder):
    add(folder, image="turned.png", split="train", pixels=np.rot90(picture(1002)).copy())
    add(folder, image="mirrored.png", split="train", pixels=np.fliplr(picture(1005)).copy())
    data = read_dataset(folder)
    assert audit([data]).duplicates == ()
    groups = audit([data], turned=True).duplicates
    assert [[member.row.image for member in group.members] for group in groups] == [
        ["airport_2.png", "turned.png"],
        ["beach_2.png", "mirrored.png"],
    ]
    assert all(group.near_exact for group in groups)


def test_copies_across_data_sets(folder, tmp_path):
    other = karpathy(tmp_path / "other", name="other", seed=2)
    add(other, image="copy.png", split="train", pixels=picture(1000))
    report = audit([read_dataset(folder), read_dataset(other)])
    (group,) = report.duplicates
    assert group.crosses_datasets
    assert not group.crosses_splits
    assert kinds(report) == [("copy.png", "duplicate across data sets")]


def test_broken_and_empty_images_are_named_and_the_rest_goes_on(folder):
    image = folder / "images" / "beach_0.png"
    image.write_bytes(image.read_bytes()[:400])
    add(folder, image="black.png", split="train", pixels=np.zeros((32, 32, 3), dtype=np.uint8))
    add(folder, image="black_too.png", split="train", pixels=np.zeros((32, 32, 3), dtype=np.uint8))
    report = audit([read_dataset(folder)])
    assert [one.image for one in report.broken] == ["beach_0.png", "black.png", "black_too.png"]
    assert "one grey value" in report.broken[1].reason
    assert report.duplicates == ()
    assert kinds(report) == [(name, "broken image") for name in ("beach_0.png", "black.png", "black_too.png")]


def test_captions_without_words_leave_training(folder):
    add(folder, image="dot.png", split="train", pixels=picture(77), texts=[".", "a lake near trees ."])
    report = audit([read_dataset(folder)])
    (entry,) = report.exclusions.entries
    assert (entry.image, entry.caption, entry.reason) == ("dot.png", ".", "unusable caption")
    assert report.exclusions.apply(read_dataset(folder))[-1].captions == ("a lake near trees .",)


def test_near_repeats_know_whether_they_cross_splits(folder):
    add(folder, image="n.png", split="train", pixels=picture(78), texts=["a harbor with , white boats", "boats white"])
    add(folder, image="m.png", split="test", pixels=picture(79), texts=["white boats .", "an odd one out"])
    found = {(one.first.text, one.second.text): one.across for one in audit([read_dataset(folder)]).near_repeats}
    assert found[("boats white", "white boats .")]


def test_written_report_is_whole_and_its_list_is_taken_by_training(folder, tmp_path):
    add(folder, image="copy.png", split="train", pixels=picture(1002))
    (folder / "images" / "forest_0.png").unlink()
    data = read_dataset(folder)
    report = audit([data])
    files = report.write(tmp_path / "out" / "deep")
    document = json.loads(files["json"].read_text())
    assert document["summary"] == report.summary
    assert document["failures"][0]["kind"] == "missing image"
    assert document["duplicates"][0]["members"][1]["image"] == "copy.png"
    kept = read_exclusions(files["exclusions"]).apply(data)
    assert len(kept) == len(data) - 1
    page = files["html"].read_text()
    assert page.count("data:image/webp;base64,") == 2
    assert "missing image" in page


def test_the_page_escapes_everything_and_reaches_nowhere(folder, tmp_path):
    evil = '<script>alert("x")</script>'
    name = "<img src=x onerror=alert(1)>.png"
    add(folder, image=name, split="train", pixels=picture(1002), texts=[evil, evil + " &amp;"], label="<b>")
    data = replace(read_dataset(folder), name='"><script>')
    page = audit([data]).write(tmp_path / "out")["html"].read_text()
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert" in page
    assert not re.search(r"(src|href)=.?(http|//)", page)


def test_pictures_that_vanish_do_not_stop_the_page(folder, tmp_path):
    add(folder, image="copy.png", split="train", pixels=picture(1002))
    report = audit([read_dataset(folder)])
    (folder / "images" / "copy.png").unlink()
    assert "cannot be shown" in report.write(tmp_path / "out")["html"].read_text()


def test_progress_counts_to_the_end(folder):
    seen = []
    audit([read_dataset(folder)], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (12, 12)


def test_data_sets_need_different_names(folder):
    data = read_dataset(folder)
    with pytest.raises(DataError, match="different names"):
        audit([data, data])
    with pytest.raises(DataError, match="got none"):
        audit([])


def test_a_folder_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        audit([read_dataset(folder)]).write(tmp_path / "file")


@pytest.mark.data
def test_known_copies_of_real_data(shared_data):
    """Among a few hundred of their neighbours; `test_known_defects_of_real_data` looks through everything."""
    near = {"ucm": ("airplane",), "rsicd": ("industrial_2", "port_183", "port_2", "stadium_9", "stadium_10")}
    whole = [read_dataset(shared_data / name) for name in near]
    data = [replace(one, pairs=tuple(pair for pair in one if pair.name.startswith(near[one.name]))) for one in whole]
    groups = [({member.row.image for member in group.members}, group.near_exact) for group in audit(data).duplicates]
    assert groups == [
        ({"airplane01.webp", "airplane02.webp"}, True),
        ({"industrial_203.webp", "industrial_205.webp"}, True),
        ({"port_183.webp", "port_248.webp"}, True),
        ({"stadium_100.webp", "stadium_95.webp"}, False),
    ]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_known_defects_of_real_data(shared_data, tmp_path):
    data = [read_dataset(shared_data / name) for name in ("ucm", "rsicd")]
    report = audit(data)
    ucm, rsicd = report.facts
    assert (ucm.images, ucm.distinct_sets) == (2_100, 719)
    assert (rsicd.slots, rsicd.distinct) == (54_605, 18_189)
    groups = [({member.row.image for member in group.members}, group.near_exact) for group in report.duplicates]
    assert ({"airplane01.webp", "airplane02.webp"}, True) in groups
    own = [group for group in report.duplicates if group.members[0].row.dataset == "rsicd"]
    assert sum(group.near_exact for group in own) == 2
    # The same stadium, shifted by a few pixels, in train and in val.
    assert ({"stadium_95.webp", "stadium_100.webp"}, False) in groups
    wrong = [one for one in report.contradictions if one.item.dataset == "ucm"]
    assert len(wrong) == 11
    assert all(any("farmland" in text for text in one.item.captions) for one in wrong)
    excluded = {entry.image for entry in report.exclusions.entries}
    assert {"airplane02.webp", "stadium_100.webp", "harbor84.webp"} <= excluded
    assert not {entry.split for entry in report.exclusions.entries} & {"test"}
    page = report.write(tmp_path)["html"]
    assert page.stat().st_size < 2_000_000
