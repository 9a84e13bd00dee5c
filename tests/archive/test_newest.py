"""Versions that are loaded before anybody reads by them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from archive.fakes import FakeEncoder, filled, grid, units
from swath.archive import Archive, newest
from swath.archive.snapshot import Snapshot
from swath.errors import ArchiveError

CHIPS, VECTORS = grid(60), units(60)


class Gate:
    """Lets the first snapshot pass and holds all others until it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.seen: list[int] = []

    def __call__(self, snapshot: Snapshot) -> None:
        self.seen.append(snapshot.rows)
        assert len(self.seen) == 1 or self.open.wait(60)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.setattr(newest, "LOADED_AT_ONCE", 0)
    return Gate()


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Archive, Archive]:
    """One who writes and one who reads."""
    writer = filled(tmp_path / "archive", CHIPS[:40], VECTORS[:40])
    return writer, Archive.open(tmp_path / "archive", FakeEncoder())


def loaded() -> None:
    """Wait until nothing is being loaded."""
    for thread in threading.enumerate():
        if thread.name == "swath-load":
            thread.join(60)
            assert not thread.is_alive()


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    tick = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if holds():
            return True
        tick.wait(0.01)
    return False


def test_the_version_before_answers_until_the_new_one_is_loaded(pair: tuple[Archive, Archive], gate: Gate) -> None:
    writer, reader = pair
    reader.load_ahead(gate)
    assert reader.snapshot()._cache is not None
    writer.add(CHIPS[40:50], VECTORS[40:50])
    assert (len(reader), len(reader.search("port", k=60))) == (40, 40)
    writer.add(CHIPS[50:], VECTORS[50:])
    assert len(reader) == 40
    gate.open.set()
    loaded()
    assert reader._newest._snapshot is not None
    assert reader._newest._snapshot.rows == 50
    assert within(60, lambda: len(reader) == 60)  # what was written meanwhile comes next
    loaded()
    assert gate.seen == [40, 50, 60]
    snapshot = reader.snapshot()
    assert snapshot._cache is not None
    again = Archive.open(reader.uri, FakeEncoder()).search("port", k=60)
    found = reader.search("port", k=60)
    assert [(hit.id, hit.score) for hit in found] == [(hit.id, hit.score) for hit in again]
    assert found.confidence == again.confidence


def test_a_process_sees_its_own_writes_while_it_loads_those_of_others(
    pair: tuple[Archive, Archive], gate: Gate
) -> None:
    writer, reader = pair
    reader.load_ahead(gate)
    writer.add(CHIPS[40:50], VECTORS[40:50])
    assert len(reader) == 40
    reader.add(CHIPS[50:], VECTORS[50:])
    assert len(reader) == 60
    gate.open.set()
    loaded()
    assert len(reader) == 60


def test_small_archives_are_read_anew_at_once(pair: tuple[Archive, Archive]) -> None:
    writer, reader = pair
    reader.load_ahead()
    writer.add(CHIPS[40:50], VECTORS[40:50])
    assert len(reader) == 50


@pytest.mark.filterwarnings("ignore:optimize.cleanup_older_than")
def test_a_version_that_maintenance_removes_is_not_read_by_any_more(pair: tuple[Archive, Archive], gate: Gate) -> None:
    writer, reader = pair
    reader.load_ahead(gate)
    writer.add(CHIPS[40:50], VECTORS[40:50])
    assert len(reader) == 40
    writer.optimize(keep=timedelta(0))
    assert len(reader) == 50
    gate.open.set()
    loaded()
    assert len(reader.search("port", k=60)) == 50


def test_what_cannot_be_loaded_is_met_by_those_who_read(
    pair: tuple[Archive, Archive], gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    writer, reader = pair

    def broken(snapshot: Snapshot) -> None:
        gate(snapshot)
        if snapshot.rows > 40:
            raise ArchiveError("no such file")

    gate.open.set()
    reader.load_ahead(broken)
    writer.add(CHIPS[40:50], VECTORS[40:50])
    assert within(60, lambda: len(reader) == 50)
    assert "no such file" in caplog.text
    assert len(reader.search("port", k=60)) == 50
