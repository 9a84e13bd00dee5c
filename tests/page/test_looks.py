"""How the page is seen and used: by keyboard, on small screens, in the dark, by a screen reader."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from page.steps import FACES, arrive, keys, link, mapped, settle, settled, until, violations

pytestmark = pytest.mark.slow

LAND, SEA = (0xF6, 0xF5, 0xF0), (0xDF, 0xE8, 0xEC)


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
    page.emulate_media(color_scheme=theme)
    arrive(page, address, "#q=ice&near=0.3,0&radius=20000")
    first = keys(page)[0]
    page.click(f"[data-key='{first}'] .face")
    page.wait_for_selector(".detail")
    mapped(page)
    assert violations(page) == []


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


def test_the_map_shows_land(page: Any, address: str) -> None:
    arrive(page, address, "#at=2,10,20")
    mapped(page)
    for _ in range(60):
        colours = {tuple(pixel) for pixel in picture(page)[::7, ::7].reshape(-1, 3).tolist()}
        if {LAND, SEA} <= colours:
            break
        page.wait_for_timeout(500)
    assert {LAND, SEA} <= colours
    assert re.search("Natural Earth", page.content())


def picture(page: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page.locator(".map").screenshot())).convert("RGB"))


def test_no_land_lies_in_the_open_ocean(page: Any, address: str) -> None:
    """Rings that cross the antimeridian must not be filled across the Atlantic and the Pacific."""
    arrive(page, address, "#to=1990-01-01&at=3,-40,47")
    mapped(page)
    page.wait_for_timeout(500)
    for _ in range(60):
        seen = picture(page)
        colours = {tuple(pixel) for pixel in seen[::7, ::7].reshape(-1, 3).tolist()}
        if {LAND, SEA} <= colours:
            break
        page.wait_for_timeout(500)
    middle = seen[seen.shape[0] // 2 - 60 : seen.shape[0] // 2 + 60, seen.shape[1] // 2 - 20 : seen.shape[1] // 2 + 20]
    assert not (middle == LAND).all(axis=-1).any()
    assert (middle == SEA).all(axis=-1).mean() > 0.8


def test_keys_steer_the_search(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice")
    first, second = keys(page)[:2]
    page.locator(FACES).first.focus()
    page.keyboard.press("m")
    settled(page, "location.hash.includes('more=')")
    page.locator(f"[data-key='{second}'] .face").focus()
    page.keyboard.press("l")
    settled(page, "location.hash.includes('less=')")
    assert (link(page)["more"], link(page)["less"]) == (first, second)
    page.locator(FACES).first.focus()
    page.keyboard.press("s")
    settled(page, "location.hash.includes('like=')")
    assert set(link(page)) <= {"like", "at"}


def test_the_chosen_theme_stays(page: Any, address: str) -> None:
    page.emulate_media(color_scheme="light")
    arrive(page, address)
    mapped(page)
    page.click("[title='Light or dark']")
    until(page, "document.documentElement.dataset.theme === 'dark'")
    page.reload()
    until(page, "document.documentElement.dataset.theme === 'dark'")
    shade = page.evaluate("getComputedStyle(document.querySelector('.results')).backgroundColor")
    assert all(int(each) < 60 for each in re.findall(r"\d+", shade))


def test_accessibility_of_other_states(page: Any, address: str) -> None:
    arrive(page, address)
    assert violations(page) == []
    page.keyboard.press("Tab")
    page.locator(FACES).first.focus()
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.click("summary[title=Export]")
    assert violations(page) == []
    arrive(page, address, "#q=ice&from=1990-01-01&to=1990-12-31")
    page.wait_for_selector(".empty")
    assert violations(page) == []
    page.route("**/semantic-search", lambda route: route.abort())
    page.goto("about:blank")
    page.goto(f"{address}/#q=ice")
    page.wait_for_selector(".failed")
    assert violations(page) == []
    page.unroute("**/semantic-search")
    page.set_viewport_size({"width": 390, "height": 760})
    arrive(page, address, "#q=ice")
    page.click(".switch button:has-text('Map')")
    page.wait_for_selector(".map", state="visible")
    assert violations(page) == []
