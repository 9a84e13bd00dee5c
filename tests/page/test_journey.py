"""The page in a real browser: what somebody does with it, from the first search to a link that is sent on."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

FACES = ".grid .face"


def ask(address: str, path: str) -> Any:
    with urlopen(f"{address}/{path}") as answer:
        return json.load(answer)


def arrive(page: Any, address: str, fragment: str = "") -> None:
    """Open the page; a fragment alone would not load it anew."""
    page.goto("about:blank")
    page.goto(f"{address}/{fragment}")
    page.wait_for_selector(".count:not(:has-text('Searching'))")


def link(page: Any) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).fragment).items()}


def search(page: Any, words: str) -> None:
    page.fill("#words", words)
    page.press("#words", "Enter")
    settle(page)


def settle(page: Any) -> None:
    """Wait until nothing is being searched any more."""
    until(page, "!document.querySelector('.count')?.textContent.includes('Searching')")


def keys(page: Any) -> list[str]:
    return page.eval_on_selector_all(".grid .card", "cards => cards.map(card => card.dataset.key)")


def until(page: Any, holds: str) -> None:
    """Wait until an expression holds; the browser's own waiting would need `eval`, which the service forbids."""
    for _ in range(600):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it never held: {holds}")


def mapped(page: Any) -> Any:
    """The map, once it is there; gives its box on the screen."""
    page.wait_for_selector(".canvas[data-ready]", state="attached")
    return page.locator(".maplibregl-canvas").bounding_box()


def test_words_find_what_the_api_finds(page: Any, address: str) -> None:
    arrive(page, address)
    assert page.locator(FACES).count() == 50
    search(page, "harbour with ships")
    found = ask(address, "semantic-search?text=harbour%20with%20ships&limit=60")["features"]
    assert keys(page) == [f"{item['collection']}/{item['id']}" for item in found]
    assert link(page) | {"at": ""} == {"q": "harbour with ships", "at": ""}
    assert f"{found[0]['properties']['swath:score']:.3f}" in page.locator(FACES).first.inner_text()


