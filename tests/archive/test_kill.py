"""Kills at random moments, a full disk, and two processes at once: the finished archive is always the same."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest

from archive.fakes import contents, write_scenes
from archive.indexing import STEADY, run, start
from swath.archive import Archive

COUNT = 96

pytestmark = pytest.mark.timeout(1500)  # processes upon processes: a busy machine takes its time


def check_equal(one: Archive, other: Archive) -> None:
    left, right = contents(one), contents(other)
    assert [row["id"] for row in left] == [row["id"] for row in right]
    for mine, theirs in zip(left, right, strict=True):
        np.testing.assert_array_equal(mine.pop("vector"), theirs.pop("vector"))
        assert mine == theirs


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"), COUNT // 16)


@pytest.fixture(scope="module")
def uninterrupted(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Archive, float]:
    """The archive of a run that nobody disturbed, and the seconds it took."""
    uri = tmp_path_factory.mktemp("whole") / "archive"
    run(scenes, uri.with_name("first"))  # starts the server of processes
    process, outcome = start(scenes, uri, options=STEADY)
    started = time.monotonic()
    assert outcome.recv() == (COUNT, 0, 0)
    seconds = time.monotonic() - started
    process.join()
    return Archive.open(uri), seconds


def kill_and_resume(scenes: Path, folder: Path, kills: int, seed: int, seconds: float) -> Archive:
    """Kill indexing runs at random moments, each going on where the last one was killed; then let one finish.

    Whenever a run ends before it is killed, the next one begins in a new archive, so every kill hits a run at work.
    """
    moments = random.Random(seed)
    done = attempt = 0
    while done < kills:
        process, outcome = start(scenes, folder / f"archive{attempt}")
        time.sleep(moments.uniform(0, 0.6 * seconds))
        if process.is_alive() and not outcome.poll():
            process.kill()
            done += 1
        else:
            attempt += 1
        process.join()
        outcome.close()
    added, present, failed = run(scenes, folder / f"archive{attempt}")
    assert (int(added) + int(present), failed) == (COUNT, 0)
    archive = Archive.open(folder / f"archive{attempt}")
    assert archive.verify().ok
    return archive


def test_three_kills_change_nothing(scenes: Path, uninterrupted: tuple[Archive, float], tmp_path: Path) -> None:
    whole, seconds = uninterrupted
    check_equal(kill_and_resume(scenes, tmp_path, 3, seed=1, seconds=seconds), whole)


@pytest.mark.slow
def test_twenty_kills_change_nothing(scenes: Path, uninterrupted: tuple[Archive, float], tmp_path: Path) -> None:
    whole, seconds = uninterrupted
    check_equal(kill_and_resume(scenes, tmp_path, 20, seed=2, seconds=seconds), whole)


def test_two_processes_add_the_same_chips_once(
    scenes: Path, uninterrupted: tuple[Archive, float], tmp_path: Path
) -> None:
    both = [start(scenes, tmp_path / "archive") for _ in range(2)]
    outcomes = [outcome.recv() for _, outcome in both]
    for process, _ in both:
        process.join()
    archive = Archive.open(tmp_path / "archive")
    assert [added + present for added, present, _ in outcomes] == [COUNT, COUNT]
    assert sum(added for added, _, _ in outcomes) == len(archive) == COUNT
    assert [failed for _, _, failed in outcomes] == [0, 0]
    check_equal(archive, uninterrupted[0])


def test_a_full_disk_is_told_and_a_later_run_goes_on(
    scenes: Path, uninterrupted: tuple[Archive, float], tmp_path: Path
) -> None:
    """No file may grow beyond a size: commits succeed until the manifest, which grows with each, does not fit.

    Both runs make as many commits: one of fewer would never come to the size.
    """
    manifests = Path(uninterrupted[0].uri).glob("chips.lance/_versions/*.manifest")
    limit = int(np.median([path.stat().st_size for path in manifests]))
    failed = run(scenes, tmp_path / "archive", size_limit=limit, options=STEADY)
    assert isinstance(failed, str), failed
    assert failed.startswith("ArchiveError"), failed
    assert "disk is full" in failed
    archive = Archive.open(tmp_path / "archive")
    committed = len(archive)
    assert 0 < committed < COUNT
    assert archive.verify().ok
    assert run(scenes, tmp_path / "archive") == (COUNT - committed, committed, 0)
    check_equal(Archive.open(tmp_path / "archive"), uninterrupted[0])
