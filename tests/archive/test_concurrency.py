"""Writers, deletes, maintenance and searches at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.fakes import FakeEncoder, filled, grid, units
from swath.archive import Archive, newest

COUNT, STEP = 600, 30
CHIPS, VECTORS = grid(COUNT), units(COUNT)


@pytest.mark.parametrize("indexed", [False, True])
def test_nothing_is_lost_or_doubled_while_everything_happens(tmp_path: Path, indexed: bool) -> None:
    """Two writers add the same chips from opposite ends and meet in the middle.

    With an index on the ids Lance would leave out its check for keys that both insert; see `Store.insert`.
    """
    first = filled(tmp_path / "archive", CHIPS[:100], VECTORS[:100])
    if indexed:
        first.optimize()
    wrong: list[str] = []

    def job(work: Callable[[Archive], object]) -> threading.Thread:
        def run() -> None:
            try:
                work(Archive.open(tmp_path / "archive", FakeEncoder()))
            except BaseException as error:  # reported by the assertion below
                wrong.append(f"{type(error).__name__}: {error}")

        return threading.Thread(target=run)

    def add(archive: Archive, backwards: bool) -> None:
        starts = list(range(100, COUNT, STEP))
        for at in reversed(starts) if backwards else starts:
            archive.add(CHIPS[at : at + STEP], VECTORS[at : at + STEP])

    def search(archive: Archive) -> None:
        for _ in range(10):
            assert len(archive.search("port", bbox=(-120, -80, 120, 80), sensor="rgb", k=5)) == 5

    def delete(archive: Archive) -> None:
        for at in range(0, 20, 10):
            archive.delete([chip.id for chip in CHIPS[at : at + 10]])

    def maintain(archive: Archive) -> None:
        for _ in range(2):
            archive.optimize()

    threads = [job(lambda a: add(a, False)), job(lambda a: add(a, True)), job(search), job(delete), job(maintain)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sorted(first.present_ids().tolist()) == sorted(chip.id.encode() for chip in CHIPS[20:])
    assert first.verify(files=False).ok


def test_what_others_write_is_seen_at_once_though_the_store_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = filled(tmp_path / "archive", CHIPS[:10], VECTORS[:10])
    reader, versions = Archive.open(tmp_path / "archive"), tmp_path / "archive" / "chips.lance" / "_versions"
    asked: list[int] = []
    newest_version = reader._store.newest_version
    monkeypatch.setattr(reader._store, "newest_version", lambda: asked.append(1) or newest_version())
    monkeypatch.setattr(newest, "LOCAL_REFRESH_SECONDS", 3600.0)
    # A folder that has only just changed may change again before its clock ticks: the store itself is asked. However
    # slow this machine is, the change is recent.
    recent = time.time_ns() + 600 * 10**9
    os.utime(versions, ns=(recent, recent))
    assert [len(reader) for _ in range(3)] == [10, 10, 10]
    assert len(asked) == 2
    past = time.time_ns() - 10**10
    os.utime(versions, ns=(past, past))
    assert [len(reader) for _ in range(3)] == [10, 10, 10]
    assert len(asked) == 3
    writer.add(CHIPS[10:20], VECTORS[10:20])
    assert len(reader) == 20
    # Should the folder's time not come through, as over a network, the store is asked after a while.
    writer.delete([CHIPS[0].id])
    os.utime(versions, ns=(past, past))
    assert len(reader) == 19
    writer.delete([CHIPS[1].id])
    os.utime(versions, ns=(past, past))
    assert len(reader) == 19
    monkeypatch.setattr(newest, "LOCAL_REFRESH_SECONDS", 0.0)
    assert len(reader) == 18
