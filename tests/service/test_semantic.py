"""Semantic search: every part of a query, filters, uploads, and the honest empty answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from archive.fakes import FakeEncoder, filled, grid, make_chip, units
from service.world import settings
from swath.archive import Archive
from swath.service import Catalog, create_app
from swath.service.semantic import NO_MATCH
from swath.service.semantic_models import CONFORMANCE


def post(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.post("/semantic-search", json=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(found: dict[str, Any]) -> list[str]:
    return [feature["id"] for feature in found["features"]]


def test_it_answers_as_the_archive_does(client: TestClient, world: Archive) -> None:
    found = post(client, text="harbour", limit=7)
    hits = world.search("harbour", k=7)
    assert ids(found) == [hit.id for hit in hits]
    properties = [feature["properties"] for feature in found["features"]]
    assert [each["swath:rank"] for each in properties] == list(range(1, 8))
    assert [each["swath:score"] for each in properties] == pytest.approx([hit.score for hit in hits])
    assert [each["swath:confidence"] for each in properties] == pytest.approx([hit.confidence for hit in hits])
    assert found["swath:context"]["confidence"] == pytest.approx(hits.confidence)
    assert ids(client.get("/semantic-search", params={"text": "harbour", "limit": 7}).json()) == ids(found)
    assert CONFORMANCE in client.get("/conformance").json()["conformsTo"]


def test_examples_places_and_weights(client: TestClient, world: Archive, item: str) -> None:
    name = item.rpartition("/")[2]
    like = {"collection": "world-rgb", "id": name}
    assert ids(post(client, like=like, limit=5)) == [hit.id for hit in world.search(like=name, k=5)]
    assert ids(client.get("/semantic-search", params={"like": f"world-rgb/{name}", "limit": 5}).json())[0] == name
    mixed = post(client, text="port", positives=[like], negatives=[{"text": "sea"}], weights={"text": 0.5}, limit=5)
    wanted = world.search("port", positives=[name], negatives=["sea"], weights={"text": 0.5}, k=5)
    assert ids(mixed) == [hit.id for hit in wanted]
    by_get = client.get(
        "/semantic-search",
        params={
            "text": "port",
            "positives": f"world-rgb/{name}",
            "negative_texts": "sea",
            "weights": "text=0.5",
            "limit": 5,
        },
    )
    assert ids(by_get.json()) == ids(mixed)
    near = post(client, near=[0.025, 0.05], radius_km=20, limit=50)
    assert ids(near) == [hit.id for hit in world.search(near=(0.025, 0.05), radius_km=20, k=50)]
    each = post(client, text="port", per_sensor=True, limit=2)
    assert [feature["properties"]["swath:rank"] for feature in each["features"]] == [1, 2] * 3


def test_filters_hold(client: TestClient) -> None:
    found = post(client, text="port", filter="eo:cloud_cover < 4", limit=50)
    assert len(found["features"]) == 4
    found = post(client, text="port", filter={"op": "=", "args": [{"property": "title"}, "Forest"]}, bbox=[0, 0, 2, 1])
    assert {feature["properties"]["title"] for feature in found["features"]} == {"Forest"}
    found = post(client, text="port", sensors=["s1"], datetime="2020-06-01T00:00:00Z/..")
    assert {feature["collection"] for feature in found["features"]} == {"world-s1-grd"}
    assert not post(client, text="port", collections=["world-rgb"], sensors=["s1"])["features"]
    sure = post(client, text="port", min_confidence=0.6, limit=50)["features"]
    assert all(feature["properties"]["swath:confidence"] >= 0.6 for feature in sure)
    assert len(sure) < 50


def test_an_uploaded_image_is_searched_by(client: TestClient, world: Archive, item: str) -> None:
    picture = client.get(f"{item}/thumbnail").content
    answer = client.post(
        "/semantic-search", data={"query": json.dumps({"limit": 3})}, files={"image": ("x", picture, "image/jpeg")}
    )
    assert answer.status_code == 200, answer.text
    assert ids(answer.json())[0] == item.rpartition("/")[2]
    answer = client.post("/semantic-search", files={"image": ("x", picture)}, data={"query": '{"text": "port"}'})
    assert answer.status_code == 200


def test_words_never_name_a_file(client: TestClient, tmp_path: Path) -> None:
    """`Query` reads a text that names an image file as that file; a client's words are only words."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"no picture")
    found = post(client, text="port", positives=[{"text": str(secret)}], negatives=[{"text": "0" * 32}], limit=2)
    assert len(found["features"]) == 2


def test_nothing_matches_well(tmp_path: Path) -> None:
    towards = units(1)[0]
    encoder = FakeEncoder(texts={"there": towards, "absent": -towards})
    archive = filled(tmp_path / "archive", [make_chip(n, n) for n in range(20)], np.tile(towards, (20, 1)), encoder)
    with TestClient(create_app(settings(), Catalog({"one": archive}))) as own:
        found = post(own, text="absent")
        assert found["swath:context"]["matches_well"] is False
        assert found["swath:context"]["message"] == NO_MATCH
        assert post(own, text="there")["swath:context"]["matches_well"] is True


def test_several_archives_answer_together(tmp_path: Path, world: Archive) -> None:
    other = filled(tmp_path / "other", [make_chip(100 + n, n) for n in range(5)], units(5, seed=3))
    strange = filled(tmp_path / "strange", grid(5), units(5, 8), FakeEncoder(8, "other@1"))
    catalog = Catalog({"world": world, "other": other, "strange": strange})
    with TestClient(create_app(settings(), catalog)) as own:
        found = post(own, text="port", limit=12)
        scores = {hit.id: hit.score for archive in (world, other) for hit in archive.search("port", k=12)}
        same = [f["properties"]["swath:score"] for f in found["features"] if not f["collection"].startswith("strange")]
        assert same == sorted(scores.values(), reverse=True)[: len(same)]
        assert any(feature["collection"].startswith("strange") for feature in found["features"])
        assert found["swath:context"]["model"] == ["fake@1", "other@1"]
        total = own.get("/search", params={"limit": 100}).json()
        assert total["numberMatched"] == 60
        assert len({feature["id"] for feature in total["features"]}) >= 55
        like = {"collection": "other-rgb", "id": other.browse(limit=1)[0].id}
        answer = own.post("/semantic-search", json={"like": like})
        assert answer.status_code == 409, "its file is not there, and the other archive must see it"


@pytest.mark.parametrize(
    "query",
    [
        {}, {"text": ""}, {"text": "a", "limit": 0}, {"text": "a", "weights": {"text": -1}}, {"text": "a", "no": 1},
        {"near": [200, 0]}, {"text": "a", "min_confidence": 2}, {"text": "a", "bbox": [0, 0, 1]},
        {"text": "a", "datetime": "yesterday"}, {"text": "a", "sensors": ["camera"]}, {"text": "a", "filter": "x ="},
        {"negatives": [{"text": "a"}]}, {"text": "a", "bbox": [0, 0, 1, 1], "intersects": {"type": "Point"}},
        {"text": "a", "like_place": [1, 1]}, {"text": "a", "similarity": "fused"}, {"text": "a" * 5000},
        {"text": "a", "positives": [{"text": "b"}] * 40}, {"like": {"collection": "../x", "id": "y"}, "rerank": "bank"},
    ],
)  # fmt: skip
def test_bad_queries_are_refused(client: TestClient, query: dict[str, Any]) -> None:
    answer = client.post("/semantic-search", json=query)
    assert answer.status_code in (400, 404), answer.text
    assert set(answer.json()) == {"code", "description"}
