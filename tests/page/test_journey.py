"""The page in a real browser: what somebody does with it, from the first search to a link that is sent on."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

import pytest

from page.steps import FACES, a_scene, arrive, ask, found_by, key_of, keys, link, mapped, search, settle, settled, until

pytestmark = pytest.mark.slow


def test_words_find_what_the_api_finds(page: Any, address: str) -> None:
    arrive(page, address)
    assert page.locator(FACES).count() == 50
    search(page, "harbour with ships")
    found = ask(address, "semantic-search?text=harbour%20with%20ships&limit=60")["features"]
    assert keys(page) == [key_of(item) for item in found]
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
    assert keys(page) == found_by(address, f"text=ice&bbox={west},{south},{east},{north}")
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
    assert keys(page) == found_by(address, f"near={lon},{lat}&radius_km=50") != []


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
    assert keys(page) == found_by(address, f"text=ice&positives={second}&negatives={first}")
    assert (link(page)["more"], link(page)["less"]) == (second, first)


def test_a_hit_opens_with_its_heat_map_and_the_link_brings_it_back(page: Any, address: str) -> None:
    key = key_of(a_scene(address))
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
    found = a_scene(address)
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
    assert key == key_of(found)
    page.mouse.click(x, y)
    page.wait_for_selector(".detail")
    assert link(page)["hit"] == key


def test_a_polygon_drawn_on_the_map_filters(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice&at=1,0,0")
    box = mapped(page)
    page.click(".maptools button:has-text('A polygon')")
    assert "corners" in page.locator(".hint").inner_text()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for across, down in ((-90, -80), (90, -60), (20, 90)):
        page.mouse.click(x + across, y + down)
    page.keyboard.press("Enter")
    settled(page, "location.hash.includes('polygon=')")
    flat = [float(each) for each in link(page)["polygon"].split(",")]
    ring = [flat[i : i + 2] for i in range(0, len(flat), 2)]
    assert len(ring) == 3
    area = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    body = json.dumps({"text": "ice", "intersects": area, "limit": 60}).encode()
    asked = Request(f"{address}/semantic-search", body, {"Content-Type": "application/json"})
    with urlopen(asked) as answer:
        wanted = [key_of(item) for item in json.load(answer)["features"]]
    assert keys(page) == wanted
    assert page.locator(".part.area").inner_text().strip().startswith("in this polygon")


def test_only_like_this_begins_a_new_search(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice&in=world-rgb")
    third = keys(page)[2]
    page.hover(f"[data-key='{third}']")
    page.click(f"[data-key='{third}'] [aria-label='Only what looks like this']")
    settled(page, "location.hash.includes('like=')")
    assert link(page) | {"at": ""} == {"like": third, "in": "world-rgb", "at": ""}
    assert keys(page) == found_by(address, f"like={third}&collections=world-rgb")
    page.go_back()
    settled(page, "location.hash.includes('q=ice')")


def test_more_hits_are_shown_when_asked_for(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice&limit=20")
    first = keys(page)
    assert (len(first), page.locator(".count").inner_text()[:3]) == (20, "20+")
    page.click("text=Show more")
    until(page, f"document.querySelectorAll('{FACES}').length === 50")
    assert keys(page)[:20] == first
    assert page.locator("text=Show more").count() == 0


def test_one_hit_after_the_other(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice")
    first, second = keys(page)[:2]
    page.click(f"[data-key='{first}'] .face")
    page.wait_for_selector(".detail")
    assert page.locator("[title='The one before']").is_disabled()
    page.click("[title='The next']")
    until(page, f"location.hash.includes('hit={second}')")
    page.click(".detail button:has-text('More like this')")
    settled(page, "location.hash.includes('more=')")
    assert link(page)["more"] == second
