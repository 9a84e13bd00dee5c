from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pystac
import pytest
from PIL import Image

SCORES = {"score", "raw_score", "calibrated_score", "confidence"}
HIT = SCORES | {"rank", "id", "sensor", "datetime", "bbox", "geometry", "href", "window", "properties"}


def test_the_json_contract(run_json: Callable[..., Any], archive: Path) -> None:
    found = run_json("search", archive, "a forest beside a lake", "-k", 4)
    assert set(found) == {"query", "hits"}
    assert found["query"]["text"] == "a forest beside a lake"
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3, 4]
    assert all(set(hit) == HIT for hit in found["hits"])
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= hit["confidence"] <= 1 for hit in found["hits"])


def test_an_image_of_the_archive_finds_itself_first(run_json: Callable[..., Any], archive: Path, scenes: Path) -> None:
    found = run_json("search", archive, "--like", scenes / "photo.png", "-k", 2)
    assert Path(found["hits"][0]["href"]).name == "photo.png"
    assert found["hits"][0]["score"] == pytest.approx(1.0, abs=1e-3)
    again = run_json("search", archive, "--like", found["hits"][0]["id"], "-k", 1)
    assert again["hits"][0]["id"] == found["hits"][0]["id"]


def test_negative_coordinates_are_values_not_options(run_json: Callable[..., Any], archive: Path) -> None:
    west, south, east, north = run_json("archive", "info", archive)["bbox"]
    lon, lat = (west + east) / 2, (south + north) / 2
    near = run_json("search", archive, "--near", f"{lon},{lat}", "-k", 8)["hits"]
    assert len(near) == 8
    assert run_json("search", archive, "--near", "-118.2,-34.0", "--radius", 1)["hits"] == []
    assert run_json("search", archive, "--bbox", "-119,-36,-117,-35")["hits"] == []
    assert len(run_json("search", archive, "x", "--bbox", f"{west},{south},{east},{north}")["hits"]) == 8


def test_a_text_may_begin_with_a_dash(run: Callable[..., Any], archive: Path) -> None:
    done = run("search", archive, "--json", "--", "-text")
    assert json.loads(done.stdout)["query"]["text"] == "-text"


def test_filters_hold(run_json: Callable[..., Any], archive: Path, tmp_path: Path) -> None:
    assert {hit["sensor"] for hit in run_json("search", archive, "x", "--sensor", "s2")["hits"]} == {"s2-l2a"}
    two = run_json("search", archive, "x", "--sensor", "s1", "--sensor", "s2")["hits"]
    assert len(two) == 8
    only = run_json("search", archive, "x", "--where", "sensor = 'rgb'")["hits"]
    assert [hit["geometry"] for hit in only] == [None]
    footprint = two[0]["geometry"]
    (tmp_path / "area.geojson").write_text(json.dumps(footprint))
    inside = run_json("search", archive, "x", "--geometry", tmp_path / "area.geojson")["hits"]
    assert two[0]["id"] in {hit["id"] for hit in inside}


def test_filters_alone_list(run_json: Callable[..., Any], archive: Path) -> None:
    found = run_json("search", archive, "--sensor", "s2", "-k", 3)["hits"]
    assert [hit["score"] for hit in found] == [None, None, None]


def test_examples_and_weights_change_the_order(run_json: Callable[..., Any], archive: Path) -> None:
    plain = run_json("search", archive, "water")["hits"]
    last = plain[-1]["id"]
    moved = run_json("search", archive, "water", "--more-like", last, "--weight", "positives=5")["hits"]
    assert moved[0]["id"] == last
    away = run_json("search", archive, "water", "--less-like", plain[0]["id"], "--weight", "negatives=9")["hits"]
    assert away[-1]["id"] == plain[0]["id"]


