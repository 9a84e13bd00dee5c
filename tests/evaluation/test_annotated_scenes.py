from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from generate.rasters import write_json
from swath.errors import DataError, SourceError
from swath.evaluation.annotated_scenes import read_region_queries

GOOD = {"caption": " a pond.\n", "jpg_name": "0.jpg", "points": [[[1, 2], [3, 4.5], [5, 2]]]}


def test_entries_are_read_in_order(tmp_path: Path) -> None:
    queries, bad = read_region_queries(write_json(tmp_path / "anno.json", [GOOD, GOOD | {"jpg_name": "1.jpg"}]))
    assert bad == []
    assert [(query.caption, query.image, query.place) for query in queries] == [
        ("a pond.", "0.jpg", 0),
        ("a pond.", "1.jpg", 1),
    ]
    np.testing.assert_array_equal(queries[0].regions[0], [[1, 2], [3, 4.5], [5, 2]])


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("text", "not an object"),
        ({"caption": "a"}, "lacks jpg_name, points"),
        (GOOD | {"points": []}, "lacks points"),
        (GOOD | {"caption": "  "}, "caption is no text"),
        (GOOD | {"caption": 7}, "caption is no text"),
        (GOOD | {"jpg_name": "../../etc/passwd"}, "no name inside the folder"),
        (GOOD | {"jpg_name": "/etc/passwd"}, "no name inside the folder"),
        (GOOD | {"points": "many"}, "no list of polygons"),
        (GOOD | {"points": [[[1, 2], [3, 4]]]}, "polygon 0 is no list of 3 or more"),
        (GOOD | {"points": [[[1, 2], [3, 4], [5]]]}, "polygon 0 is no list"),
        (GOOD | {"points": [[["a", 2], [3, 4], [5, 6]]]}, "polygon 0 is no list"),
    ],
)
def test_a_broken_entry_is_listed_and_the_others_kept(tmp_path: Path, entry: object, says: str) -> None:
    queries, bad = read_region_queries(write_json(tmp_path / "anno.json", [entry, GOOD]))
    assert len(queries) == 1
    assert queries[0].place == 1
    assert bad[0].place == 0
    assert says in bad[0].reason


def test_files_that_hold_no_queries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a list"):
        read_region_queries(write_json(tmp_path / "anno.json", GOOD))
    with pytest.raises(DataError, match="no usable entry among 1; entry 0: lacks"):
        read_region_queries(write_json(tmp_path / "anno.json", [{}]))
    with pytest.raises(DataError, match="no usable entry among 0"):
        read_region_queries(write_json(tmp_path / "anno.json", []))
    with pytest.raises(SourceError, match=r"nowhere\.json"):
        read_region_queries(tmp_path / "nowhere.json")
    (tmp_path / "anno.json").write_text("{")
    with pytest.raises(SourceError, match="anno"):
        read_region_queries(tmp_path / "anno.json")


@pytest.mark.data
def test_the_published_queries_are_read_whole(shared_data: Path) -> None:
    path = shared_data / "captions_only" / "air_slt_anno.json"
    queries, bad = read_region_queries(path)
    assert (len(queries), bad, len({query.image for query in queries})) == (59, [], 22)
    raw = json.loads(path.read_text())
    assert [query.caption for query in queries] == [entry["caption"].strip() for entry in raw]
