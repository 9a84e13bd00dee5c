"""Captions and answers, by small models with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from starlette.testclient import TestClient

from archive.fakes import make_chip, source_chips, units, write_scenes
from generate.models import tiny_config, tiny_model
from service.world import settings
from swath.archive import Archive
from swath.chips import Chip
from swath.models import Captioner, DualEncoder
from swath.models.answerer import AnswererConfig, CompactAnswerer, compact, load_answerer
from swath.raster import read_chip
from swath.service import Catalog, create_app

CAPTIONER = {"width": 64, "layers": 2, "heads": 2, "queries": 5, "pooler_heads": 2}
LOST = "scene9"
QUESTION = "how many ships are there?"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that writes and answers."""
    folder = tmp_path_factory.mktemp("words") / "model"
    encoder = tiny_model(tiny_config(captioner=CAPTIONER))
    encoder.save_pretrained(folder)
    torch.manual_seed(1)
    config = AnswererConfig(base=encoder.model_id, dim=encoder.dim, members=2, counts=(0, 1, 2, 5))
    CompactAnswerer(encoder, config).save(folder)
    return folder


@pytest.fixture(scope="module")
def able(model: Path) -> Archive:
    """Four chips of a scene, and one whose file is not there."""
    encoder = DualEncoder.from_pretrained(model)
    archive = Archive.create(model.parent / "able", encoder.model_id, encoder.dim, model=str(model))
    chips = source_chips(write_scenes(model.parent / "scenes", 1), 64)
    archive.add(chips, encoder.encode_pixels([read_chip(chip) for chip in chips]).pooled.numpy())
    archive.add([make_chip(9)], units(1, encoder.dim))
    return archive


@pytest.fixture(scope="module")
def speaking(able: Archive, world: Archive) -> Iterator[TestClient]:
    """A service of an archive whose model can, and of one whose model cannot."""
    shelves = Catalog({"able": able, "world": world})
    with TestClient(create_app(settings(), shelves), raise_server_exceptions=False) as made:
        yield made


def items(client: TestClient) -> list[str]:
    """Paths of the four items whose scene is there, in the order of their ids."""
    asked = {"collections": "able-rgb", "sortby": "id", "filter": f"scene_id <> '{LOST}'"}
    found = client.get("/search", params=asked).json()["features"]
    return [f"/collections/able-rgb/items/{each['id']}" for each in found]


def chips(archive: Archive) -> dict[str, Chip]:
    """All chips by their scene's name."""
    hits = archive.get([name.decode() for name in archive.snapshot().ids()])
    return {chip.scene.id: chip for chip in (hit.to_chip() for hit in hits)}


def test_a_caption_is_what_the_model_writes(speaking: TestClient, able: Archive, model: Path) -> None:
    path = items(speaking)[0]
    answer = speaking.get(f"{path}/caption")
    assert answer.status_code == 200, answer.text
    writer = Captioner.from_pretrained(model)
    chip = able.get([path.rpartition("/")[2]])[0].to_chip()
    wanted = writer.caption([read_chip(chip, min_valid=0.0)])[0]
    assert answer.json() == {"id": path.rpartition("/")[2], "caption": wanted, "captioner": writer.id}


def test_answers_are_what_the_answerer_gives(speaking: TestClient, able: Archive, model: Path) -> None:
    path = items(speaking)[1]
    then = ["is a road present?", "are there more ships than docks?"]
    answer = speaking.post(f"{path}/ask", json={"question": QUESTION, "then": then})
    assert answer.status_code == 200, answer.text
    answerer = load_answerer(model)
    pixels = read_chip(able.get([path.rpartition("/")[2]])[0].to_chip(), min_valid=0.0)
    wanted = answerer.answer([pixels] * 3, [QUESTION, *then])
    told = answer.json()
    assert told["answerer"] == answerer.model_id
    given = [told, *told["then"]]
    assert [each["question"] for each in given] == [QUESTION, *then]
    assert [each["answer"] for each in given] == [each.text for each in wanted]
    assert [each["type"] for each in given] == ["count", "whether", "more"]
    assert [each["confidence"] for each in given] == pytest.approx([each.confidence for each in wanted], abs=1e-4)


