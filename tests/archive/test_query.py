from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archive.fakes import filled, make_chip
from swath.archive import Query
from swath.archive.query import DEFAULT_RADIUS_KM, ChipId, read_example
from swath.chips import Pixels
from swath.errors import QueryError
from swath.sensors import SENSORS

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"text": ""}, "empty"),
    ({"text": " \n"}, "empty"),
    ({"text": 5}, "empty"),
    ({"near": (45, 100)}, "did you mean 100,45"),
    ({"near": (-118,)}, "two numbers"),
    ({"near": (0, 0), "radius_km": 0}, "above 0"),
    ({"near": (0, 0), "radius_km": -3}, "above 0"),
    ({"near": (0, 0), "radius_km": float("nan")}, "above 0"),
    ({"near": (0, 0), "radius_km": 1e6}, "above 0"),
    ({"text": "a", "radius_km": 5}, "needs near"),
    ({"text": "a", "bbox": (1, 2, 3)}, "four numbers"),
    ({"text": "a", "datetime": "soon"}, "not a date"),
    ({"text": "a", "sensor": "worldview"}, "unknown sensor"),
    ({"text": "a", "where": "1=1"}, "where filter"),
    ({"text": "a", "geometry": "/nowhere.geojson"}, "cannot be read"),
    ({"text": "a", "geometry": 5}, "must be"),
    ({"text": "a", "weights": {"sound": 1}}, "no query part 'sound'"),
    ({"text": "a", "weights": {"text": -1}}, "from 0 up"),
    ({"text": "a", "weights": {"text": float("inf")}}, "from 0 up"),
    ({"text": "a", "weights": {"text": 0}}, "weight 0"),
    ({"negatives": ["forest"]}, "negative examples alone"),
    ({"positives": "forest"}, "must be a list"),
    ({"positives": ["forest", " "]}, "empty text"),
]


@pytest.mark.parametrize(("parts", "why"), WRONG)
def test_queries_that_cannot_be_answered(parts: dict[str, Any], why: str) -> None:
    with pytest.raises(QueryError, match=why):
        Query(**parts)


def test_near_is_a_filter_beside_a_text_and_a_ranking_alone() -> None:
    assert Query(near=(1, 2)).filters.circle is None
    assert Query(near=(1, 2), radius_km=3).filters.circle.radius_km == 3
    assert Query(text="a", near=(1, 2)).filters.circle.radius_km == DEFAULT_RADIUS_KM
    soft = Query(text="a", near=(1, 2), weights={"near": 1})
    assert soft.filters.circle is None
    assert soft.is_soft_near
    assert not Query(near=(1, 2), weights={"near": 1}).is_soft_near


def test_filters_alone_do_not_rank() -> None:
    assert not Query(bbox=(0, 0, 1, 1)).ranks
    assert not Query().ranks
    assert Query(positives=["a"]).ranks


def test_examples_are_told_apart(tmp_path: Path) -> None:
    image = tmp_path / "my image ü.png"
    Image.new("RGB", (8, 8)).save(image)
    archive = filled(tmp_path / "archive", [make_chip(1)])
    chip_id = make_chip(1).id
    assert read_example(archive.get([chip_id])[0]) == ChipId(chip_id)
    assert read_example(chip_id) == ChipId(chip_id)
    assert read_example(str(image)) == image
    assert read_example(image) == image
    assert read_example("no such file.png") == "no such file.png"
    assert read_example("harbor") == "harbor"


def test_a_query_is_json_with_what_was_given_only() -> None:
    pixels = Pixels(np.zeros((3, 8, 6), np.uint8), np.ones((8, 6), bool), SENSORS["rgb"])
    query = Query(
        text="port",
        like=pixels,
        near=(1, 2),
        positives=["ships"],
        weights={"text": 2},
        bbox=(0, 0, 1, 1),
        geometry={"type": "Point", "coordinates": [0.5, 0.5]},
        datetime=("2020", None),
        sensor="s1-grd",
        where="minx < 1",
    )
    found = json.loads(json.dumps(query.to_dict()))
    assert found == {
        "text": "port",
        "like": "rgb image of 6 x 8 pixels",
        "near": [1.0, 2.0],
        "radius_km": 50.0,
        "positives": ["ships"],
        "weights": {"text": 2},
        "bbox": [0.0, 0.0, 1.0, 1.0],
        "geometry": {"type": "Point", "coordinates": [0.5, 0.5]},
        "datetime": "2020/..",
        "sensor": ["s1-grd"],
        "where": "minx < 1",
    }
    assert query.title().startswith("port · like rgb image")
    assert Query(near=(1, 2)).to_dict() == {"near": [1.0, 2.0]}
