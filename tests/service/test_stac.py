"""The STAC API: item search, features, filters, free text, fields, order and pages."""

from __future__ import annotations

from typing import Any

import pystac
import pytest
from pystac.validation import validate_dict
from starlette.testclient import TestClient

from archive.fakes import grid, units
from service.world import settings
from swath.archive import Archive
from swath.service import Catalog, create_app
from swath.service.cql2 import CONFORMANCE


def search(client: TestClient, **parameters: Any) -> dict[str, Any]:
    answer = client.get("/search", params={"limit": 100, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def titles(found: dict[str, Any]) -> set[str]:
    return {feature["properties"].get("title", "") for feature in found["features"]}


def follow(client: TestClient, path: str) -> list[str]:
    """Ids of all pages."""
    ids: list[str] = []
    while path:
        page = client.get(path).json()
        ids += [feature["id"] for feature in page["features"]]
        path = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    return ids


def test_the_landing_page_and_collections_are_valid_stac(client: TestClient, world: Archive) -> None:
    landing = client.get("/").json()
    assert landing["type"] == "Catalog"
    queryables = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
    wanted = {"self", "root", "data", "search", "child", "semantic-search", queryables}
    assert {link["rel"] for link in landing["links"]} >= wanted
    assert set(CONFORMANCE) <= set(landing["conformsTo"]) == set(client.get("/conformance").json()["conformsTo"])
    found = client.get("/collections").json()["collections"]
    assert [each["id"] for each in found] == ["world-rgb", "world-s1-grd", "world-s2-l2a"]
    for each in found:
        collection = pystac.Collection.from_dict(each)
        validate_dict(each)
        assert collection.extent.temporal.intervals[0][0] is not None
        assert each["emb:type"] == "chip"
        assert each["emb:dimensions"] == world.dim
        assert {"emb:model", "emb:source-data"} <= {link["rel"] for link in each["links"]}
    assert sum(each["swath:rows"] for each in found) == len(world) == 50
    model = client.get("/models/world").json()
    assert model["properties"]["mlm:name"] == world.model_id


def test_items_are_valid_stac_and_name_no_file_of_this_machine(client: TestClient, item: str) -> None:
    found = client.get(item).json()
    made = pystac.Item.from_dict(found)
    validate_dict(found)
    assert {"thumbnail", "embeddings"} == set(made.assets)
    assert found["collection"] == "world-rgb"
    assert "swath:score" not in found["properties"]
    assert ".tif" not in client.get(item).text
    vector = client.get(f"{item}/embedding").json()
    assert len(vector["embedding"]) == vector["dimensions"]


def test_local_files_are_named_when_asked_for(world: Archive, item: str) -> None:
    with TestClient(create_app(settings(local_hrefs=True), Catalog({"world": world}))) as own:
        assert own.get(item).json()["assets"]["data"]["href"].endswith(".tif")


@pytest.mark.parametrize(
    ("cql2", "wanted"),
    [
        ("eo:cloud_cover < 3", 3),
        ("eo:cloud_cover >= 18 OR eo:cloud_cover = 0", 3),
        ("eo:cloud_cover BETWEEN 3 AND 5", 3),
        ("NOT eo:cloud_cover BETWEEN 3 AND 5", 17),
        ("eo:cloud_cover IN (1, 2, 99)", 2),
        ("title LIKE 'Air%'", 8),
        ("title LIKE 'air%'", 0),
        ("casei(title) LIKE casei('air%')", 8),
        ("casei(title) = casei('AIRPORT')", 4),
        ("title IS NULL", 30),
        ("odd = true", 10),
        ("collection = 'world-s1-grd'", 10),
        ("collection <> 'world-s1-grd'", 40),
        ("collection > 'world-rgb'", 20),
        ("collection IN ('world-s1-grd', 'elsewhere')", 10),
        ("swath:sensor = 's2-l2a'", 10),
        ("id = 'nothing'", 0),
        ("title = 'it''s; DROP TABLE chips'", 0),
        ("datetime < TIMESTAMP('2020-01-03T00:00:00Z') AND title IS NOT NULL", 2),
        ("datetime >= DATE('2020-01-19')  AND title IS NOT NULL", 2),
        ("T_AFTER(datetime, TIMESTAMP('2020-01-18T00:00:00Z')) AND title IS NOT NULL", 2),
        ("T_DURING(datetime, INTERVAL('2020-01-02', '2020-01-05')) AND title IS NOT NULL", 2),
        ("T_INTERSECTS(datetime, INTERVAL('..', '2020-01-02')) AND title IS NOT NULL", 2),
        ("T_DISJOINT(datetime, INTERVAL('..', '2020-01-02')) AND title IS NOT NULL", 18),
        ("S_INTERSECTS(geometry, BBOX(0, 0, 0.05, 0.1)) AND title IS NOT NULL", 4),
        ("S_WITHIN(geometry, BBOX(-0.01, -0.01, 0.06, 0.11)) AND title IS NOT NULL", 2),
        ("S_INTERSECTS(geometry, POINT(0.01 0.01)) AND S_INTERSECTS(geometry, BBOX(0, 0, 1, 1))", 1),
        ("(S_INTERSECTS(geometry, POINT(0.01 0.01)) OR title = 'Forest') AND title IS NOT NULL", 5),
        ("NOT S_INTERSECTS(geometry, BBOX(0, 0, 0.05, 0.1)) AND title IS NOT NULL", 16),
        ("S_DISJOINT(geometry, BBOX(0, 0, 0.05, 0.1)) AND title IS NOT NULL", 16),
        ("NOT S_INTERSECTS(geometry, BBOX(-180, -90, 180, 90))", 0),
        ("geometry IS NULL", 3),
    ],
)
def test_cql2_text(client: TestClient, cql2: str, wanted: int) -> None:
    assert search(client, filter=cql2)["numberMatched"] == wanted
    assert len(search(client, filter=cql2)["features"]) == wanted


def test_cql2_json_by_get_and_post(client: TestClient) -> None:
    tree = {"op": "and", "args": [{"op": "<", "args": [{"property": "eo:cloud_cover"}, 5]},
                                  {"op": "like", "args": [{"property": "title"}, "Harb%"]}]}  # fmt: skip
    import json

    assert search(client, **{"filter": json.dumps(tree), "filter-lang": "cql2-json"})["numberMatched"] == 4
    found = client.post("/search", json={"filter": tree, "filter-lang": "cql2-json", "limit": 3}).json()
    assert found["numberMatched"] == 4
    more = next(link for link in found["links"] if link["rel"] == "next")
    assert more["method"] == "POST"
    assert len(client.post("/search", json=more["body"]).json()["features"]) == 1


@pytest.mark.parametrize("named", [{"filter-lang": "cql2-text"}, {}])
def test_a_body_may_hold_a_filter_as_text(client: TestClient, named: dict[str, str]) -> None:
    """Clients post by default, pystac-client too, and text is what people write."""
    body = {"filter": "eo:cloud_cover < 5 AND title LIKE 'Harb%'", "limit": 3, **named}
    found = client.post("/search", json=body).json()
    assert (found["numberMatched"], len(found["features"])) == (4, 3)
    more = next(link for link in found["links"] if link["rel"] == "next")
    assert len(client.post("/search", json=more["body"]).json()["features"]) == 1
    tree = '{"op": "<", "args": [{"property": "eo:cloud_cover"}, 5]}'
    assert client.post("/search", json={"filter": tree, "filter-lang": "cql2-json"}).json()["numberMatched"] == 5
    refused = client.post("/search", json={"filter": "eo:cloud_cover <", **named})
    assert (refused.status_code, "not CQL2 text" in refused.json()["description"]) == (400, True)


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("port", {"Air port of call", "River port, flooded"}),
        ("PORT", {"Air port of call", "River port, flooded"}),
        ("airport", {"Airport"}),
        ("river port", {"River port, flooded"}),
        ("port river", set()),
        ("airport,forest", {"Airport", "Forest"}),
        ("key 19", {"Forest"}),
        ("coas", set()),
        ("plane", set()),
        (".*", set()),
        ("%", set()),
    ],
)
def test_q_is_literal(client: TestClient, q: str, wanted: set[str]) -> None:
    """OGC API Records: only items that hold the term; white space keeps words in order, a comma is OR."""
    assert titles(search(client, q=q)) == wanted
    assert titles(client.post("/search", json={"q": q.split(","), "limit": 100}).json()) == wanted


