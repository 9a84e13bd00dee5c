"""The page's files: packed where the browser unpacks, asked for again only when they have changed."""

from __future__ import annotations

from starlette.testclient import TestClient

from swath.service.app import STATIC


def test_files_are_packed_for_those_who_unpack(client: TestClient) -> None:
    whole = (STATIC / "index.js").read_bytes()
    packed = client.get("/static/index.js", headers={"Accept-Encoding": "gzip, br;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(whole) / 2
    assert packed.content == whole
    assert packed.headers["content-type"].startswith("text/javascript")
    plain = client.get("/static/index.js", headers={"Accept-Encoding": "identity"})
    assert ("content-encoding" in plain.headers, plain.content) == (False, whole)
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


def test_files_that_have_not_changed_are_not_sent_again(client: TestClient) -> None:
    tag = client.get("/static/index.css").headers["etag"]
    again = client.get("/static/index.css", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_files_outside_are_not_there(client: TestClient) -> None:
    assert client.get("/static/%2e%2e/app.py").status_code == 404
    assert client.get("/static/nothing.js").status_code == 404
