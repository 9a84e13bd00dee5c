from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.cli.output import plain, print_fields, print_json, print_table

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json_values)
def test_json_values_stay_as_they_are(value: object) -> None:
    assert plain(value) == value


def test_values_of_the_rooms_become_plain() -> None:
    document = {
        "time": datetime(2024, 5, 1, 10, tzinfo=UTC),
        "path": Path("a/b.tif"),
        "score": np.float32(0.5),
        "count": np.int64(3),
        "window": (0, 0, 64, 64),
        "missing": float("nan"),
        "infinite": np.float64("inf"),
    }
    assert plain(document) == {
        "time": "2024-05-01T10:00:00Z",
        "path": "a/b.tif",
        "score": 0.5,
        "count": 3,
        "window": [0, 0, 64, 64],
        "missing": None,
        "infinite": None,
    }


def test_one_document_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"città": float("nan")})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"città": None}
    assert "città" in out
    assert err == ""


def test_a_piped_table_keeps_its_cells_whole(capsys: pytest.CaptureFixture[str]) -> None:
    href = "/data/" + "x" * 100 + "/scene.tif"
    print_table([">#", "*href"], [["1", href], ["10", "b.tif"]])
    lines = capsys.readouterr().out.splitlines()
    assert href in lines[1]
    assert lines[1].startswith(" 1 ")
    assert lines[2].startswith("10 ")


def test_fields_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"rows": 3, "sensors": "s2-l2a"})
    assert capsys.readouterr().out == "rows     3\nsensors  s2-l2a\n"
