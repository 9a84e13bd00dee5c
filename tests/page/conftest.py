"""A real Chromium in front of a real service. Skipped where there is no Chromium or no Playwright; in CI that fails."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from service.world import build, running

_QUIET = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_PATIENCE_MS = 60_000


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    if importlib.util.find_spec("playwright") is None:
        _go_without("playwright is not installed: it comes with swath[dev]")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        _go_without("no Chromium: install it (Debian: apt-get install chromium) or name it by CHROMIUM")
    playwright = importlib.import_module("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(_QUIET), chromium_sandbox=False)
        yield browser
        browser.close()


def _go_without(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service over a small archive."""
    with running(build(tmp_path_factory.mktemp("page"))) as url:
        yield url


@pytest.fixture
def page(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab. It may load nothing from elsewhere and raise nothing."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800},
        permissions=["clipboard-read", "clipboard-write"],
        accept_downloads=True,
    )
    context.set_default_timeout(_PATIENCE_MS)
    tab = context.new_page()
    raised: list[str] = []
    foreign: list[str] = []
    tab.on("pageerror", lambda error: raised.append(str(error)))
    tab.on("request", lambda request: foreign.append(request.url) if _is_foreign(request.url) else None)
    yield tab
    keep = os.environ.get("SWATH_SCREENSHOTS")
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W+", "_", request.node.name.removeprefix("test_")).strip("_")
        tab.screenshot(path=Path(keep) / f"{name}.png")
    context.close()
    assert raised == []
    assert foreign == []


def _is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1", "data:", "blob:"))
