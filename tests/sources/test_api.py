from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from generate.rasters import RangeHandler, s1_scene, serve, stac_item
from swath.errors import InputError, SourceError
from swath.raster import read_chip
from swath.sources import cut, open_source
from swath.sources.api import ApiSource

PAGE = 2
ITEMS = 5


class ApiHandler(RangeHandler):
    """A STAC API with item search over five items in pages of two; the third page of collection ``broken`` fails."""

    def do_GET(self):  # noqa: N802 - http.server calls it so
        parts = urlsplit(self.path)
        root = f"http://{self.headers['Host']}/api"
        if parts.path == "/api":
            self.answer(
                {
                    "type": "Catalog",
                    "id": "api",
                    "stac_version": "1.0.0",
                    "description": "test",
                    "conformsTo": [
                        "https://api.stacspec.org/v1.0.0/core",
                        "https://api.stacspec.org/v1.0.0/item-search",
                        "https://api.stacspec.org/v1.0.0/collections",
                    ],
                    "links": [
                        {"rel": "self", "href": root},
                        {"rel": "root", "href": root},
                        {"rel": "search", "href": f"{root}/search", "type": "application/geo+json", "method": "POST"},
                    ],
                }
            )
        elif parts.path.startswith("/api"):
            self.send_error(404)
        else:
            super().do_GET()

    def do_POST(self):  # noqa: N802 - http.server calls it so
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append(f"POST {self.path} {json.dumps(body, sort_keys=True)}")
        start = int(parse_qs(urlsplit(self.path).query).get("start", ["0"])[0])
        if "broken" in body.get("collections", []) and start >= PAGE:
            self.send_error(400, "no more")
            return
        host = f"http://{self.headers['Host']}"
        features = []
        for number in range(start, min(start + PAGE, ITEMS)):
            asset = f"{host}/a.tif" if number != 1 else f"{host}/missing.tif"
            links = [{"rel": "self", "href": f"{host}/api/items/{number}"}]
            features.append(
                stac_item(f"item-{number}", {"data": asset}, properties={"constellation": "sentinel-1"}, links=links)
            )
        links = []
        if start + PAGE < ITEMS:
            links = [{"rel": "next", "href": f"{host}/api/search?start={start + PAGE}", "method": "POST", "body": body}]
        self.answer({"type": "FeatureCollection", "features": features, "links": links})

    def answer(self, document):
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def api(tmp_path):
    s1_scene(tmp_path / "a.tif", 64)
    with serve(tmp_path, ApiHandler) as (url, log):
        yield f"{url}/api", log


def test_all_pages_are_read_and_bad_items_recorded(api):
    url, _ = api
    source = open_source(url)
    assert isinstance(source, ApiSource)
    chips = list(cut(source, 64))
    assert [chip.scene.id for chip in chips] == ["item-0", "item-2", "item-3", "item-4"]
    assert read_chip(chips[0]).valid.all()
    assert [failure.href for failure in source.failures] == ["item-1"]
    assert "404" in source.failures[0].reason


def test_search_is_given_in_the_url_or_by_options(api):
    url, log = api
    options = {"collections": ["a", "b"], "bbox": [1, 2, 3, 4], "datetime": "2020-01-01/2020-12-31", "limit": 3}
    by_url = f"{url}?collections=a,b&bbox=1,2,3,4&datetime=2020-01-01/2020-12-31&limit=3"
    for source in (open_source(url, **options), open_source(by_url), open_source(url + "/search" + by_url[len(url) :])):
        log.clear()
        assert [scene.id for scene in source.scenes()] == ["item-0", "item-2"]
        body = json.loads(next(entry for entry in log if entry.startswith("POST")).split(" ", 2)[2])
        assert body["collections"] == ["a", "b"]
        assert body["bbox"] == [1, 2, 3, 4]
        assert body["datetime"].startswith("2020-01-01T00:00:00Z/2020-12-31")


def test_search_that_breaks_off_keeps_what_it_has(api):
    url, _ = api
    source = open_source(url, collections=["broken"])
    assert [scene.id for scene in source.scenes()] == ["item-0"]
    assert "ended early" in source.failures[-1].reason


def test_what_is_no_api_is_an_error(api):
    url, _ = api
    for wrong in (url + "/nothing", "http://127.0.0.1:1/stac"):
        with pytest.raises(SourceError, match="not a STAC API"):
            list(open_source(wrong).scenes())


@pytest.mark.parametrize("query", ["bbox=a,b,c,d", "limit=many"])
def test_malformed_url_parameters_are_named(query):
    with pytest.raises(InputError, match="bbox needs four numbers"):
        open_source(f"https://host.invalid/stac?{query}")