def test_geojson_and_stac(run: Callable[..., Any], archive: Path) -> None:
    geojson = json.loads(run("search", archive, "x", "-k", 3, "--geojson").stdout)
    assert (geojson["type"], len(geojson["features"])) == ("FeatureCollection", 3)
    stac = json.loads(run("search", archive, "x", "-k", 3, "--stac").stdout)
    assert len(pystac.ItemCollection.from_dict(stac).items) == 3


def test_two_forms_at_once_are_bad_usage(run: Callable[..., Any], archive: Path) -> None:
    done = run("search", archive, "x", "--json", "--stac")
    assert done.exit_code == 2
    assert done.stdout == ""


def test_the_table_is_for_people(run: Callable[..., Any], archive: Path) -> None:
    done = run("search", archive, "water", "-k", 9)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["#", "score", "conf", "sensor", "date", "place", "where", "id"]
    assert len(lines) == 10
    assert "photo.png 0,0,64,64" in done.stdout


def test_no_hits_says_so(run: Callable[..., Any], archive: Path) -> None:
    done = run("search", archive, "water", "--datetime", "1990")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no hits" in done.stderr


def test_pictures(run: Callable[..., Any], archive: Path, tmp_path: Path) -> None:
    done = run(
        "search", archive, "x", "-k", 3, "--sheet", tmp_path / "s.png", "--save-thumbs", tmp_path / "t", "--json"
    )
    assert len(json.loads(done.stdout)["hits"]) == 3
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.format == "PNG"
    assert len(list((tmp_path / "t").iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--like", "nowhere.png"], "nowhere.png"),
        (["--less-like", "clouds"], "negative examples alone"),
        (["x", "--radius", "5"], "near"),
        (["x", "--where", "1; DROP TABLE chips"], "where"),
        (["x", "--sensor", "worldview"], "worldview"),
        (["x", "--datetime", "yesterday"], "yesterday"),
        (["x", "--weight", "texture=2"], "texture"),
        ([" "], "empty"),
        ([], "nothing to search by"),
        (["x", "-k", "0"], "-k"),
    ],
)
def test_what_cannot_be_asked_is_bad_usage(
    run: Callable[..., Any], archive: Path, arguments: list[str], says: str
) -> None:
    done = run("search", archive, *arguments)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert says in done.stderr


LONG = "a river runs past large buildings and a parking lot with many cars . " * 12


def test_a_text_over_the_context_is_cut_refused_or_read_in_windows(
    run: Callable[..., Any], run_json: Callable[..., Any], archive: Path
) -> None:
    with pytest.warns(UserWarning, match="1 of 1 texts were cut to 32 tokens"):
        cut = run_json("search", archive, LONG, "-k", 3)
    refused = run("search", archive, LONG, "--truncation", "error")
    assert refused.exit_code == 2
    assert "the model takes 32" in refused.stderr
    whole = run_json("search", archive, LONG, "-k", 3, "--truncation", "window")
    assert whole["query"]["truncation"] == "window"
    assert [hit["score"] for hit in whole["hits"]] != [hit["score"] for hit in cut["hits"]]


@pytest.mark.parametrize(
    "text",
    ["河边有许多绿树", "نهر", "✈️🌊", "river\x00\x07 bridge", "\u202eriver"],
    ids=["han", "arabic", "emoji", "nul", "rtl"],
)
def test_texts_of_any_script_are_searched(run_json: Callable[..., Any], archive: Path, text: str) -> None:
    found = run_json("search", archive, text, "-k", 2)
    assert found["query"]["text"] == text
    assert len(found["hits"]) == 2


def test_empty_and_endless_texts_are_bad_usage(run: Callable[..., Any], archive: Path) -> None:
    for text, said in (("  ", "the query text is empty"), ("x" * 100_001, "over the limit of 100000")):
        done = run("search", archive, text)
        assert done.exit_code == 2
        assert said in done.stderr


def test_ten_thousand_tokens_are_searched(run_json: Callable[..., Any], archive: Path) -> None:
    assert len(run_json("search", archive, "river " * 10_000, "-k", 2, "--truncation", "window")["hits"]) == 2


