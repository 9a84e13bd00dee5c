"""The service on a socket, as real clients meet it: pystac-client, and one stays while the server is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pystac_client
import pytest

from archive.fakes import grid, units
from service.world import running
from swath.archive import Archive


@pytest.fixture(scope="module")
def address(world: Archive) -> Iterator[str]:
    with running(world) as found:
        yield found


def test_pystac_client_searches(address: str) -> None:
    client = pystac_client.Client.open(address)
    assert client.conforms_to("ITEM_SEARCH")
    assert client.conforms_to("FILTER")
    assert {each.id for each in client.get_collections()} == {"world-rgb", "world-s1-grd", "world-s2-l2a"}
    found = client.search(collections=["world-rgb"], limit=7)
    assert found.matched() == 30
    items = list(found.items())
    assert len({item.id for item in items}) == 30
    assert all(item.collection_id == "world-rgb" for item in items)
    by_place = client.search(bbox=[0, 0, 0.05, 0.1], datetime="2020-01-01/2020-01-03", method="GET")
    assert len(list(by_place.items())) == 3
    by_filter = client.search(filter="eo:cloud_cover < 3", filter_lang="cql2-text", method="GET")
    assert len(list(by_filter.items())) == 3
    posted = client.search(filter="eo:cloud_cover < 3", filter_lang="cql2-text")
    assert len(list(posted.items())) == 3
    tree = {"op": "<", "args": [{"property": "eo:cloud_cover"}, 3]}
    ordered = client.search(filter=tree, sortby="-properties.eo:cloud_cover", fields=["properties.eo:cloud_cover"])
    assert [item["properties"]["eo:cloud_cover"] for item in ordered.items_as_dicts()] == [2, 1, 0]
    item = client.get_collection("world-rgb").get_item(items[0].id)
    assert item is not None
    assert item.get_links("heatmap")


_WRITER = """
import sys
sys.path.insert(0, sys.argv[3])
from archive.fakes import grid, units
from swath.archive import Archive
archive = Archive.open(sys.argv[1])
for start in range(1000, 10_000, 5):
    archive.add(grid(start + 5)[start:], units(start + 5)[start:])
    print(start + 5, flush=True)
"""

_SERVER = """
import sys
sys.path.insert(0, sys.argv[2])
from archive.fakes import FakeEncoder
from service.world import running, settings
from swath.archive import Archive
archive = Archive.open(sys.argv[1], FakeEncoder())
with running(archive) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


def ask(address: str, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(address + path, timeout=600) as answer:
        return dict(json.load(answer))


def following(page: dict[str, Any]) -> str | None:
    """Path and query of the next page."""
    links = [link["href"] for link in page["links"] if link["rel"] == "next"]
    return "/" + links[0].split("/", 3)[3] if links else None


@pytest.mark.slow
def test_a_kill_of_server_and_writer_loses_nothing_acknowledged(tmp_path: Path) -> None:
    encoder_dim = 16
    archive = Archive.create(tmp_path / "archive", "fake@1", encoder_dim)
    archive.add(grid(10), units(10))
    tests = str(Path(__file__).parents[1])

    def server() -> tuple[subprocess.Popen[str], str]:
        started = subprocess.Popen(
            [sys.executable, "-c", _SERVER, archive.uri, tests],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert started.stdout is not None
        return started, started.stdout.readline().strip()

    serving, address = server()
    writing = subprocess.Popen(
        [sys.executable, "-c", _WRITER, archive.uri, "", tests], stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert writing.stdout is not None
        acknowledged = [int(writing.stdout.readline()) for _ in range(6)]
        seen = ask(address, "/search?limit=1")["numberMatched"]
        assert seen >= 40, "writes of another process show without a restart"
        serving.send_signal(signal.SIGKILL)
        acknowledged += [int(writing.stdout.readline()) for _ in range(2)]
        writing.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writing.stdout]
        serving.wait(30)
        serving, address = server()
        wanted = 10 + (acknowledged[-1] - 1000)
        names: set[str] = set()
        path: str | None = "/search?limit=1000"
        while path:  # how many there are depends on how fast this machine wrote
            found = ask(address, path)
            assert found["numberMatched"] in (wanted, wanted + 5), "at most the batch that was being acknowledged"
            names |= {feature["id"] for feature in found["features"]}
            path = following(found)
        known = {chip.id for chip in [*grid(10), *grid(acknowledged[-1])[1000:]]}
        assert known <= names
        assert archive.verify(files=False).ok
        assert ask(address, "/semantic-search?text=harbour&limit=3")["numberReturned"] == 3
    finally:
        for process in (serving, writing):
            if process.poll() is None:
                process.kill()
            process.wait(30)


_SLOW_SERVER = """
import sys, time
sys.path.insert(0, sys.argv[2])
from swath.service import Catalog, Settings, serve
look_up = Catalog.item
def slowly(self, *names):
    print("begun", flush=True)
    time.sleep(2)
    return look_up(self, *names)
Catalog.item = slowly
settings = Settings(archives=(sys.argv[1],), port=0, warm_up=False, shutdown_seconds=600)
serve(settings, lambda address: print(address, flush=True))
"""


@pytest.mark.slow
def test_a_signal_to_stop_lets_running_requests_end(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", "fake@1", 16)
    archive.add(grid(3), units(3))
    started = subprocess.Popen(
        [sys.executable, "-c", _SLOW_SERVER, archive.uri, str(Path(__file__).parents[1])],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        assert started.stdout is not None
        address = started.stdout.readline().strip()
        chip = grid(3)[0]
        path = f"/collections/archive-{chip.scene.sensor}/items/{chip.id}/embedding"
        with ThreadPoolExecutor(1) as pool:
            running_request = pool.submit(ask, address, path)
            assert started.stdout.readline() == "begun\n"
            started.send_signal(signal.SIGTERM)
            assert running_request.result(60)["id"] == chip.id
        assert started.wait(60) in (0, -signal.SIGTERM)
        with pytest.raises(OSError):
            ask(address, "/healthz")
    finally:
        if started.poll() is None:
            started.kill()
        _, told = started.communicate(timeout=30)
    assert "Traceback" not in told
    lines = [json.loads(line) for line in told.splitlines()]
    assert any(line.get("path") == path and line["status"] == 200 for line in lines)
