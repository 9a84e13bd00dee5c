"""Captions and questions on a hit, where the archive's model can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
import torch

from archive.fakes import source_chips, write_scenes
from generate.models import tiny_config, tiny_model
from page.steps import arrive, ask, key_of, until
from service.world import running
from swath.archive import Archive
from swath.models.answerer import AnswererConfig, CompactAnswerer
from swath.raster import read_chip

pytestmark = pytest.mark.slow

CAPTIONER = {"width": 64, "layers": 2, "heads": 2, "queries": 5, "pooler_heads": 2}


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service whose model writes and answers, by small random weights."""
    folder = tmp_path_factory.mktemp("words")
    encoder = tiny_model(tiny_config(captioner=CAPTIONER))
    encoder.save_pretrained(folder / "model")
    torch.manual_seed(1)
    config = AnswererConfig(base=encoder.model_id, dim=encoder.dim, members=2, counts=(0, 1, 2, 5))
    CompactAnswerer(encoder, config).save(folder / "model")
    archive = Archive.create(folder / "archive", encoder.model_id, encoder.dim, model=str(folder / "model"))
    chips = source_chips(write_scenes(folder / "scenes", 1), 64)
    archive.add(chips, encoder.encode_pixels([read_chip(chip) for chip in chips]).pooled.numpy())
    with running(archive) as url:
        yield url


def said(page: Any, part: str) -> str:
    """What stands under a button, once something does."""
    until(page, f"document.querySelector('{part} [role=status]')?.textContent.length > 0")
    return page.locator(f"{part} [role=status]").inner_text()


def test_a_caption_is_written(page: Any, speaking: str) -> None:
    item = ask(speaking, "search?limit=1")["features"][0]
    arrive(page, speaking, f"#hit={key_of(item)}")
    page.click("text=Write a caption")
    wanted = ask(speaking, f"collections/{item['collection']}/items/{item['id']}/caption")["caption"]
    assert said(page, ".detail div.ask").strip() == wanted.strip()


def test_a_question_is_answered_with_how_sure_it_is(page: Any, speaking: str) -> None:
    item = ask(speaking, "search?limit=1")["features"][0]
    arrive(page, speaking, f"#hit={key_of(item)}")
    question = "how many ships are there?"
    page.fill("#question", question)
    page.press("#question", "Enter")
    path = f"{speaking}/collections/{item['collection']}/items/{item['id']}/ask"
    body = json.dumps({"question": question}).encode()
    with urlopen(Request(path, body, {"Content-Type": "application/json"})) as answer:
        wanted = json.load(answer)
    part = "form.ask:has(#question)"
    assert said(page, part) == f"{wanted['answer']} · confidence {round(wanted['confidence'] * 100)} %"


def test_a_question_that_cannot_be_answered_says_why(page: Any, speaking: str) -> None:
    item = ask(speaking, "search?limit=1")["features"][0]
    arrive(page, speaking, f"#hit={key_of(item)}")
    page.fill("#question", " ")
    page.press("#question", "Enter")
    assert "Question: must not be blank" in said(page, "form.ask:has(#question)")


def test_a_model_that_only_searches_offers_neither(page: Any, address: str) -> None:
    item = ask(address, "search?limit=1")["features"][0]
    arrive(page, address, f"#hit={key_of(item)}")
    page.wait_for_selector(".detail .facts")
    assert page.locator("#question").count() == 0
    assert page.locator("text=Write a caption").count() == 0