def test_abilities_are_told(speaking: TestClient, client: TestClient) -> None:
    assert speaking.get("/page-settings").json()["abilities"] == {"caption": True, "ask": True}
    assert client.get("/page-settings").json()["abilities"] == {"caption": False, "ask": False}
    found = {each["id"]: each["swath:abilities"] for each in speaking.get("/collections").json()["collections"]}
    assert found["able-rgb"] == ["caption", "ask"]
    assert found["world-rgb"] == []
    told = speaking.get("/models/able").json()["properties"]
    assert told["swath:abilities"] == ["caption", "ask"]
    assert told["mlm:tasks"] == ["similarity-search", "image-captioning"]
    assert speaking.get("/models/world").json()["properties"]["mlm:tasks"] == ["similarity-search"]


def test_links_lead_to_what_an_item_can(speaking: TestClient) -> None:
    links = {link["rel"]: link for link in speaking.get(items(speaking)[0]).json()["links"]}
    assert "caption" in speaking.get(links["caption"]["href"]).json()
    assert (
        "answer" in speaking.request(links["ask"]["method"], links["ask"]["href"], json={"question": QUESTION}).json()
    )
    other = speaking.get("/collections/world-rgb/items", params={"limit": 1}).json()["features"][0]
    assert not {"caption", "ask"} & {link["rel"] for link in other["links"]}


def test_a_model_that_cannot_is_told(speaking: TestClient) -> None:
    other = speaking.get("/collections/world-rgb/items", params={"limit": 1}).json()["features"][0]["id"]
    path = f"/collections/world-rgb/items/{other}"
    assert speaking.get(f"{path}/caption").status_code == 404
    refused = speaking.post(f"{path}/ask", json={"question": QUESTION})
    assert (refused.status_code, refused.json()["description"]) == (
        404,
        "the model of this archive answers no questions",
    )


@pytest.mark.parametrize(
    "body",
    [
        {}, {"question": ""}, {"question": "  "}, {"question": "\u3000"}, {"question": 3}, {"question": "a" * 1001},
        {"question": QUESTION, "then": [QUESTION] * 16}, {"question": QUESTION, "then": [" "]},
        {"question": QUESTION, "image": "/etc/passwd"}, {"question": "what is it?"},
    ],
)  # fmt: skip
def test_questions_that_cannot_be_asked(speaking: TestClient, body: dict[str, object]) -> None:
    refused = speaking.post(f"{items(speaking)[0]}/ask", json=body)
    assert refused.status_code == 400
    assert refused.json()["description"]


def test_items_that_cannot_be_looked_at(speaking: TestClient, able: Archive, world: Archive) -> None:
    lost = chips(able)[LOST].id
    for path, wanted in ((f"able-rgb/items/{lost}", 409), ("able-rgb/items/none", 404), ("none/items/none", 404)):
        assert speaking.get(f"/collections/{path}/caption").status_code == wanted
        assert speaking.post(f"/collections/{path}/ask", json={"question": QUESTION}).status_code == wanted
    with TestClient(create_app(settings(max_heat_map_pixels=100), Catalog({"able": able}))) as own:
        assert own.get(f"{items(own)[0]}/caption").status_code == 413


def test_an_answerer_of_other_features_is_no_ability(model: Path, able: Archive, tmp_path: Path) -> None:
    encoder = DualEncoder.from_pretrained(model)
    encoder.save_pretrained(tmp_path / "model")
    other = tiny_model(seed=3)
    CompactAnswerer(other, AnswererConfig(base=other.model_id, dim=other.dim)).save(tmp_path / "model")
    shelf = Catalog({"able": able}, str(tmp_path / "model")).shelves[0]
    assert shelf.abilities.names == ("caption",)
    assert Catalog({"able": able}, str(tmp_path / "nowhere")).shelves[0].abilities.names == ()


def test_questions_about_ever_new_things_do_not_fill_the_memory(
    model: Path, able: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compact, "_NAMES", 4)
    answerer = load_answerer(model)
    pixels = read_chip(next(chip for name, chip in chips(able).items() if name != LOST))
    first = answerer.answer([pixels], [QUESTION])
    for number in range(9):
        answerer.answer([pixels], [f"how many things of kind {'abcdefghi'[number]} are there?"])
        assert len(answerer._names) <= 5
    assert answerer.answer([pixels], [QUESTION]) == first
