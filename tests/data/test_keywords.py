from __future__ import annotations

import json
from collections import Counter

import pytest

from generate.captions import karpathy
from swath.data import read_annotations, read_dataset
from swath.data.keywords import WordFacts, keywords, merge_keywords, read_keywords, word_counts, word_facts
from swath.errors import DataError


def table(folder, name, *captions):
    path = folder / f"{name}.csv"
    path.write_text("filename,title\n" + "".join(f'{name}{n}.png,"{text}"\n' for n, text in enumerate(captions)))
    return read_annotations(path)


def test_counts_ignore_case_punctuation_digits_and_stop_words():
    counts = word_counts(["Trees, trees; TREES!", "There are 3 trees near a lake."])
    assert counts == Counter(trees=4, lake=1)


def test_top_of_each_set_is_merged_by_frequency(tmp_path):
    one = table(tmp_path, "one", "tree tree tree lake lake road", "tree")
    two = table(tmp_path, "two", "lake ship ship ship dune dune")
    found = keywords([one, two], top=2)
    assert found.words == ("tree", "ship", "dune", "lake")
    assert found.counts == {"one": {"tree": 4, "lake": 2}, "two": {"ship": 3, "dune": 2}}
    assert "dune" in found
    assert "road" not in found
    assert len(found) == 4


def test_ties_are_settled_by_the_alphabet(tmp_path):
    assert keywords([table(tmp_path, "x", "zebra yak ape")], top=2).words == ("ape", "yak")


def test_only_training_captions_count_where_there_are_splits(tmp_path):
    data = read_dataset(karpathy(tmp_path))
    trained, everything = keywords([data]), keywords([data], split=None)
    assert trained.counts["tiny"]["forest"] == 2
    assert everything.counts["tiny"]["forest"] == 6
    assert keywords([data], split="test").counts["tiny"]["forest"] == 2


def test_an_unknown_split_is_not_counted_as_everything(tmp_path):
    data = read_dataset(karpathy(tmp_path))
    with pytest.raises(
        DataError, match=r"'tiny' has no split 'trian' to count; it has train, val, test: .*--split all"
    ):
        keywords([data], split="trian")
    assert keywords([table(tmp_path, "x", "a lake")], split="trian").words == ("lake",)


def test_word_facts_say_how_much_masking_hides(tmp_path):
    one, two = table(tmp_path, "one", "many trees . Trees , a lake", "a tree"), table(tmp_path, "two", "a lake ship")
    found = keywords([one, two], top=1)
    assert found.words == ("trees", "lake")
    first, second = word_facts([one, two], found)
    assert first == WordFacts("one", captions=2, words=7, stop_words=3, distinct=3, keywords=1, covered=3)
    assert second.to_dict() == {
        **{"dataset": "two", "captions": 1, "words": 3, "stop_words": 1, "distinct": 2, "keywords": 1, "covered": 1}
    }


def test_written_and_read_back(tmp_path):
    found = keywords([table(tmp_path, "one", "tree lake lake"), table(tmp_path, "two", "ship")])
    found.write(tmp_path / "new" / "k.json")
    assert read_keywords(tmp_path / "new" / "k.json") == found
    found.write(tmp_path / "k.txt")
    assert (tmp_path / "k.txt").read_text() == "lake\nship\ntree\n"
    assert read_keywords(tmp_path / "k.txt").words == found.words
    with pytest.raises(DataError, match=r"k\.txt/k\.txt cannot be written"):
        found.write(tmp_path / "k.txt" / "k.txt")


def test_a_plain_list_of_words(tmp_path):
    (tmp_path / "mine.txt").write_text("Lake\n\n tree \nlake\n")
    assert read_keywords(tmp_path / "mine.txt").words == ("lake", "tree")


def test_lists_of_data_sets_are_joined(tmp_path):
    one, two = (keywords([table(tmp_path, name, text)]) for name, text in (("one", "a lake lake"), ("two", "a ship")))
    assert merge_keywords([one, two]) == keywords([table(tmp_path, "one", "lake lake"), table(tmp_path, "two", "ship")])
    with pytest.raises(DataError, match="count the same data set: one"):
        merge_keywords([one, one])
    with pytest.raises(DataError, match="no keyword list"):
        merge_keywords([])


def test_impossible_requests(tmp_path):
    data = table(tmp_path, "x", "a lake")
    with pytest.raises(DataError, match="different names"):
        keywords([data, data])
    with pytest.raises(DataError, match="got none"):
        keywords([])
    with pytest.raises(DataError, match="at least 1, not 0"):
        keywords([data], top=0)
    with pytest.raises(DataError, match="captions of 'y' hold no word"):
        keywords([table(tmp_path, "y", "there are many . 12")])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("k.txt", " \n", r"k\.txt is empty; write one word a line, or .*swath data keywords"),
        ("k.json", '{"counts": {}}', r"k\.json is empty; .*swath data keywords"),
        ("k.json", "[1]", "is not a keyword list"),
        ("k.json", "{", "is not a keyword list"),
        ("k.json", '{"counts": {"x": {"lake": "many"}}}', "is not a keyword list"),
    ],
)
def test_broken_lists(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_keywords(tmp_path / name)


def test_missing_list(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_keywords(tmp_path / "none.json")


def test_json_is_readable(tmp_path):
    keywords([table(tmp_path, "x", "Ærø lake")]).write(tmp_path / "k.json")
    assert json.loads((tmp_path / "k.json").read_text(encoding="utf-8"))["words"] == ["lake", "ærø"]


@pytest.mark.data
def test_real_keywords(shared_data):
    data = [
        read_annotations(shared_data / "rsicd"),
        read_annotations(shared_data / "captions_only" / "rsitmd_captions.json", name="rsitmd"),
    ]
    found = keywords(data)
    assert {len(own) for own in found.counts.values()} == {512}
    assert 512 < len(found) < 800
    assert {"airport", "playground", "residential", "viaduct", "green"} <= set(found.words[:100])
