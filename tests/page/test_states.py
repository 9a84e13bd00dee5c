"""What the page says when there is nothing, or when something fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archive.fakes import FakeEncoder, grid, units
from page.steps import FACES, arrive, ask, found_by, keys, search, until
from service.world import build, running
from swath.archive import Archive

pytestmark = pytest.mark.slow


def test_nothing_matches_well(page: Any, address: str) -> None:
    def matches(number: int) -> bool:
        return ask(address, f"semantic-search?text=word{number}&limit=60")["swath:context"]["matches_well"]

    poor = next(f"word{number}" for number in range(200) if not matches(number))
    arrive(page, address)
    search(page, poor)
    page.wait_for_selector(".weak")
    assert "Nothing in this archive matches well" in page.locator(".weak").inner_text()
    assert page.locator(FACES).count() > 0


def test_no_result_offers_to_drop_the_filters(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice&from=1990-01-01&to=1990-12-31")
    page.wait_for_selector(".empty")
    page.click("text=Drop the filters")
    page.wait_for_selector(FACES)


def test_hits_without_a_place_are_told(page: Any, address: str) -> None:
    found = ask(address, "semantic-search?text=ice&limit=60")["features"]
    placed = [item for item in found if item["geometry"] is not None]
    assert len(placed) < len(found)
    arrive(page, address, "#q=ice")
    assert f"{len(found)} found · {len(placed)} on the map" in page.locator(".count").inner_text()
    titled = next(item for item in found if "title" in item["properties"])
    page.click(f"[data-key='{titled['collection']}/{titled['id']}'] .face")
    page.wait_for_selector(".detail .facts")
    assert f"Scene\n{titled['properties']['title']}" in page.locator(".detail .facts").inner_text()


def test_failures_say_what_to_do(page: Any, address: str) -> None:
    page.route("**/semantic-search", lambda route: route.abort())
    arrive_failed(page, f"{address}/#q=ice")
    assert "does not answer" in page.locator(".failed").inner_text()
    page.unroute("**/semantic-search")
    page.click("text=Try again")
    page.wait_for_selector(FACES)
    arrive_failed(page, f"{address}/#less={keys(page)[0]}")
    assert "something to look for" in page.locator(".failed").inner_text()


def arrive_failed(page: Any, url: str) -> None:
    page.goto("about:blank")
    page.goto(url)
    page.wait_for_selector(".failed")


def test_a_token_is_asked_for_and_sent_with_pictures(chromium: Any, tmp_path: Path) -> None:
    secret = "a-token-for-this-test-only"
    with running(build(tmp_path / "world"), token=secret) as address:
        tab = chromium.new_page()
        tab.set_default_timeout(60_000)
        tab.goto(f"{address}/#in=world-rgb&to=2020-01-25")
        tab.fill("input[type=password]", secret)
        tab.click("text=Go on")
        tab.wait_for_selector(FACES)
        until(tab, "document.querySelector('.grid img')?.src.startsWith('blob:')")
        tab.close()


def test_an_empty_archive_says_how_to_fill_it_and_shows_what_comes(page: Any, tmp_path: Path) -> None:
    encoder = FakeEncoder()
    archive = Archive.create(tmp_path / "archive", encoder.model_id, encoder.dim, encoder=encoder)
    with running(archive) as url:
        arrive(page, url)
        assert "This archive is empty" in page.locator(".empty").inner_text()
        assert "swath index" in page.locator(".empty").inner_text()
        archive.add(grid(5), units(5))
        page.reload()
        until(page, f"document.querySelectorAll('{FACES}').length === 5")


def test_a_heat_map_that_fails_says_why(page: Any, address: str) -> None:
    lost = ask(address, "search?limit=1&datetime=2020-03-01T00:00:00Z/..")["features"][0]
    arrive(page, address, f"#q=ice&hit={lost['collection']}/{lost['id']}")
    page.wait_for_selector(".detail dt:has-text('Score')")
    page.click("text=Heat map")
    until(page, "document.querySelector('form[aria-label=\"Heat map\"] small')?.textContent.length > 40")
    assert "Looking" not in page.locator("form[aria-label='Heat map'] small").inner_text()
    page.click(".detail button:has-text('Hide')")
    until(page, "!location.hash.includes('heat=')")


def test_a_link_to_what_is_not_there_says_so(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice&hit=world-rgb/nothing&in=nowhere&box=1,2")
    page.wait_for_selector(".note:not(:empty)")
    assert page.locator(".detail").count() == 0
    page.wait_for_selector(".empty")
    page.click("text=Drop the filters")
    page.wait_for_selector(FACES)


def test_a_service_that_is_busy_is_asked_again(page: Any, address: str) -> None:
    told = '{"code": "TooManyRequests", "description": "too many requests; slow down"}'
    page.route(
        "**/semantic-search", lambda route: route.fulfill(status=429, body=told, content_type="application/json")
    )
    page.goto(f"{address}/#q=ice")
    page.wait_for_selector(".failed")
    assert "Too many requests" in page.locator(".failed").inner_text()
    page.unroute("**/semantic-search")
    page.click("text=Try again")
    page.wait_for_selector(FACES)
    assert keys(page) == found_by(address, "text=ice")