def test_fused_similarity_and_asking_back_are_told(
    run: Callable[..., Any], run_json: Callable[..., Any], archive: Path, tmp_path: Path
) -> None:
    refused = run("search", archive, "a river", "--similarity", "fused")
    assert refused.exit_code == 2
    assert "--fusion" in refused.stderr
    given = ("--similarity", "fused", "--fusion", "0.5,0.5", "-k", 4)
    found = run_json("search", archive, "a river", *given, "--rerank", "bank", "--rerank-k", 3)
    asked = found["query"]
    assert (asked["similarity"], asked["rerank"], asked["rerank_k"]) == ("fused", "bank", 3)
    assert (asked["fusion"]["alpha"], asked["fusion"]["beta"], asked["candidates"]) == (0.5, 0.5, 200)
    assert 0 <= asked["confidence"] <= 1
    assert len(found["hits"]) == 4
    (tmp_path / "fusion.json").write_text(json.dumps({"fusion": asked["fusion"]}))
    again = run_json("search", archive, "a river", "--similarity", "fused", "--fusion", tmp_path / "fusion.json")
    assert {hit["id"]: hit["score"] for hit in found["hits"]}.items() <= {
        hit["id"]: hit["score"] for hit in again["hits"]
    }.items()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a", "--similarity", "fused", "--fusion", "0.5"], "ALPHA,BETA"),
        (["a", "--similarity", "fused", "--fusion", "absent.json"], "absent.json"),
        (["a", "--fusion", "0.5,0.5"], "'fused'"),
        (["--sensor", "s2", "--rerank", "bank"], "nothing to search by"),
        (["a", "--like", "photo.png", "--rerank", "bank"], "one text"),
    ],
)
def test_a_refinement_that_does_not_fit_is_bad_usage(
    run: Callable[..., Any], archive: Path, arguments: list[str], says: str
) -> None:
    done = run("search", archive, *arguments)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert says in done.stderr


def test_the_best_of_each_sensor(run_json: Callable[..., Any], archive: Path, tmp_path: Path) -> None:
    found = run_json("search", archive, "a forest", "--per-sensor", "-k", 2, "--sheet", tmp_path / "s.png")
    sensors = [hit["sensor"] for hit in found["hits"]]
    assert all(sensors.count(name) <= 2 for name in sensors)
    assert set(sensors) == set(run_json("archive", "info", archive)["sensors"])
    assert found["query"]["per_sensor"] is True
    raw = run_json("search", archive, "a forest", "--scores", "raw", "-k", 3)
    assert raw["query"]["scores"] == "raw"
    assert all(hit["score"] == hit["raw_score"] for hit in raw["hits"])


def test_nothing_to_search_by_names_the_options(run: Callable[..., Any], archive: Path) -> None:
    done = run("search", archive)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--bbox" in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".geojson", ".parquet"])
def test_hits_are_written_as_a_table(run: Callable[..., Any], archive: Path, tmp_path: Path, suffix: str) -> None:
    done = run("search", archive, "water", "-k", 3, "--out", tmp_path / f"hits{suffix}")
    assert done.exit_code == 0, done.output
    assert f"3 hits in {tmp_path}" in done.stderr
    assert (tmp_path / f"hits{suffix}").stat().st_size > 0


def test_an_empty_archive_is_called_empty(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert run("index", tmp_path / "nothing", "--to", tmp_path / "a", "--model", model).exit_code == 1
    assert "the archive is empty" in run("search", tmp_path / "a", "water").stderr


def test_a_property_that_no_chip_has_is_named(run: Callable[..., Any], archive: Path) -> None:
    done = run("search", archive, "water", "--where", "properties.name = 'nothing' OR properties.eo:cloud < 5")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no chip has a property 'eo:cloud'" in done.stderr
    assert "'name'" not in done.stderr
