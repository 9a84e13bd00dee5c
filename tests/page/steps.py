"""What somebody does on the page, and how the tests wait for it."""

from __future__ import annotations

import importlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

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


def settled(page: Any, holds: str) -> None:
    """Wait until an expression holds and nothing is being searched any more."""
    until(page, holds)
    settle(page)


def found_by(address: str, query: str) -> list[str]:
    """Keys of what the API finds, in its order."""
    return [
        f"{item['collection']}/{item['id']}" for item in ask(address, f"semantic-search?{query}&limit=60")["features"]
    ]


def a_scene(address: str) -> Any:
    """An item whose scene can be read."""
    return ask(address, "search?limit=50&collections=world-rgb&datetime=../2020-01-25T00:00:00Z")["features"][0]


def key_of(item: Any) -> str:
    return f"{item['collection']}/{item['id']}"


def violations(page: Any) -> list[str]:
    """What axe finds."""
    axe = importlib.import_module("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]
