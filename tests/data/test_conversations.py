"""LLaVA-style conversation files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generate.assistants import conversations
from generate.rasters import write_image
from swath.data.conversations import read_conversations
from swath.data.read_questions import read_questions
from swath.errors import DataError


def write(folder: Path, *entries: dict[str, Any]) -> Path:
    """A file of those entries, with one picture beside it."""
    write_image(folder / "a.png", 32, 32)
    (folder / "c.json").write_text(json.dumps(list(entries)))
    return folder / "c.json"


def said(*turns: tuple[str, str]) -> list[dict[str, str]]:
    """Turns as the file has them."""
    return [{"from": speaker, "value": text} for speaker, text in turns]


def test_turns_and_images_are_read_and_the_image_mark_is_taken_out(tmp_path: Path) -> None:
    found = read_conversations(conversations(tmp_path, count=3, turns=2))
    assert len(found) == 3
    first = found.entries[1]
    assert first.chip is not None
    assert [answer for _, answer in first.exchanges()] == ["there are 1 ships ."] * 2
    assert first.turns[0].text == "how many ships are there ? there are three ships ."


def test_an_image_that_is_missing_loses_its_conversation_only(tmp_path: Path) -> None:
    file = conversations(tmp_path, count=3)
    (tmp_path / "image-1.png").unlink()
    found = read_conversations(file)
    assert [entry.id for entry in found.entries] == ["c0", "c2"]
    assert found.failures[0].kind == "missing image"
    assert "image-1.png" in found.failures[0].message


def test_an_absolute_path_of_another_machine_is_found_by_its_end(tmp_path: Path) -> None:
    file = conversations(tmp_path, count=2)
    entries = json.loads(file.read_text())
    for entry in entries:
        entry["image"] = f"/home/someone/data/{entry['image']}"
    file.write_text(json.dumps(entries))
    assert len(read_conversations(file)) == 2


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        (said(("gpt", "a harbour"), ("human", "what?")), r"conversations\[0\] is from 'gpt', not 'human'"),
        (said(("human", "what?"), ("human", "where?")), r"conversations\[1\] is from 'human', not 'gpt'"),
        (said(("human", "<image>\n"), ("gpt", "a harbour")), r"conversations\[0\] says nothing"),
        (said(("human", "what?"), ("gpt", "")), r"conversations\[1\] says nothing"),
        (said(("human", "what?")), "ends with a question"),
        ([], 'no list "conversations"'),
    ],
)
def test_a_conversation_that_cannot_be_one_is_named(tmp_path: Path, turns: list[Any], message: str) -> None:
    good = {"id": "x", "image": "a.png", "conversations": said(("human", "what?"), ("gpt", "a harbour"))}
    file = write(tmp_path, good, {"id": "y", "image": "a.png", "conversations": turns})
    with pytest.raises(DataError, match="entry 1.*" + message):
        read_conversations(file)


def test_where_no_image_is_left_the_folder_is_asked_for(tmp_path: Path) -> None:
    turns = said(("human", "what?"), ("gpt", "a harbour"))
    with pytest.raises(DataError, match=r"no conversation is left.*b\.png"):
        read_conversations(write(tmp_path, {"id": "x", "image": "b.png", "conversations": turns}))


def test_fifty_turns_are_fifty_turns(tmp_path: Path) -> None:
    file = conversations(tmp_path, count=1, turns=50)
    assert len(list(read_conversations(file).entries[0].exchanges())) == 50
    assert len(read_questions(tmp_path)) == 50  # each asked on its own, for evaluation
