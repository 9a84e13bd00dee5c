from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generate.captions import karpathy
from swath.data import read_dataset
from swath.data.exclusions import Exclusion, Exclusions, combine, read_exclusions
from swath.errors import DataError


def exclusion(image, caption="", dataset="tiny", reason="duplicate"):
    return Exclusion(dataset, "train", image, caption, reason, "seen")


@pytest.fixture
def data(tmp_path):
    return read_dataset(karpathy(tmp_path))


def test_images_and_captions_are_left_out(data):
    gone = Exclusions((exclusion("beach_0.png"), exclusion("airport_0.png", "a white plane .")))
    kept = gone.apply(data)
    assert len(kept) == len(data) - 1
    assert "beach_0.png" not in [pair.name for pair in kept]
    assert kept[0].captions == ("many planes are parked near a terminal .", "an airport with two runways .")
    assert kept.split("test").pairs == data.split("test").pairs
    assert data[0].captions[-1] == "a white plane ."


def test_an_unlabelled_image_goes_with_its_last_caption(tmp_path):
    karpathy(tmp_path)
    table = tmp_path / "t.csv"
    table.write_text("filename,title\nbeach_0.png,one .\nbeach_1.png,two .\n")
    kept = Exclusions((exclusion("beach_0.png", "one .", "t"),)).apply(read_dataset(table))
    assert [pair.name for pair in kept] == ["beach_1.png"]


def test_lists_for_other_data(data):
    assert Exclusions((exclusion("x.png", dataset="other"),)).apply(data) == data
    with pytest.raises(DataError, match="made for other data"):
        Exclusions((exclusion("x.png"),)).apply(data)
    everything = Exclusions(tuple(exclusion(pair.name) for pair in data))
    with pytest.raises(DataError, match="leaves nothing of 'tiny'"):
        everything.apply(data)


_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)
_NAME = _TEXT.filter(bool)


@settings(deadline=None)
@given(st.lists(st.builds(Exclusion, _NAME, _TEXT, _NAME, _TEXT, _TEXT, _TEXT), max_size=5))
def test_written_and_read_back(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("list") / "exclusions.csv"
    Exclusions(tuple(entries)).write(path)
    assert read_exclusions(path).entries == tuple(entries)


def test_a_list_made_by_hand(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("dataset,image\ntiny,beach_0.png\n")
    assert read_exclusions(path).entries == (Exclusion("tiny", "", "beach_0.png", "", "", ""),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image\nx\n", "needs the columns dataset and image"),
        ("", r"it has \(none\)"),
        ("dataset,image\ntiny,\n", "row 1 names no data set or no image"),
    ],
)
def test_broken_lists(tmp_path, text, message):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_exclusions(tmp_path / "x.csv")


def test_missing_list(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_exclusions(tmp_path / "none.csv")


def test_lists_are_combined_without_repeats():
    one, two = Exclusions((exclusion("a"),)), Exclusions((exclusion("a"), exclusion("b", reason="broken image")))
    assert combine([one, two]).reasons == {"duplicate": 1, "broken image": 1}
