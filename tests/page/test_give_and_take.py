"""Images that somebody gives to the page, and results that somebody takes along."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from page.steps import a_scene, arrive, ask, key_of, keys, link, settle, until

pytestmark = pytest.mark.slow

TAKE_FILE = """async ([url, names]) => {
    const bytes = await (await fetch(url)).blob();
    const data = new DataTransfer();
    data.items.add(new File([bytes], names.file, { type: "image/jpeg" }));
    const about = { bubbles: true, cancelable: true };
    for (const name of names.events) {
        const event = name === "paste"
            ? new ClipboardEvent(name, { ...about, clipboardData: data })
            : new DragEvent(name, { ...about, dataTransfer: data });
        document.querySelector("#words").dispatchEvent(event);
    }
}"""


def test_an_uploaded_image_finds_itself(page: Any, address: str, tmp_path: Path) -> None:
    arrive(page, address)
    known = a_scene(address)
    with urlopen(known["assets"]["thumbnail"]["href"]) as answer:
        image = tmp_path / "example.jpg"
        image.write_bytes(answer.read())
    page.set_input_files("input[type=file]", image)
    page.wait_for_selector(".part.like")
    settle(page)
    until(page, f"document.querySelector('.card')?.dataset.key === '{key_of(known)}'")
    assert link(page)["image"] == "example.jpg"
    page.reload()
    page.wait_for_selector(".failed")
    assert "Drop it here again" in page.locator(".failed").inner_text()


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


@pytest.mark.parametrize("events", [["dragover", "drop"], ["paste"]], ids=lambda each: each[-1])
def test_an_image_dropped_or_pasted_finds_itself(page: Any, address: str, events: list[str]) -> None:
    arrive(page, address, "#in=world-rgb")
    known = a_scene(address)
    given = [known["assets"]["thumbnail"]["href"], {"file": "given.jpg", "events": events}]
    if events[0] == "dragover":
        page.evaluate(TAKE_FILE, [given[0], {**given[1], "events": events[:1]}])
        page.wait_for_selector(".drop")
    page.evaluate(TAKE_FILE, given)
    page.wait_for_selector(".part.like .thumb")
    settle(page)
    until(page, f"document.querySelector('.card')?.dataset.key === '{key_of(known)}'")
    assert page.locator(".drop").count() == 0
    assert link(page)["image"] == "given.jpg"
    page.click("[title='Take out: like given.jpg']")
    until(page, "!location.hash.includes('image=')")


def test_what_is_no_image_is_refused_in_words(page: Any, address: str, tmp_path: Path) -> None:
    arrive(page, address)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    page.set_input_files("input[type=file]", broken)
    page.wait_for_selector(".failed")
    assert "image" in page.locator(".failed p").inner_text()
    page.click("text=Start anew")
    page.wait_for_selector(".card")


def test_the_snippet_finds_the_same(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice&in=world-rgb&to=2020-06-30")
    page.click("summary[title=Export]")
    page.click(".items button:has-text('Notebook')")
    page.wait_for_selector("text=Python copied")
    names: dict[str, Any] = {}
    exec(page.evaluate("navigator.clipboard.readText()"), names)
    items = names["answer"].json()["features"]
    assert keys(page) == [key_of(item) for item in items]
    assert names["found"]["swath:rank"].tolist() == list(range(1, len(items) + 1))
    assert ask(address, f"collections/{items[0]['collection']}/items/{items[0]['id']}")["id"] == items[0]["id"]


def test_the_link_is_copied(page: Any, address: str) -> None:
    arrive(page, address, "#q=ice")
    page.click("[title='Copy a link to this view']")
    page.wait_for_selector("text=Link copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
