"""Health, metrics, logs, settings, and what the guard does for everybody."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from archive.fakes import FakeEncoder, filled, grid, units
from service.world import settings
from swath.archive import Archive
from swath.archive.snapshot import Snapshot
from swath.errors import InputError
from swath.service import Catalog, Settings, create_app
from swath.service import app as app_module
from swath.service.guard import Buckets
from swath.service.ops import JsonLines


def test_health_readiness_and_metrics(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "archives": {"world": 50}}
    client.get("/search", params={"limit": 1})
    text = client.get("/metrics").text
    assert 'swath_requests_total{method="GET",route="/search",status="200"}' in text
    assert 'swath_archive_rows{archive="world"} 50.0' in text


def test_methods_that_clients_make_up_are_one_series(client: TestClient) -> None:
    for number in range(3):
        assert client.request(f"BREW{number}", "/search").status_code == 405
    text = client.get("/metrics").text
    assert "BREW" not in text
    assert 'method="other",route="other",status="405"' in text or 'method="other",route="/search",status="405"' in text


def test_metrics_tell_of_an_archive_that_cannot_be_read(growing: Archive) -> None:
    app = create_app(settings(), Catalog({"here": growing}))
    with TestClient(app, raise_server_exceptions=False) as own:
        assert 'swath_archive_readable{archive="here"} 1.0' in own.get("/metrics").text
        shutil.rmtree(growing.uri)
        assert 'swath_archive_readable{archive="here"} 0.0' in own.get("/metrics").text
        assert own.get("/readyz").status_code == 503
        assert own.get("/search").status_code == 503
        assert own.get("/healthz").status_code == 200


def test_an_archive_that_another_was_put_in_place_of_is_said_to_be(growing: Archive, tmp_path: Path) -> None:
    app = create_app(settings(), Catalog({"here": growing}))
    with TestClient(app, raise_server_exceptions=False) as own:
        growing.add(grid(40)[30:], units(10))
        assert own.get("/readyz").json()["archives"] == {"here": 60}  # what is written into it shows
        other = filled(tmp_path / "other", grid(20), units(20))
        os.rename(growing.uri, tmp_path / "old")
        os.rename(other.uri, growing.uri)
        assert own.get("/readyz").status_code == 503
        assert own.get("/semantic-search?text=harbour").status_code == 503
        assert own.get("/healthz").status_code == 200


def test_a_service_is_ready_once_its_model_and_vectors_are_loaded(
    world: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, load = threading.Event(), Snapshot.load
    monkeypatch.setattr(Snapshot, "load", lambda snapshot: load(snapshot) if gate.wait(120) else None)
    archive = Archive.open(world.uri, FakeEncoder())
    with TestClient(create_app(settings(warm_up=True), Catalog({"world": archive}))) as own:
        early = own.get("/readyz")
        assert (early.status_code, early.json()["status"]) == (503, "models and vectors are being loaded")
        gate.set()
        until = time.monotonic() + 120
        while own.get("/readyz").status_code != 200 and time.monotonic() < until:
            time.sleep(0.02)
        assert own.get("/readyz").json()["status"] == "ready"


def test_logs_are_lines_of_json(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "swath.service.access"):
        answer = client.get("/search", params={"q": "secret words"})
    record = caplog.records[-1]
    line = json.loads(JsonLines().format(record))
    assert line["request"] == answer.headers["x-request-id"]
    assert (line["path"], line["status"]) == ("/search", 200)
    assert "secret" not in json.dumps(line)
    with caplog.at_level(logging.INFO, "swath.service.access"):
        client.get("/search%0Aforged line")
    assert caplog.records[-1].getMessage() == "GET /search%0Aforged%20line 404"


def test_browsers_get_the_page_and_clients_the_catalogue(
    world: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    monkeypatch.setattr(app_module, "STATIC", tmp_path)
    with TestClient(create_app(settings(token="t" * 20), Catalog({"world": world}))) as own:
        assert "<title>page" in own.get("/", headers={"Accept": "text/html,*/*"}).text
        assert own.get("/static/index.html").status_code == 200
        assert own.get("/static/../index.html").status_code in (401, 404)
        assert own.get("/", headers={"Accept": "application/json"}).status_code == 401
        told = own.get("/", headers={"Accept": "application/json", "Authorization": "Bearer " + "t" * 20})
        assert told.json()["type"] == "Catalog"


def test_settings_come_from_arguments_environment_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "swath.toml"
    file.write_text('archives = ["a", "b"]\nport = 1\nmax_limit = 7\ntitle = "file"\n')
    monkeypatch.setenv("SWATH_PORT", "2")
    monkeypatch.setenv("SWATH_MAX_LIMIT", "8")
    found = Settings.load(file, port=3, title=None)
    assert (found.port, found.max_limit, found.title, found.archives) == (3, 8, "file", ("a", "b"))


def test_lists_are_json_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_ARCHIVES", '["one=/a", "/b"]')
    monkeypatch.setenv("SWATH_TOKEN", "t" * 20)
    found = Settings.load(host="0.0.0.0")
    assert found.archives == ("one=/a", "/b")
    assert "t" * 20 not in repr(found)
    monkeypatch.setenv("SWATH_ARCHIVES", "/a,/b")
    with pytest.raises(InputError, match=r"archives.*JSON"):
        Settings.load()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"host": "0.0.0.0"}, "token"),
        ({"token": "short"}, "16 characters"),
        ({"port": 70000}, "port"),
        ({"unknown": 1}, "unknown"),
        ({"trusted_proxies": ("proxy",)}, "no address or network"),
        ({"trusted_proxies": ("*",)}, "no address or network"),
        ({"archives": ()}, "archives"),
    ],
)
def test_settings_that_cannot_be_used(given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings.load(**{"archives": ("a",), **given})


def test_a_bucket_fills_at_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("swath.service.guard.time.monotonic", lambda: now[0])
    buckets = Buckets(2.0, 3)
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert buckets.take("a") == pytest.approx(0.5)
    assert buckets.take("b") == 0.0
    now[0] += 0.5
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0


def test_forwarded_headers_count_from_proxies_that_are_trusted(
    world: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = settings(trusted_proxies=("10.0.0.0/24",), rate_limit=0.001, rate_burst=1)
    app = create_app(chosen, Catalog({"world": world}))

    def ask(proxy: str, forwarded: str) -> tuple[int, str, str]:
        headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https", "Accept": "application/json"}
        with caplog.at_level(logging.INFO, "swath.service.access"):
            answer = TestClient(app, client=(proxy, 50000)).get("/", headers=headers)
        links = answer.json().get("links", [{"href": ""}])
        return answer.status_code, links[0]["href"].partition(":")[0], json.loads(last(caplog))["client"]

    assert ask("10.0.0.2", "192.0.2.1") == (200, "https", "192.0.2.1")
    assert ask("10.0.0.3", "192.0.2.1")[0] == 429  # by whatever proxy it comes
    assert ask("10.0.0.2", "192.0.2.1, 192.0.2.2") == (200, "https", "192.0.2.2")  # what clients claim is passed over
    assert ask("10.0.1.2", "192.0.2.3") == (200, "http", "10.0.1.2")
    assert ask("10.0.1.2", "192.0.2.4") == (429, "", "10.0.1.2")


def last(caplog: pytest.LogCaptureFixture) -> str:
    return JsonLines().format(caplog.records[-1])


def test_archives_are_named(world: Archive) -> None:
    with pytest.raises(InputError, match="named archive"):
        Catalog.open([world.uri, world.uri])
    both = Catalog.open([f"one={world.uri}", f"two={world.uri}"])
    assert [each.id for each in both.collections()][:4] == ["one-rgb", "one-s1-grd", "one-s2-l2a", "two-rgb"]
    with pytest.raises(InputError, match="cannot name"):
        Catalog({"a/b": world})


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    run = [sys.executable, "-m", "swath", "serve", str(tmp_path / "none")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 1
    assert "no archive at" in done.stderr
    assert "Traceback" not in done.stderr
