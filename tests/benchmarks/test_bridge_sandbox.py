from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from swath.chips import Chip, SceneRef, Window
from swath.data import Pair
from swath.training import Recipe

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SHARES = {"Trees": 0.6, "Water": 0.3, "Built": 0.1}


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        names = ("bridge_sandbox", "bridge_sandbox_run", "bridge_sandbox_world")
        yield {name.removeprefix("bridge_sandbox").lstrip("_"): importlib.import_module(name) for name in names}


def test_training_regions_are_dealt_out_and_test_regions_seen_by_both(modules: dict[str, Any]) -> None:
    images = {"s1-grd": 1, "s2-l2a": 2, "rgb": 3}
    found = [
        {"id": region, "region": region, "split": split, "shares": SHARES, "images": images}
        for region, split in (("a", "train"), ("b", "train"), ("c", "test"))
    ]
    chips = modules["world"].chips(found, ["Built", "Water", "Trees"])
    told = [(chip["region"], chip["split"], sorted(chip["images"]), chip["captions"]) for chip in chips]
    assert told == [
        ("a", "train", ["s1-grd"], ["water. trees"]),
        ("a", "silent", ["s2-l2a"], []),
        ("b", "train", ["s2-l2a"], ["water. trees"]),
        ("b", "silent", ["s1-grd"], []),
        ("c", "test", ["s1-grd", "s2-l2a"], ["water. trees"]),
    ]


def pair(name: str, group: str, *labels: str) -> Pair:
    scene = SceneRef(id=name, href=name, layers=(), sensor="s1-grd")
    return Pair(Chip(scene, Window(0, 0, 8, 8)), labels=labels, group=group)


def test_the_same_chip_is_what_counts_and_labels_grade(modules: dict[str, Any]) -> None:
    one = [pair("a1", "a", "trees"), pair("b1", "b", "water"), pair("c1", "c", "trees", "water")]
    other = [pair("b2", "b", "water"), pair("c2", "c", "trees", "water"), pair("a2", "a", "trees")]
    scores = torch.tensor([[0.1, 0.8, 0.9], [0.7, 0.9, 0.1], [0.5, 0.5, 0.1]])
    found = modules["run"].across(scores, one, other)
    assert found["s1_s2_r1"] == {"a1": 1.0, "b1": 0.0, "c1": 0.0}  # a tie counts against the query
    assert set(found["s1_s2_r5"].values()) == {1.0}
    assert found["s1_s2_ndcg"]["a1"] == pytest.approx(1.0)
    assert found["s1_s2_ndcg"]["b1"] == pytest.approx((1 + 2 / 1.584963) / (2 + 1 / 1.584963), rel=1e-5)
    assert found["s2_s1_r1"] == {"b2": 1.0, "c2": 0.0, "a2": 1.0}


def test_gains_are_paired_by_query_and_seeds_averaged(modules: dict[str, Any]) -> None:
    first = [{"values": {"m": {"q": 0.5, "p": 0.9}}}, {"values": {"m": {"q": 0.7, "p": 0.9}}}]
    second = [{"values": {"m": {"p": 0.7, "q": 0.4}}}]
    summary = modules[""].Summary({"new": first, "old": second})
    summary.gain("gain", ("new", "m"), ("old", "m"))
    summary.put("new", "new", "m")
    assert summary.metrics == {"gain": pytest.approx(20.0), "new": pytest.approx(75.0)}
    assert summary.intervals["gain"] == (pytest.approx(20.0), pytest.approx(20.0))
    second[0]["values"]["m"]["other"] = 1.0
    with pytest.raises(SystemExit, match="not asked the same queries"):
        summary.gain("gain", ("new", "m"), ("old", "m"))


def test_every_configuration_is_a_recipe_and_differs(modules: dict[str, Any]) -> None:
    recipes = [Recipe.load(modules["run"].RECIPE, own) for own in modules[""].CONFIGURATIONS.values()]
    assert len({recipe.to_yaml() for recipe in recipes}) == len(recipes)