def test_filters_by_sensor_and_date(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice")
    page.click(".pill:has-text('s1-grd')")
    settle(page)
    assert {key.split("/")[0] for key in keys(page)} == {"world-s1-grd"}
    page.fill(".dates input >> nth=0", "2021-01-01")
    settle(page)
    until(page, "location.hash.includes('from=2021-01-01')")
    wanted = ask(address, "semantic-search?text=ice&collections=world-s1-grd&datetime=2021-01-01T00:00:00Z/..&limit=60")
    until(page, f"document.querySelectorAll('{FACES}').length === {len(wanted['features'])}")
    page.go_back()
    until(page, "!location.hash.includes('from=')")


def test_a_box_drawn_on_the_map_filters(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice&at=1,0,0")
    before = len(keys(page))
    box = mapped(page)
    page.click(".maptools button:has-text('A box')")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y - 60)
    page.mouse.down()
    page.mouse.move(x, y)
    page.mouse.move(x + 60, y + 60)
    page.mouse.up()
    until(page, "location.hash.includes('box=')")
    settle(page)
    west, south, east, north = map(float, link(page)["box"].split(","))
    assert west < 0 < east
    assert south < 0 < north
    query = f"semantic-search?text=ice&bbox={west},{south},{east},{north}&limit=60"
    assert keys(page) == [f"{item['collection']}/{item['id']}" for item in ask(address, query)["features"]]
    assert 0 < len(keys(page)) < before
    page.click("[title='Take out: the area']")
    settle(page)
    until(page, f"document.querySelectorAll('{FACES}').length === {before}")


def test_a_place_clicked_on_the_map_ranks_by_distance(page: Any, address: str) -> None:
    arrive(page, address, "#at=6,0.3,0")
    box = mapped(page)
    page.click(".maptools button:has-text('A place')")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(page, "location.hash.includes('near=')")
    settle(page)
    lon, lat = map(float, link(page)["near"].split(","))
    assert (abs(lon - 0.3), abs(lat)) < (0.2, 0.2)
    query = f"semantic-search?near={lon},{lat}&radius_km=50&limit=60"
    assert keys(page) == [f"{item['collection']}/{item['id']}" for item in ask(address, query)["features"]] != []


def test_coordinates_typed_are_a_place(page: Any, address: str) -> None:
    arrive(page, address)
    page.fill("#words", "0.05 N, 0.4 E")
    assert "search near" in page.locator(".reads").inner_text()
    page.press("#words", "Enter")
    until(page, "location.hash.includes('near=0.4,0.05')")
    settle(page)
    assert page.locator(".part.place").count() == 1


def test_more_and_less_like_this_steer(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice")
    first, second = keys(page)[:2]
    page.hover(f"[data-key='{second}']")
    page.click(f"[data-key='{second}'] [aria-label='More like this']")
    until(page, "location.hash.includes('more=')")
    settle(page)
    assert page.locator(".part.more").count() == 1
    page.hover(f"[data-key='{first}']")
    page.click(f"[data-key='{first}'] [aria-label='Less like this']")
    until(page, "location.hash.includes('less=')")
    settle(page)
    query = f"semantic-search?text=ice&positives={second}&negatives={first}&limit=60"
    assert keys(page) == [f"{item['collection']}/{item['id']}" for item in ask(address, query)["features"]]
    assert (link(page)["more"], link(page)["less"]) == (second, first)


def test_an_uploaded_image_finds_itself(page: Any, address: str, tmp_path: Path) -> None:
    arrive(page, address)
    known = ask(address, "search?limit=50&collections=world-rgb&datetime=../2020-01-25T00:00:00Z")["features"][0]
    with urlopen(known["assets"]["thumbnail"]["href"]) as answer:
        image = tmp_path / "example.jpg"
        image.write_bytes(answer.read())
    page.set_input_files("input[type=file]", image)
    page.wait_for_selector(".part.like")
    settle(page)
    until(page, f"document.querySelector('.card')?.dataset.key === '{known['collection']}/{known['id']}'")
    assert link(page)["image"] == "example.jpg"
    page.reload()
    page.wait_for_selector(".failed")
    assert "Drop it here again" in page.locator(".failed").inner_text()


def test_a_hit_opens_with_its_heat_map_and_the_link_brings_it_back(page: Any, address: str) -> None:
    first = ask(address, "search?limit=50&collections=world-rgb&datetime=../2020-01-25T00:00:00Z")["features"][0]
    key = f"{first['collection']}/{first['id']}"
    arrive(page, address, "#q=ice&in=world-rgb")
    mapped(page)
    page.click(f"[data-key='{key}'] .face")
    page.wait_for_selector(".detail")
    assert page.locator(f"[data-key='{key}'] .face").get_attribute("aria-current") == "true"
    page.click("text=Heat map")
    page.wait_for_selector("text=Bright is where “ice” fits best.")
    shared = page.url
    assert (link(page)["hit"], link(page)["heat"]) == (key, "ice")
    page.goto("about:blank")
    page.goto(shared)
    page.wait_for_selector("text=Bright is where “ice” fits best.")
    assert page.locator(".detail dd").first.inner_text() != ""
    assert link(page) | {"at": ""} == {"q": "ice", "in": "world-rgb", "hit": key, "heat": "ice", "at": ""}
    page.keyboard.press("Escape")
    page.wait_for_selector(".detail", state="detached")


def test_map_and_grid_point_at_each_other(page: Any, address: str) -> None:
    found = ask(address, "search?limit=50&collections=world-rgb&datetime=../2020-01-25T00:00:00Z")["features"][0]
    west, south, east, north = found["bbox"]
    arrive(page, address, f"#in=world-rgb&to=2020-01-25&at=11,{(west + east) / 2},{(south + north) / 2}")
    box = mapped(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for _ in range(60):
        page.mouse.move(x, y)
        page.mouse.move(x + 1, y)
        if page.locator(".card[data-hover=true]").count():
            break
        page.wait_for_timeout(500)
    key = page.locator(".card[data-hover=true]").get_attribute("data-key")
    assert key == f"{found['collection']}/{found['id']}"
    page.mouse.click(x, y)
    page.wait_for_selector(".detail")
    assert link(page)["hit"] == key


def test_exports(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice")
    wanted = [key.split("/")[1] for key in keys(page)]
    saved = {}
    for name in ("GeoJSON", "CSV", "STAC"):
        page.click("summary[title=Export]")
        with page.expect_download() as download:
            page.click(f".items button:has-text('{name}')")
        saved[name] = Path(download.value.path()).read_text(encoding="utf-8")
    assert [item["id"] for item in json.loads(saved["GeoJSON"])["features"]] == wanted
    assert [line["id"] for line in csv.DictReader(io.StringIO(saved["CSV"]))] == wanted
    assert [item["stac_version"] for item in json.loads(saved["STAC"])["features"]] == ["1.1.0"] * len(wanted)
    page.click("summary[title=Export]")
    page.click(".items button:has-text('Notebook')")
    page.wait_for_selector("text=Python copied")
    snippet = page.evaluate("navigator.clipboard.readText()")
    compile(snippet, "snippet", "exec")
    assert f"{address}/semantic-search" in snippet


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


def test_the_keyboard_does_it_all(page: Any, address: str) -> None:
    arrive(page, address)
    page.keyboard.press("/")
    page.keyboard.type("ice")
    page.keyboard.press("Enter")
    until(page, "location.hash.includes('q=ice')")
    settle(page)
    page.locator(FACES).first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    second = keys(page)[1]
    assert page.evaluate("document.activeElement.closest('.card').dataset.key") == second
    page.keyboard.press("Enter")
    page.wait_for_selector(".detail")
    assert link(page)["hit"] == second
    page.keyboard.press("Escape")
    page.wait_for_selector(".detail", state="detached")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")


@pytest.mark.parametrize("size", [(390, 760), (820, 1000)])
def test_small_screens_have_no_sideways_scrolling(page: Any, address: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    arrive(page, address, "#q=ice")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if size[0] < 760:
        page.click(".switch button:has-text('Map')")
        page.wait_for_selector(".map", state="visible")
        assert not page.locator(".results").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessibility(page: Any, address: str, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page.emulate_media(color_scheme=theme)
    arrive(page, address, "#q=ice&near=0.3,0&radius=20000")
    first = keys(page)[0]
    page.click(f"[data-key='{first}'] .face")
    page.wait_for_selector(".detail")
    mapped(page)
    found = axe.Axe().run(page).response["violations"]
    told = [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]
    assert told == []


def test_a_token_is_asked_for_and_sent_with_pictures(chromium: Any, tmp_path: Path) -> None:
    from service.world import build, running

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


def test_the_map_shows_land(page: Any, address: str) -> None:
    arrive(page, address, "#at=2,10,20")
    mapped(page)
    for _ in range(60):
        picture = np.asarray(Image.open(io.BytesIO(page.locator(".map").screenshot())).convert("RGB"))
        colours = {tuple(pixel) for pixel in picture[::7, ::7].reshape(-1, 3).tolist()}
        if {(0xF6, 0xF5, 0xF0), (0xDF, 0xE8, 0xEC)} <= colours:
            break
        page.wait_for_timeout(500)
    assert {(0xF6, 0xF5, 0xF0), (0xDF, 0xE8, 0xEC)} <= colours
    assert re.search("Natural Earth", page.content())
