"""The main job, end to end, with the packaged model: a world, its archive, and every kind of search."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from swath.archive.places import great_circle_km
from swath.cli import app

HIT = {
    "rank",
    "id",
    "score",
    "raw_score",
    "calibrated_score",
    "confidence",
    "sensor",
    "datetime",
    "bbox",
    "geometry",
} | {
    "href",
    "window",
    "properties",
}
CHIP = 128

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def run() -> Run:
    def swath(*arguments: object) -> Any:
        done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return swath


@pytest.fixture(scope="module")
def world(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("job") / "world"
    made = run("sandbox", place, "--regions", 4, "--dates", 1, "--size", 256)
    assert (made["regions"], made["items"], made["synthetic"]) == (4, 12, True)
    return place


@pytest.fixture(scope="module")
def archive(run: Run, world: Path) -> Path:
    place = world.parent / "archive"
    made = run("index", world, "--to", place, "--chip", CHIP)
    # 2 x 2 chips of each Sentinel scene, 4 x 4 of each picture of twice the resolution.
    assert (made["added"], made["failures"]) == (4 * (4 + 4 + 16), [])
    return place


def test_info_tells_what_was_indexed(run: Run, archive: Path) -> None:
    found = run("archive", "info", archive)
    assert found["rows"] == 96
    assert found["sensors"] == {"rgb": 64, "s1-grd": 16, "s2-l2a": 16}
    assert found["model"].startswith("swath-mini@")
    assert len(found["bbox"]) == 4
    assert len(found["datetime"]) == 2


@pytest.mark.parametrize(
    ("words", "sensor", "label"), [("open water", "s1", "Water"), ("green trees in a forest", "s2", "Trees")]
)
def test_words_find_chips_that_show_them(
    run: Run, archive: Path, world: Path, words: str, sensor: str, label: str
) -> None:
    """The best quarter of the hits shows clearly more of it than the rest, by the sandbox's own land cover."""
    truth = {
        (image["href"], tuple(image["window"])): chip["shares"].get(label, 0.0)
        for chip in json.loads((world / "pairs.json").read_text())["chips"]
        for image in chip["images"].values()
    }
    found = run("search", archive, words, "--sensor", sensor, "-k", 16)
    assert set(found) == {"query", "hits"}
    assert all(set(hit) == HIT for hit in found["hits"])
    assert [hit["rank"] for hit in found["hits"]] == list(range(1, 17))
    shares = [truth[Path(hit["href"]).relative_to(world).as_posix(), tuple(hit["window"])] for hit in found["hits"]]
    assert sum(shares[:4]) / 4 > 1.5 * sum(shares) / 16


def test_an_image_finds_its_own_scene(run: Run, archive: Path, world: Path) -> None:
    scenes = sorted((world / "s2-l2a").glob("*.tif"))
    assert len(scenes) == 4
    for scene in scenes:
        hits = run("search", archive, "--like", scene, "--sensor", "s2", "-k", 5)["hits"]
        assert Path(hits[0]["href"]).name == scene.name
    again = run("search", archive, "--like", hits[0]["id"], "-k", 1)["hits"]
    assert again[0]["id"] == hits[0]["id"]
    assert again[0]["score"] == pytest.approx(1.0, abs=1e-2)


def test_a_place_ranks_by_distance_and_filters_by_radius(run: Run, archive: Path, world: Path) -> None:
    chip = json.loads((world / "pairs.json").read_text())["chips"][0]
    near = f"{chip['lon']},{chip['lat']}"
    hits = run("search", archive, "--near", near, "-k", 10)["hits"]
    assert all(hit["score"] >= other["score"] for hit, other in pairwise(hits))
    inside = run("search", archive, "forest", "--near", near, "--radius", 5, "-k", 200)["hits"]
    assert 0 < len(inside) < 96
    for hit in inside:
        west, south, east, north = hit["bbox"]
        assert great_circle_km(chip["lon"], chip["lat"], [(west + east) / 2], [(south + north) / 2])[0] < 6


def test_a_second_run_changes_nothing(run: Run, archive: Path, world: Path) -> None:
    made = run("index", world, "--to", archive, "--chip", CHIP)
    assert (made["added"], made["present"], made["rows"]) == (0, 96, 96)
