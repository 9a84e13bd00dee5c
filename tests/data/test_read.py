"""Whatever a file holds, reading gives a data set or an error of swath's own."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generate.captions import entries, karpathy, picture, save
from swath.data import Dataset, read_dataset
from swath.data.read import LAYOUTS
from swath.errors import DataError, SwathError

_SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("a.png")
_VALUE = st.recursive(_SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner))
_FIELDS = ("filename", "sentences", "split", "class", "labels", "location", "long_sentences", "filepath", "dataset")
_ENTRY = st.dictionaries(st.sampled_from(_FIELDS), _VALUE)
_RELAXED = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def survives(path, **options):
    """Read; errors of swath's own are fine, any other fails the test."""
    with contextlib.suppress(SwathError):
        assert isinstance(read_dataset(path, **options), Dataset)


@_RELAXED
@given(st.lists(_ENTRY, max_size=4))
def test_any_json_values(tmp_path, images):
    save(tmp_path / "images" / "a.png", picture(1, 8))
    (tmp_path / "d.json").write_text(json.dumps({"sentences": [], "images": images}))
    survives(tmp_path)


@_RELAXED
@given(st.data())
def test_changed_bytes_of_good_files(tmp_path, data):
    save(tmp_path / "images" / "airport_0.png", picture(1, 8))
    texts = {
        "d.json": json.dumps({"dataset": "d", "images": entries(1)}),
        "d.csv": 'filename,title,split\nairport_0.png,"a plane, white .",train\nairport_0.png,two .,train\n',
        "train_caps.txt": "one .\ntwo .\n",
    }
    name = data.draw(st.sampled_from(sorted(texts)))
    content = bytearray(texts[name].encode())
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3)) or b" "
    (tmp_path / "train_filename.txt").write_text("airport_0.png\nairport_0.png\n")
    (tmp_path / name).write_bytes(bytes(content))
    survives(tmp_path / name)


@pytest.mark.parametrize("suffix", [".json", ".csv", ".tsv", ".parquet", ".tar", "_caps.txt", ".zip"])
@pytest.mark.parametrize("content", [b"", b"\0" * 700, b"\xff\xfe\x00", b"[" * 5000])
def test_files_that_are_not_what_their_name_says(tmp_path, suffix, content):
    path = tmp_path / f"train{suffix}"
    path.write_bytes(content)
    (tmp_path / "train_filename.txt").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_dataset(path)
    assert 20 < len(str(caught.value)) < 1500


def test_json_nested_too_deep(tmp_path):
    (tmp_path / "x.json").write_text('{"sentences": ' + "[" * 100_000)
    with pytest.raises(DataError, match="not valid JSON"):
        read_dataset(tmp_path / "x.json")


def test_half_a_surrogate_pair_is_refused(tmp_path):
    save(tmp_path / "images" / "a.png", picture(1, 8))
    entry = {"filename": "a.png", "sentences": ["a \ud800 lake"]}
    (tmp_path / "d.json").write_text(json.dumps({"images": [entry]}))
    with pytest.raises(DataError, match="not valid Unicode"):
        read_dataset(tmp_path)


def test_names_longer_than_a_file_system_takes(tmp_path):
    karpathy(tmp_path)
    path = tmp_path / "dataset_tiny.json"
    document = json.loads(path.read_text())
    document["images"][0]["filename"] = "x" * 900
    path.write_text(json.dumps(document))
    assert read_dataset(tmp_path).failures[0].kind == "missing image"
    document["images"][0]["filename"] = "x" * 5000
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="at most 1024 characters"):
        read_dataset(tmp_path)


def test_layouts_have_their_own_names():
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS)
    assert all(layout.looks_like for layout in LAYOUTS)
