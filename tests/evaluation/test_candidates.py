from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from swath.errors import DataError, EvaluationError
from swath.evaluation.candidates import match_names, read_candidates

FOUND = {"a.png": "a river .", "b.png": ""}


def test_every_form_gives_the_same_captions(tmp_path: Path) -> None:
    rows = [{"image_id": name, "caption": text} for name, text in FOUND.items()]
    (tmp_path / "map.json").write_text(json.dumps(FOUND))
    (tmp_path / "lists.json").write_text(json.dumps({name: [text] for name, text in FOUND.items()}))
    (tmp_path / "coco.json").write_text(json.dumps(rows))
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "named.json").write_text(
        json.dumps([{"filename": name, "title": text} for name, text in FOUND.items()])
    )
    (tmp_path / "table.csv").write_text("filepath,caption\na.png,a river .\nb.png,\n")
    pq.write_table(pa.table({"image": list(FOUND), "caption": list(FOUND.values())}), tmp_path / "table.parquet")
    for file in sorted(tmp_path.iterdir()):
        assert read_candidates(file) == FOUND, file.name


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.json", "{", "cannot be read as JSON"),
        ("x.json", "3", "must map images to captions"),
        ("x.json", "{}", "holds no captions"),
        ("x.json", '{"a": 3}', "image 'a': the caption must be one text"),
        ("x.json", '{"a": ["one", "two"]}', "one text"),
        ("x.json", '["a"]', "entry 1 is no object"),
        ("x.json", '[{"image_id": 1, "caption": "x"}, {"image_id": 1, "caption": "y"}]', "'1' has several"),
        ("x.json", '[{"caption": "x"}]', "needs an image column"),
        ("x.csv", "filepath,caption\na,x\na,y\n", "'a' has several captions"),
        ("x.txt", "a,x", "is not a file of captions"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises((EvaluationError, DataError), match=message):
        read_candidates(tmp_path / name)


def test_names_are_matched_by_their_end_where_that_is_clear() -> None:
    known = ["sub/a.tif", "b.tif", "other/b.tif", "c.tif"]
    names = ["/elsewhere/a.tif", "b.tif", "x/b.tif", "c", "nothing.tif", "y\\c.tif"]
    assert match_names(names, known) == {"/elsewhere/a.tif": "sub/a.tif", "b.tif": "b.tif", "c": "c.tif"}
