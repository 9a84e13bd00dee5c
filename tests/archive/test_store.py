from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive.fakes import DIM, FakeEncoder, filled, make_chip, units
from swath.archive import Archive, store
from swath.archive.store import ArchiveMeta, Store
from swath.errors import (
    ArchiveCorruptError,
    ArchiveError,
    ArchiveNotFoundError,
    InputError,
    ModelMismatchError,
)

CHIPS = [make_chip(number) for number in range(12)]
VECTORS = units(12)


def damaged(folder: Path) -> Path:
    """An archive made of three commits, to be broken."""
    archive = filled(folder / "archive", CHIPS[:4], VECTORS[:4])
    archive.add(CHIPS[4:8], VECTORS[4:8])
    archive.add(CHIPS[8:], VECTORS[8:])
    return folder / "archive"


def newest(folder: Path) -> Path:
    return min(folder.glob("chips.lance/_versions/*.manifest"))


def truncate(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a data file is gone": lambda at: next(at.glob("chips.lance/data/*")).unlink(),
    "a data file is cut": lambda at: truncate(next(at.glob("chips.lance/data/*")), 0.5),
    "a data file is empty": lambda at: truncate(next(at.glob("chips.lance/data/*")), 0),
    "the newest manifest is gone": lambda at: newest(at).unlink(),
    "the newest manifest is cut": lambda at: truncate(newest(at), 0.5),
    "the newest manifest is empty": lambda at: truncate(newest(at), 0),
    "all manifests are gone": lambda at: shutil.rmtree(at / "chips.lance" / "_versions"),
    "the chips are gone": lambda at: shutil.rmtree(at / "chips.lance"),
    "the facts are gone": lambda at: shutil.rmtree(at / "meta.lance"),
    "the facts are cut": lambda at: truncate(next(at.glob("meta.lance/data/*")), 0.5),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_told_and_never_a_wrong_answer(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = damaged(tmp_path)
    damage(path)
    with pytest.raises(ArchiveCorruptError, match=r"archive .* (damaged|incomplete|lost)") as caught:
        Archive.open(path, FakeEncoder()).search("port", k=12)
    assert str(path) in str(caught.value)
    assert "copy" in str(caught.value)


def test_an_archive_written_while_it_is_opened_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = filled(tmp_path / "archive", CHIPS[:4], VECTORS[:4])

    class Connection:
        """Another process commits right after a table was opened."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection
            self.list_tables = connection.list_tables

        def open_table(self, table: str) -> Any:
            opened = self._connection.open_table(table)
            if table == "chips":
                writer.add(CHIPS[4:8], VECTORS[4:8])
            return opened

    connect = store._connect
    monkeypatch.setattr(store, "_connect", lambda *arguments: Connection(connect(*arguments)))
    reader = Archive.open(tmp_path / "archive", FakeEncoder())
    assert len(reader) == 8


def test_nothing_there(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ArchiveNotFoundError, match="swath index"):
            Archive.open(path)
    assert not (tmp_path / "nowhere").exists()
    file = tmp_path / "file"
    file.write_text("no archive")
    with pytest.raises(ArchiveNotFoundError):
        Archive.open(file)
    with pytest.raises(ArchiveError):
        Archive.create(file, "fake@1", DIM)


def test_other_models_are_refused_wherever_they_are_offered(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", CHIPS, VECTORS)
    other = FakeEncoder(model_id="other@2")
    with pytest.raises(ModelMismatchError, match=r"fake@1 .*other@2"):
        Archive.open(tmp_path / "archive", other)
    with pytest.raises(ModelMismatchError, match="other@2"):
        Archive.create(tmp_path / "archive", "other@2", DIM, exist_ok=True)
    with pytest.raises(ModelMismatchError, match="other@2"):
        archive.add(CHIPS, VECTORS, model_id="other@2")
    with pytest.raises(ModelMismatchError, match=r"16 dimensions.*\(8\)"):
        Archive.open(tmp_path / "archive", FakeEncoder(8, "fake@1"))
    assert len(archive) == 12


def test_create_twice(tmp_path: Path) -> None:
    filled(tmp_path / "archive", CHIPS, VECTORS)
    with pytest.raises(ArchiveError, match="already"):
        Archive.create(tmp_path / "archive", "fake@1", DIM)
    assert len(Archive.create(tmp_path / "archive", "fake@1", DIM, exist_ok=True)) == 12


def test_what_a_kill_left_while_creating_is_taken_over(tmp_path: Path) -> None:
    Archive.create(tmp_path / "archive", "fake@1", DIM)
    shutil.rmtree(tmp_path / "archive" / "meta.lance")
    with pytest.raises(ArchiveNotFoundError):
        Archive.open(tmp_path / "archive")
    archive = Archive.create(tmp_path / "archive", "fake@1", DIM)
    assert archive.add(CHIPS, VECTORS) == 12


def test_a_folder_with_other_things_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "scene.tif").write_bytes(b"")
    for exist_ok in (False, True):
        with pytest.raises(ArchiveError, match=r"scene\.tif"):
            Archive.create(tmp_path, "fake@1", DIM, exist_ok=exist_ok)


@pytest.mark.parametrize("name", ["with space", "ünïcödé-名前", "a#b?c%20d", "quote'd", "-dash"])
def test_odd_paths(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path / name, CHIPS, VECTORS)
    assert len(Archive.open(tmp_path / name, FakeEncoder()).search("port", k=3)) == 3
    monkeypatch.chdir(tmp_path)
    assert len(Archive.open(name)) == 12
    assert Archive.open(name).uri == str(tmp_path / name)


def test_a_newer_format_is_told(tmp_path: Path) -> None:
    filled(tmp_path / "archive", CHIPS, VECTORS)
    store = Store.open(tmp_path / "archive")
    facts = {"model_id": "fake@1", "dim": DIM, "format": 99, "of_tomorrow": True}
    store.put("archive", facts)
    with pytest.raises(ArchiveError, match=r"format 99.*update"):
        Archive.open(tmp_path / "archive")
    store.put("archive", {"format": 1})
    with pytest.raises(ArchiveCorruptError, match="model and format"):
        Archive.open(tmp_path / "archive")


def test_facts_are_kept_and_replaced(tmp_path: Path) -> None:
    settings = {"chip": 256, "source": "a 'quoted' place"}
    store = Store.create(tmp_path / "archive", ArchiveMeta("fake@1", DIM, "fake", settings))
    store.put("x", {"a": 1}, b"\0\1")
    store.put("x", {"a": 2}, b"\2")
    opened = Store.open(tmp_path / "archive")
    assert opened.get("x") == ({"a": 2}, b"\2")
    assert opened.get("y") is None
    assert opened.about == store.about
    assert json.dumps(opened.about.settings) == json.dumps(settings)


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Drop root's right to write everywhere, in this process and for this test only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """An archive that may be read and not written."""
    path = tmp_path / "archive"
    filled(path, CHIPS, VECTORS)
    folders = [path, *(entry for entry in path.rglob("*") if entry.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    for parent in [tmp_path, *tmp_path.parents][:4]:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(0o755)
    yield path
    for folder in folders:
        folder.chmod(0o755)


def test_a_read_only_archive_is_searched_and_not_written(locked: Path, ordinary_user: None) -> None:
    encoder = FakeEncoder()
    archive = Archive.open(locked, encoder)
    hits = archive.search("port", k=3)
    assert [hit.confidence is not None for hit in hits] == [True] * 3  # the bank is encoded, though it cannot be kept
    with pytest.raises(ArchiveError, match=r"read-only.*permissions"):
        archive.add([make_chip(99)], units(1, seed=5))
    with pytest.raises(ArchiveError, match="read-only"):
        archive.delete([CHIPS[0].id])
    with pytest.raises(ArchiveError, match="read-only"):
        archive.optimize()
    assert len(archive) == 12


@pytest.mark.parametrize(
    ("vectors", "why"),
    [
        (np.full((2, DIM), np.nan, np.float32), r"chip [0-9a-f]{32} \(/data/scene0\.tif\) holds NaN"),
        (np.full((2, DIM), np.inf, np.float32), "infinite"),
        (np.zeros((2, DIM), np.float32), "length 0"),
        (2 * units(2), "length 2"),
        (units(2, 8), r"shape \(2, 16\), got \(2, 8\)"),
        (units(3), r"got \(3, 16\)"),
    ],
)
def test_bad_vectors_are_refused_by_name(tmp_path: Path, vectors: np.ndarray, why: str) -> None:
    archive = Archive.create(tmp_path / "archive", "fake@1", DIM)
    with pytest.raises(InputError, match=why):
        archive.add(CHIPS[:2], vectors)
    assert len(archive) == 0


def test_one_bad_vector_is_named_and_nothing_is_added(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", "fake@1", DIM)
    vectors = VECTORS.copy()
    vectors[7, 3] = np.nan
    with pytest.raises(InputError, match=CHIPS[7].id):
        archive.add(CHIPS, vectors)
    with pytest.raises(InputError, match="thumbnails"):
        archive.add(CHIPS, VECTORS, thumbnails=[None])
    assert len(archive) == 0


def test_the_same_chip_twice_is_one_row(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", "fake@1", DIM)
    assert archive.add([*CHIPS, *CHIPS], np.concatenate([VECTORS, VECTORS])) == 12
    assert archive.add(CHIPS[3:], VECTORS[3:]) == 0
    assert archive.add([], np.empty((0, DIM), np.float32)) == 0
    assert archive.delete([CHIPS[3].id]) == 1
    assert archive.add(CHIPS, VECTORS) == 1
    assert len(archive) == len(set(archive.present_ids().tolist())) == 12


def test_delete_needs_to_know_what(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", CHIPS, VECTORS)
    for arguments in ({}, {"ids": [CHIPS[0].id], "where": "sensor = 'rgb'"}):
        with pytest.raises(InputError, match="either ids or"):
            archive.delete(**arguments)
    with pytest.raises(InputError, match="where filter"):
        archive.delete(where="true")
    assert archive.delete(ids=[]) == 0
    assert archive.delete(where="href IN ('/data/scene1.tif', '/data/scene2.tif')") == 2
    assert len(archive) == 10


def test_what_others_add_meanwhile_is_not_counted_as_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = filled(tmp_path / "archive", CHIPS[:6], VECTORS[:6])
    other, delete = Archive.open(tmp_path / "archive"), archive._store.delete
    monkeypatch.setattr(archive._store, "delete", lambda condition: other.add(CHIPS, VECTORS) * 0 + delete(condition))
    assert archive.delete([CHIPS[0].id, CHIPS[1].id]) == 2
    assert len(archive) == 10


class Crowded:
    """A table that some others write to first; an old version is removed in the meantime."""

    def __init__(self, *errors: Exception, versions: int = 0) -> None:
        self.errors, self.left, self.version = list(errors), versions, 1

    def checkout_latest(self) -> None:
        self.version += min(self.left, 1)
        self.left -= 1

    def write(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_a_commit_is_tried_again_while_others_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_LONGEST_PAUSE", 0.001)
    monkeypatch.setattr(store, "_FIRST_PAUSE", 0.001)
    conflict = RuntimeError("lance error: Retryable commit conflict for version 3: preempted. Please retry.")
    crowded = Crowded(*[conflict] * 20)
    assert store.retried(crowded, crowded.write) == "done"
    monkeypatch.setattr(store, "_PATIENCE", -1.0)
    hopeless = Crowded(conflict)
    with pytest.raises(ArchiveError, match=r"others keep writing to it; what was"), store.writing("/a"):
        store.retried(hopeless, hopeless.write)


def test_what_is_gone_is_looked_for_in_the_newer_version_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_FIRST_PAUSE", 0.001)
    gone = OSError("lance error: Not found: data/1.lance")
    replaced = Crowded(gone, versions=1)
    assert store.retried(replaced, replaced.write) == "done"
    for damaged in (Crowded(gone), Crowded(gone, gone, gone, gone, versions=9)):
        with pytest.raises(ArchiveCorruptError, match="damaged"), store.reading("/a"):
            store.retried(damaged, damaged.write)


def test_a_folder_of_other_things_is_no_archive(tmp_path):
    (tmp_path / "scene.tif").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(".")
    with pytest.raises(ArchiveNotFoundError, match="no archive at"):
        Store.open(tmp_path)