def test_space_time_and_ids(client: TestClient, item: str) -> None:
    assert search(client, bbox="0,0,0.05,0.1", datetime="../2020-01-04T12:00:00Z")["numberMatched"] == 4
    shape = {"type": "Polygon", "coordinates": [[[0, 0], [0.05, 0], [0, 0.1], [0, 0]]]}
    found = client.post("/search", json={"intersects": shape, "limit": 100}).json()
    assert 0 < found["numberMatched"] <= 5
    name = item.rpartition("/")[2]
    assert [each["id"] for each in search(client, ids=name)["features"]] == [name]
    assert search(client, collections="world-s1-grd,none")["numberMatched"] == 10
    assert client.get("/collections/world-s1-grd/items", params={"limit": 1}).json()["numberMatched"] == 10
    assert client.get("/search", params={"bbox": "0,0,1,1", "intersects": "{}"}).status_code == 400


def test_order_and_fields(client: TestClient) -> None:
    found = search(client, sortby="-eo:cloud_cover", fields="id,properties.eo:cloud_cover")["features"]
    covers = [each["properties"].get("eo:cloud_cover") for each in found]
    assert covers == [*range(19, -1, -1), *[None] * 30]
    assert set(found[0]) == {"type", "id", "collection", "properties"}
    left = search(client, fields="-geometry,-properties.title", sortby="id")["features"]
    assert "geometry" not in left[0]
    assert set(search(client, fields="-id,-type,-links")["features"][0]) >= {"id", "type", "assets"}
    assert all("title" not in each["properties"] for each in left)
    assert [each["id"] for each in left] == sorted(each["id"] for each in left)


