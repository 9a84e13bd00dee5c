from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rasterio

from generate.rasters import write_json


def test_one_scene_and_two_texts(run_json: Callable[..., Any], model: Path, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps" / "heat.tif"
    found = run_json(
        "localize", scenes / "s2.tif", "a harbour", "fields", "--out", out, "--model", model, "--scales", "32,64"
    )
    assert found["texts"] == ["a harbour", "fields"]
    assert found["failures"] == []
    (scene,) = found["scenes"]
    assert (scene["id"], scene["sensor"], scene["pixel"], scene["scales"]) == ("s2.tif", "s2-l2a", 1, [32, 64])
    with rasterio.open(out) as file:
        assert file.descriptions == ("a harbour", "fields")
        assert file.shape == (128, 128)
    places = json.loads(out.with_suffix(".geojson").read_text())
    assert places["type"] == "FeatureCollection"
    assert places["features"] == scene["peaks"]
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_of_scenes_with_a_broken_one(
    run: Callable[..., Any], run_json: Callable[..., Any], model: Path, scenes: Path, tmp_path: Path
) -> None:
    found = run_json(
        "localize", scenes, "water", "--out", tmp_path / "maps", "--model", model, "--by", "tokens", "--scales", 32
    )
    assert {scene["id"] for scene in found["scenes"]} == {"s1.tif", "s2.tif", "photo.png"}
    assert ["broken.tif" in failure["href"] for failure in found["failures"]] == [True]
    assert {path.name for path in (tmp_path / "maps").glob("*.tif")} == {"s1.tif", "s2.tif", "photo.tif"}
    shown = run("localize", scenes / "s1.tif", "water", "--out", tmp_path / "one.tif", "--model", model, "--scales", 32)
    assert shown.exit_code == 0, shown.output
    assert "relative" in shown.stdout
    assert "wrote" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["s2.tif", " "], 2, "empty"),
        (["s2.tif", "water", "--scales", "big"], 2, "not a list of sides"),
        (["s2.tif", "water", "--scales", "0"], 2, "scales must be"),
        (["broken.tif", "water"], 1, "broken.tif"),
        (["nowhere.tif", "water"], 1, "nowhere.tif"),
        (["", "water"], 2, "give --out a folder"),
    ],
)
def test_bad_input(
    run: Callable[..., Any], model: Path, scenes: Path, tmp_path: Path, arguments, code: int, says: str
) -> None:
    scene, *rest = arguments
    done = run("localize", scenes / scene, *rest, "--out", tmp_path / "heat.tif", "--model", model)
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr
    assert not (tmp_path / "heat.tif").exists()


def test_evaluation_of_annotated_scenes(
    run: Callable[..., Any], run_json: Callable[..., Any], model: Path, scenes: Path, tmp_path: Path
) -> None:
    square = [[10, 10], [60, 10], [60, 60], [10, 60]]
    entries = [{"caption": "water", "jpg_name": "s2.tif", "points": [square]}, {"caption": "water"}]
    anno = write_json(tmp_path / "anno.json", entries)
    asked = ("evaluate", "localization", model, anno, "--images", scenes, "--scales", "32,64", "--rounds", 50)
    found = run_json(*asked)
    assert {"rsu", "ras", "rda", "rmi", "pointing"} == set(found["metrics"]) == set(found["intervals"])
    assert len(found["queries"]) == len(found["failures"]) == 1
    shown = run(*asked, "--legacy")
    assert shown.exit_code == 0, shown.output
    assert "rmi" in shown.stdout
    assert "left out: 1 (entry 1: lacks" in shown.stderr
