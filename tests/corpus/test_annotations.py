from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from swath.corpus.annotations import read_facts
from swath.corpus.writers import GrammarWriter
from swath.errors import DataError


def write(folder, *entries):
    path = folder / "facts.jsonl"
    path.write_text("\n".join(json.dumps(entry) for entry in entries))
    return path


FULL = {
    "image": "a.png",
    "size": [100, 100],
    "gsd": 0.5,
    "boxes": [
        {"label": "ship", "bbox": [0, 0, 10, 10], "length": 179.0},
        {"label": "ship", "bbox": [45, 45, 10, 10], "length": 80.0},
        {"label": "crane", "bbox": [80, 40, 20, 20]},
    ],
    "shares": {"water": 0.42},
    "tags": {"landuse": "harbour"},
    "place": "Hamburg",
    "location": [9.97, 53.54],
    "date": "2020-10-05",
    "sensor": "Sentinel-2",
    "statements": ["The ships lie in two rows."],
}


def test_every_fact_is_told(tmp_path):
    facts = read_facts(write(tmp_path, FULL))["a.png"]
    text = " ".join(sentence.text for sentence in GrammarWriter().write(facts))
    for said in (
        "two rows", "two ships", "one crane", "upper left", "in the middle", "right", "179 metres", "42 percent",
        "harbour", "Hamburg", "53.54 degrees north", "October 2020", "autumn", "Sentinel-2", "0.5 metres",
    ):  # fmt: skip
        assert said.lower() in text.lower(), said


def test_incomplete_boxes_give_no_numbers(tmp_path):
    facts = read_facts(write(tmp_path, FULL | {"complete": False}))["a.png"]
    assert not facts.of("count")
    assert facts.of("position")


def test_no_metres_without_lengths_and_no_positions_without_size(tmp_path):
    facts = read_facts(write(tmp_path, {"image": "a.png", "boxes": [{"label": "ship", "bbox": [0, 0, 5, 5]}]}))["a.png"]
    assert [fact.kind for fact in facts] == ["count"]


def test_shares_of_a_mask(tmp_path):
    mask = np.full((10, 10), 2, np.uint8)
    mask[:5] = 1
    mask[9] = 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    entry = {"image": "a.png", "mask": "mask.png", "classes": {"1": "water", "2": "forest"}}
    facts = read_facts(write(tmp_path, entry))["a.png"]
    assert {fact.subject: fact.value for fact in facts} == {
        "water": pytest.approx(5 / 9),
        "forest": pytest.approx(4 / 9),
    }


def test_parquet_reads_as_json_lines_do(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    lines = write(tmp_path, FULL, {"image": "b.png", "shares": {"forest": 1.0}})
    table = tmp_path / "facts.parquet"
    pq.write_table(pa.Table.from_pylist([FULL, {"image": "b.png", "shares": {"forest": 1.0}}]), table)
    assert set(read_facts(table)["a.png"].items) == set(read_facts(lines)["a.png"].items)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"shares": {"water": 0.5}}, '"image"'),
        ({"image": "a.png", "shares": {"water": 1.5}}, "0 to 1"),
        ({"image": "a.png", "shares": {"water": float("nan")}}, "0 to 1"),
        ({"image": "a.png", "boxes": [{"bbox": [0, 0, 1, 1]}]}, "label"),
        ({"image": "a.png", "size": [10, 10], "boxes": [{"label": "ship", "bbox": [20, 0, 5, 5]}]}, "outside"),
        ({"image": "a.png", "size": [10, 10], "boxes": [{"label": "ship", "bbox": [1, 1, 0, 5]}]}, "no area"),
        ({"image": "a.png", "location": [53.5, 109.9]}, "degrees"),
        ({"image": "a.png", "date": "yesterday"}, "ISO 8601"),
        ({"image": "a.png", "tags": ["harbour"]}, "object"),
        ({"image": "a.png", "mask": "../mask.png", "classes": {"1": "water"}}, "refused"),
        ({"image": "a.png", "mask": "mask.png"}, "classes"),
        ({"image": "a.png", "place": "Ham\ud83dburg"}, "no Unicode"),
    ],
)
def test_bad_entries_are_named(tmp_path, entry, said):
    with pytest.raises(DataError, match=rf"facts\.jsonl, line 1.*{said}"):
        read_facts(write(tmp_path, entry))


def test_labels_are_told_in_words(tmp_path):
    boxes = [{"label": name} for name in ("small-vehicle", "storagetanks", "Ground_Track_Field")]
    row = {"image": "a.png", "boxes": boxes, "shares": {"BareLand": 0.5}, "place": "Hamburg\u2028harbour"}
    path = tmp_path / "facts.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    subjects = {fact.subject for fact in read_facts(path)["a.png"].of("count", "share")}
    assert subjects == {"small vehicle", "storage tanks", "ground track field", "bare land"}


def test_broken_files_are_named(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_text('{"image": "a.png"')
    with pytest.raises(DataError, match="line 1"):
        read_facts(path)
    path.write_text('{"image": "a.png"}\n{"image": "a.png"}')
    with pytest.raises(DataError, match="twice"):
        read_facts(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_facts(tmp_path / "absent.jsonl")