def test_an_address_names_all_its_methods(client: TestClient) -> None:
    both = "GET, POST"
    wanted = {"/search": both, "/semantic-search": both, "/collections": "GET", "/static/a.js": "GET, HEAD"}
    for path, methods in wanted.items():
        answer = client.put(path, json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, methods)
        assert answer.json()["code"] == "MethodNotAllowed"


def test_pages_stay_what_they_are_while_the_archive_grows(growing: Archive) -> None:
    with TestClient(create_app(settings(), Catalog({"world": growing}))) as own:
        before = follow(own, "/search?limit=100")
        page = own.get("/search?limit=20").json()
        ids = [feature["id"] for feature in page["features"]]
        growing.add(grid(60)[30:], units(60)[30:])
        more = next(link["href"] for link in page["links"] if link["rel"] == "next")
        ids += follow(own, more)
        assert ids == before
        assert len(set(follow(own, "/search?limit=7"))) == 80, "a write shows without a restart"


@pytest.mark.filterwarnings("ignore:optimize")
def test_pages_go_on_where_their_version_is_not_kept_any_more(growing: Archive) -> None:
    with TestClient(create_app(settings(), Catalog({"world": growing}))) as own:
        page = own.get("/search?limit=20&sortby=id").json()
        growing.delete([page["features"][3]["id"]])
        from datetime import timedelta

        growing.optimize(keep=timedelta(0))
    with TestClient(create_app(settings(), Catalog({"world": growing}))) as own:
        more = next(link["href"] for link in page["links"] if link["rel"] == "next")
        rest = follow(own, more)
        assert len(rest) == 30
        assert not {feature["id"] for feature in page["features"]} & set(rest)
