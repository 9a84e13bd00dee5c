from __future__ import annotations

import json

import pytest

from swath.chips import Chip, Layer, SceneRef, Window
from swath.data import Dataset, Pair
from swath.data.topics import Topics, documents_of, find_topics, grade, read_qrels, topics_of, write_topics
from swath.errors import DataError


def pair(name, *labels, split="corpus"):
    scene = SceneRef(name, f"/{name}", "s1-vv", (Layer("VV", f"/{name}", 1),))
    return Pair(Chip(scene, Window(0, 0, 1, 1)), labels=labels, split=split)


PAIRS = [pair("a", "Trees"), pair("b", "Trees", "Water"), pair("c", "Water"), pair("d")]


def test_grades():
    assert grade({"Trees"}, {"Trees"}) == 2
    assert grade({"Trees"}, {"Trees", "Water"}) == 1
    assert grade({"Trees", "Water"}, {"Trees"}) == grade(set(), {"Trees"}) == 0


def test_topics_of_labels():
    topics = topics_of(PAIRS)
    asked = {topics.queries[query]: own for query, own in topics.qrels.items()}
    assert asked == {"trees": {"a": 2, "b": 1}, "water": {"b": 1, "c": 2}, "trees. water": {"b": 2}}
    with pytest.raises(DataError, match="no image has labels"):
        topics_of([PAIRS[3]])


def test_round_trip(tmp_path):
    topics = topics_of(PAIRS)
    write_topics(topics, tmp_path)
    found = find_topics(tmp_path)
    assert found is not None
    assert (found.queries, found.qrels) == (topics.queries, topics.qrels)
    assert found.check({"a", "b"}) == ["c"]
    with pytest.raises(DataError, match="white space"):
        write_topics(topics_of([pair("a b", "Trees")]), tmp_path)


def test_every_usual_form_of_judgements(tmp_path):
    forms = {
        "trec.txt": "q 0 d 1\nq 0 e 0\n",
        "beir.tsv": "query-id\tcorpus-id\tscore\nq\td\t1\nq\te\t0\n",
        "ranx.json": json.dumps({"q": {"d": 1, "e": 0}}),
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text)
        assert read_qrels(tmp_path / name) == {"q": {"d": 1, "e": 0}}, name


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "q 0 d 1\nq d", "line 2: expected"),
        ("a.txt", "q 0 d x", "'x' is not a whole number"),
        ("a.txt", "q 0 d 1\nq 0 d 1", "line 2: document 'd' is judged twice"),
        ("a.txt", "\n", "holds no judgements"),
        ("a.json", "[1]", "must be JSON"),
    ],
)
def test_damaged_judgements_are_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_qrels(tmp_path / name)


def test_queries_and_judgements_belong_together(tmp_path):
    assert find_topics(tmp_path) is None
    (tmp_path / "qrels").mkdir()
    with pytest.raises(DataError, match=r"queries\.jsonl cannot be read"):
        find_topics(tmp_path)
    (tmp_path / "queries.jsonl").write_text('{"id": "q", "query": "trees"}\n')
    with pytest.raises(DataError, match="holds no judgements"):
        find_topics(tmp_path)
    (tmp_path / "qrels" / "a.txt").write_text("other 0 d 1\n")
    with pytest.raises(DataError, match="judges query 'other', which"):
        find_topics(tmp_path)
    (tmp_path / "queries.jsonl").write_text('{"id": "q"}\n')
    with pytest.raises(DataError, match="line 1: must be"):
        find_topics(tmp_path)


def test_which_images_are_searched():
    train = pair("t", "Trees", split="train")
    assert documents_of(Dataset("x", (train, *PAIRS))) == tuple(PAIRS)
    test = pair("u", "Trees", split="test")
    assert documents_of(Dataset("x", (train, test, pair("v", "Trees", split="")))) == (test,)
    assert len(documents_of(Dataset("x", (train, pair("v", "Trees", split=""))))) == 1
    with pytest.raises(DataError, match="only a train split"):
        documents_of(Dataset("x", (train,)))
    assert Topics({}, {}, "").check(()) == []
