from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
import shapely
import torch
from hypothesis import given
from hypothesis import strategies as st

from archive.fakes import DIM, make_chip, units
from swath.archive.rows import make_rows
from swath.archive.schema import chip_from_row, chip_schema, clean_json, unwrapped_bounds
from swath.archive.tokens import unpack
from swath.chips import Chip, Footprint, Layer, SceneRef, Window
from swath.features import Features


def row_of(chip: Chip) -> dict[str, object]:
    return make_rows([chip], units(1), None, None, "fake@1", DIM).to_pylist()[0]


def test_a_chip_comes_back_ready_to_be_read() -> None:
    layers = (Layer("VV", "/d/vv.tif", 1), Layer("VH", "/d/vh.tif", 2, 0.5, -1.0, 7.0))
    scene = SceneRef(
        "s", "/d/vv.tif", "s1-grd", layers, None, datetime(2020, 5, 1, tzinfo=UTC), {"a": [1, {"b": None}], "ü": "x"}
    )
    chip = Chip(scene, Window(256, 512, 256, 128), Footprint(shapely.box(1, 2, 3, 4), "EPSG:32631"))
    back = chip_from_row(row_of(chip))
    assert back.id == chip.id
    assert back.scene == scene
    assert back.scene.properties == scene.properties
    assert back.window == chip.window
    assert back.footprint is not None
    assert back.footprint.crs == "EPSG:32631"
    assert back.footprint.geometry.equals(chip.footprint.geometry)


def test_a_chip_without_georeference_or_date() -> None:
    row = row_of(make_chip(1, None, date=None))
    assert [row[name] for name in ("minx", "miny", "maxx", "maxy", "geometry", "crs", "datetime")] == [None] * 7
    assert chip_from_row(row).footprint is None


def test_dates_are_stored_in_utc() -> None:
    moment = datetime(2020, 6, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert row_of(make_chip(1, date=moment))["datetime"] == datetime(2020, 6, 1, tzinfo=UTC)
    assert row_of(make_chip(1, date=datetime(2020, 6, 1)))["datetime"] == datetime(2020, 6, 1, tzinfo=UTC)


def test_bounds_across_the_antimeridian_go_on_above_180() -> None:
    across = shapely.MultiPolygon([shapely.box(179, -1, 180, 1), shapely.box(-180, -1, -178, 1)])
    assert unwrapped_bounds(Footprint(across, "EPSG:3832")) == (179, -1, 182, 1)
    assert unwrapped_bounds(Footprint(shapely.box(1, 2, 3, 4), "EPSG:4326")) == (1, 2, 3, 4)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_properties_become_strict_json(properties: dict[str, object]) -> None:
    cleaned = clean_json(properties)
    assert json.loads(json.dumps(cleaned, allow_nan=False)) == cleaned
    for key, value in properties.items():
        if isinstance(value, (bool, str)) and key.isprintable() and str(value).isprintable():
            assert cleaned[key] == value


def test_properties_that_are_no_json() -> None:
    odd = {"nan": math.nan, "when": datetime(2020, 1, 1, tzinfo=UTC), "n": np.float32(0.5), "big": 2**70, "set": {1}}
    assert clean_json(odd) == {
        "nan": None, "when": "2020-01-01T00:00:00+00:00", "n": 0.5, "big": str(2**70), "set": [1],
    }  # fmt: skip
    assert clean_json({"file": "a\udcff"}) == {"file": "a?"}


def test_filters_see_scalars_only() -> None:
    row = row_of(
        make_chip(1, properties={"a": 1, "b": "x", "c": True, "d": [1], "e": {"f": 1}, "g": None, "h": "y" * 2000})
    )
    assert json.loads(row["scalars"]) == {"a": 1, "b": "x", "c": True}
    assert json.loads(row["properties"])["d"] == [1]


def test_features_bring_their_tokens_without_padding() -> None:
    tokens = torch.from_numpy(units(8, seed=3)).reshape(2, 4, DIM)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    features = Features(torch.from_numpy(units(2)), tokens, mask)
    rows = make_rows([make_chip(1), make_chip(2)], features, None, [b"a", None], "fake@1", DIM)
    assert rows.schema.equals(chip_schema(DIM))
    assert [unpack(data).shape for data in rows["tokens"].to_pylist()] == [(4, DIM), (2, DIM)]
    np.testing.assert_allclose(unpack(rows["tokens"][1].as_py()), tokens[1, :2], atol=0.01)
    assert rows["thumbnail"].to_pylist() == [b"a", None]
    without = Features(features.pooled, tokens[:, :0], mask[:, :0])
    assert make_rows([make_chip(1), make_chip(2)], without, None, None, "m", DIM)["tokens"].null_count == 2


@pytest.mark.parametrize("error", [0.0, 0.015, -0.015])
def test_vectors_are_stored_at_length_one(error: float) -> None:
    rows = make_rows([make_chip(1)], (1 + error) * units(1), None, None, "fake@1", DIM)
    assert np.linalg.norm(rows["vector"][0].as_py()) == pytest.approx(1, abs=1e-6)
