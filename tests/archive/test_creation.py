"""Archives that several processes make at once, or that a kill left half made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import lancedb
import pytest

from archive.fakes import DIM, make_chip, units
from swath.archive import Archive, creation, store
from swath.archive.creation import create_in_store, put_back
from swath.errors import ArchiveCorruptError, ArchiveError, ArchiveNotFoundError, ModelMismatchError

CHIPS, VECTORS = [make_chip(number) for number in range(6)], units(6)


def empty(uri: Path, model: str = "fake@1", dim: int = DIM) -> Archive:
    return Archive.create(uri, model, dim, exist_ok=True)


def interrupted(monkeypatch: pytest.MonkeyPatch, table: str, others: Callable[[], object]) -> None:
    """Have others do something when a table is about to be moved into place."""
    move = creation._move

    def moving(source: Path, folder: Path) -> bool:
        if source.name == f"{table}.lance":
            monkeypatch.setattr(creation, "_move", move)
            others()
        return move(source, folder)

    monkeypatch.setattr(creation, "_move", moving)


@pytest.mark.parametrize("table", ["chips", "meta"])
def test_what_another_process_makes_and_fills_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    interrupted(monkeypatch, table, lambda: empty(tmp_path / "archive").add(CHIPS, VECTORS))
    archive = empty(tmp_path / "archive")
    assert len(archive) == 6
    assert archive.add(CHIPS, VECTORS) == 0
    assert sorted(path.name for path in (tmp_path / "archive").iterdir()) == ["chips.lance", "meta.lance"]
    interrupted(monkeypatch, table, lambda: empty(tmp_path / "another"))
    with pytest.raises(ArchiveError, match="already; open it"):
        Archive.create(tmp_path / "another", "fake@1", DIM)


@pytest.mark.parametrize("table", ["chips", "meta"])
def test_of_two_models_at_once_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    interrupted(monkeypatch, table, lambda: empty(tmp_path / "archive").add(CHIPS, VECTORS))
    with pytest.raises(ModelMismatchError, match=r"fake@1.*other@2"):
        empty(tmp_path / "archive", "other@2")
    assert Archive.open(tmp_path / "archive").verify(files=False).ok


def test_of_two_lengths_at_once_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(monkeypatch, "chips", lambda: empty(tmp_path / "one"))
    with pytest.raises(ModelMismatchError, match=r"16 dimensions.*\(8\)"):
        empty(tmp_path / "one", dim=8)
    refused = partial(pytest.raises, ArchiveError, match="another archive, or one is being made there")

    def later() -> None:
        with refused():
            empty(tmp_path / "two")

    interrupted(monkeypatch, "meta", later)
    assert empty(tmp_path / "two", dim=8).dim == 8


def test_chips_of_another_length_are_not_taken_over(tmp_path: Path) -> None:
    empty(tmp_path / "archive")
    shutil.rmtree(tmp_path / "archive" / "meta.lance")
    with pytest.raises(ArchiveError, match="rest of another archive"):
        empty(tmp_path / "archive", dim=8)
    with pytest.raises(ArchiveNotFoundError):
        Archive.open(tmp_path / "archive")


@pytest.mark.parametrize("table", ["chips", "meta"])
@pytest.mark.parametrize("left", ["_versions", "_versions/*.manifest", "*"])
def test_a_table_that_a_kill_left_without_a_version_is_none(tmp_path: Path, table: str, left: str) -> None:
    uri = tmp_path / "archive"
    empty(uri)
    if table == "chips":
        shutil.rmtree(uri / "meta.lance")
    for path in (uri / f"{table}.lance").glob(left):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (uri / ".making-abc").mkdir()
    with pytest.raises(ArchiveNotFoundError, match="swath index"):
        Archive.open(uri)
    assert empty(uri).add(CHIPS, VECTORS) == 6
    assert Archive.open(uri).verify(files=False).ok


def test_what_a_kill_left_is_removed_after_a_day(tmp_path: Path) -> None:
    for name, days in (("old", 2), ("new", 0)):
        (tmp_path / f".making-{name}").mkdir()
        when = (tmp_path / f".making-{name}").stat().st_mtime - days * 86_400
        os.utime(tmp_path / f".making-{name}", (when, when))
    empty(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".making-new", "chips.lance", "meta.lance"]


def test_an_archive_that_is_made_and_filled_while_it_is_opened_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables are listed before it is there, and opened when it is."""
    (tmp_path / "archive" / "chips.lance").mkdir(parents=True)
    listed = store._tables

    def tables(connection: Any) -> set[str]:
        found = listed(connection)
        monkeypatch.setattr(store, "_tables", listed)
        empty(tmp_path / "archive").add(CHIPS, VECTORS)
        return found

    monkeypatch.setattr(store, "_tables", tables)
    assert len(Archive.open(tmp_path / "archive")) == 6


def test_damage_stays_damage(tmp_path: Path) -> None:
    empty(tmp_path / "archive").add(CHIPS, VECTORS)
    shutil.rmtree(tmp_path / "archive" / "meta.lance" / "_versions")
    with pytest.raises(ArchiveCorruptError, match="'meta' table is missing"):
        Archive.open(tmp_path / "archive")


def test_rows_of_a_table_that_was_overwritten_in_its_making_are_put_back(tmp_path: Path) -> None:
    """What an object store needs, which can move nothing."""
    archive = empty(tmp_path / "archive")
    archive.add(CHIPS[:4], VECTORS[:4])
    connection = lancedb.connect(str(tmp_path / "archive"))
    schema = connection.open_table("chips").schema
    table = connection.create_table("chips", schema=schema, mode="overwrite")
    archive.add(CHIPS[4:], VECTORS[4:])  # in between
    assert put_back(connection, table)
    assert sorted(archive.present_ids().tolist()) == sorted(chip.id.encode() for chip in CHIPS)
    fresh = lancedb.connect(str(tmp_path / "fresh"))
    tables = {name: connection.open_table(name).to_arrow().slice(0, 0) for name in ("chips", "meta")}
    assert create_in_store("there", fresh, tables)
    assert not create_in_store("there", fresh, tables)


@pytest.mark.parametrize("place", ["a.txt", "a.txt/archive"])
def test_a_place_where_no_folder_can_be(tmp_path: Path, place: str) -> None:
    (tmp_path / "a.txt").write_text("a file")
    with pytest.raises(ArchiveError, match=r"no folder can be made at .*a\.txt.*choose another place"):
        empty(tmp_path / place)
