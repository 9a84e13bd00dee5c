"""What the page costs to load, measured in Chromium over its debugging protocol.

Bytes and counts are bounds. Times depend on the machine: they are only written down, to ``load.json`` beside the
pictures.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from page.steps import FACES, mapped

pytestmark = pytest.mark.slow

KIB = 1024
RESULTS_KIB = 40
"""The page with results and without its map, packed."""
WHOLE_KIB = 560
"""The page with its map, packed."""
TIMES = """() => new Promise((done) => {
    let blocking = 0, longest = 0, largest = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((each) => {
        blocking += Math.max(0, each.duration - 50);
        longest = Math.max(longest, each.duration);
    })).observe({ type: "longtask", buffered: true });
    new PerformanceObserver((list) => list.getEntries().forEach((each) => (largest = each.startTime)))
        .observe({ type: "largest-contentful-paint", buffered: true });
    setTimeout(() => done({
        first_contentful_paint_ms: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
        largest_contentful_paint_ms: largest,
        total_blocking_ms: blocking,
        longest_task_ms: longest,
        load_ms: performance.getEntriesByType("navigation")[0].loadEventEnd,
    }), 500);
})"""


class Traffic:
    """Every answer of a tab: its path, and its bytes on the line."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self.bytes: dict[str, int] = {}
        self.statuses: dict[str, int] = {}
        self._paths: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.on("Network.responseReceived", self._answered)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")

    def _answered(self, event: Any) -> None:
        address = urlsplit(event["response"]["url"])
        if address.scheme == "http":
            self._paths[event["requestId"]] = address.path
            self.statuses[address.path] = event["response"]["status"]

    def _finished(self, event: Any) -> None:
        path = self._paths.get(event["requestId"])
        if path is not None:
            self.bytes[path] = self.bytes.get(path, 0) + int(event["encodedDataLength"])

    def wait_for(self, *endings: str) -> None:
        """Wait until paths of all these endings are loaded; the browser tells of it later than the page shows it."""
        for _ in range(600):
            if all(any(path.endswith(ending) for path in self.bytes) for ending in endings):
                return
            self._page.wait_for_timeout(100)
        raise AssertionError(f"of {endings} only {sorted(self.bytes)} were loaded")

    def own(self) -> dict[str, int]:
        """The page's own files."""
        return {path: size for path, size in self.bytes.items() if path == "/" or path.startswith("/static/")}

    def asked(self) -> set[str]:
        """Paths of the service, without pictures."""
        return {path for path in self.bytes if path not in self.own() and not path.endswith("/thumbnail")}


def test_the_page_is_light(page: Any, address: str) -> None:
    traffic = Traffic(page)
    held: list[Any] = []
    page.route(re.compile("/static/(pane|maplibre)"), lambda route: held.append(route))
    page.goto(f"{address}/#q=ice")
    page.wait_for_selector(FACES)
    traffic.wait_for("/", "/static/index.js", "/static/index.css", "/page-settings", "/collections", "/semantic-search")
    before = dict(traffic.own())
    assert set(before) == {"/", "/static/index.js", "/static/index.css"} | (set(before) & {"/static/icon.svg"})
    assert sum(before.values()) < RESULTS_KIB * KIB
    assert traffic.asked() == {"/page-settings", "/collections", "/semantic-search"}
    for route in held:
        route.continue_()
    mapped(page)
    page.wait_for_timeout(1000)
    assert sum(traffic.own().values()) < WHOLE_KIB * KIB
    assert len(traffic.own()) <= 9
    assert traffic.asked() == {"/page-settings", "/collections", "/semantic-search"}
    keep = os.environ.get("SWATH_SCREENSHOTS")
    if keep:
        told = {
            "requests": len(traffic.bytes), "bytes_with_results": sum(before.values()),
            "bytes_with_map": sum(traffic.own().values()), "bytes_of_files": traffic.own(), **page.evaluate(TIMES),
        }  # fmt: skip
        Path(keep).mkdir(parents=True, exist_ok=True)
        (Path(keep) / "load.json").write_text(json.dumps(told, indent=1) + "\n")


def test_a_second_visit_loads_no_file_again(page: Any, address: str) -> None:
    page.goto(f"{address}/#q=ice")
    mapped(page)
    page.goto("about:blank")
    traffic = Traffic(page)
    page.goto(f"{address}/#q=ice")
    mapped(page)
    assert sum(traffic.own().values()) < 8 * KIB


def test_pictures_out_of_sight_wait(page: Any, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 400})
    traffic = Traffic(page)
    page.goto(f"{address}/#q=ice")
    page.wait_for_selector(FACES)
    traffic.wait_for("/thumbnail")
    page.wait_for_timeout(1000)
    seen = {path for path in traffic.statuses if path.endswith("/thumbnail")}
    assert 0 < len(seen) < page.locator(FACES).count()
