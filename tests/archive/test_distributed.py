"""The engine of several processes: the rows of one process, whatever is lost on the way."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive.fakes import FakeEncoder, contents, write_scenes
from swath.archive import Archive, IngestOptions, ingest
from swath.archive.distributed import RayOptions, ingest_on_ray
from swath.chips import Chip, Pixels
from swath.errors import InputError, MissingExtraError, ModelMismatchError
from swath.features import Features
from swath.raster import read_chip
from swath.sources import cut, cut_scene, open_source

TESTS = str(Path(__file__).parents[1])
COUNT, CHIP = 96, 32
SPREAD = RayOptions(workers=2, fragment=8)
OPTIONS = IngestOptions(batch_size=4)
CUT = partial(cut_scene, size=CHIP, stride=CHIP)


class Signing(FakeEncoder):
    """Leaves the number of its process in a folder, and takes its time, so that there is some to be killed in."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        (folder / str(os.getpid())).touch()

    def encode_images(self, batch: Any, sensor: str) -> Features:
        time.sleep(0.1)
        return super().encode_images(batch, sensor)


def reading_kills(chip: Chip) -> Pixels:
    """One chip ends the process that reads it, as a crash in a C library does."""
    if chip.window.col == chip.window.row == 0 and chip.scene.href.endswith("scene001.tif"):
        os.kill(os.getpid(), signal.SIGKILL)
    return read_chip(chip)


def check_equal(one: Archive, other: Archive) -> None:
    left, right = contents(one), contents(other)
    assert [row["id"] for row in left] == [row["id"] for row in right]
    for mine, theirs in zip(left, right, strict=True):
        np.testing.assert_array_equal(mine.pop("vector"), theirs.pop("vector"))
        assert mine == theirs


def empty(uri: Path) -> Archive:
    return Archive.create(uri, "fake@1", FakeEncoder().dim)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("scenes"), COUNT // 16)


@pytest.fixture(scope="module")
def single(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """What one process makes of the scenes."""
    archive = empty(tmp_path_factory.mktemp("single") / "archive")
    assert ingest(archive, cut(open_source(str(scenes)), CHIP), FakeEncoder(), options=OPTIONS).added == COUNT
    return archive


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray on this machine, with two cores by its own count."""
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # else workers stand still beside whatever else is run
        patch.setenv("PYTHONPATH", TESTS)  # workers load the fakes from here
        for tries_left in (2, 1, 0):  # on a loaded machine it may not start within Ray's 30 seconds
            try:
                ray.init("local", num_cpus=2, object_store_memory=2**27, include_dashboard=False, log_to_driver=False)
                break
            except Exception:
                ray.shutdown()
                if not tries_left:
                    raise
        yield ray
        ray.shutdown()


def spread_out(archive: Archive, scenes: Path, encoder: Callable[[], FakeEncoder], **others: Any) -> Any:
    return ingest_on_ray(
        archive, open_source(str(scenes)).scenes(), encoder, CUT, spread=SPREAD, options=OPTIONS, **others
    )


def kill_one(pids: Path, archive: Archive, killed: list[int]) -> threading.Thread:
    """Kill a worker as soon as something is committed."""

    def work() -> None:
        watched = Archive.open(archive.uri)
        while not len(watched):
            time.sleep(0.02)
        killed.append(int(next(iter(sorted(pids.iterdir()))).name))
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_without_ray_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"swath\[ray\]"):
        ingest_on_ray(empty(tmp_path / "archive"), [], FakeEncoder, CUT)


def test_options_that_cannot_be() -> None:
    with pytest.raises(InputError, match="at least 1"):
        RayOptions(workers=0)


@pytest.mark.slow
def test_the_rows_are_those_of_one_process_though_a_worker_is_killed(
    ray: Any, scenes: Path, single: Archive, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    archive, killed = empty(tmp_path / "archive"), []
    killer = kill_one(pids, archive, killed)
    report = spread_out(archive, scenes, partial(Signing, pids))
    killer.join(timeout=10)
    assert len(killed) == 1
    assert (report.added + report.present, report.empty, report.failures) == (COUNT, 0, [])
    assert report.present <= SPREAD.fragment * 2
    assert len(archive) == COUNT
    check_equal(archive, single)
    assert archive.verify().ok
    # A second run reads nothing.
    again = spread_out(archive, scenes, FakeEncoder)
    assert (again.added, again.present) == (0, COUNT)


@pytest.mark.slow
def test_a_fragment_is_one_commit_and_progress_tells_the_end(ray: Any, scenes: Path, tmp_path: Path) -> None:
    archive, seen = empty(tmp_path / "archive"), []
    before = archive.info().version
    spread_out(archive, scenes, FakeEncoder, progress=seen.append)
    assert archive.info().version - before == COUNT // SPREAD.fragment
    assert (seen[-1].done, seen[-1].total, seen[-1].added) == (COUNT, COUNT, COUNT)
    # The bank of captions is there, as after an ingest by one process.
    assert archive._store.get("background") is not None


@pytest.mark.slow
def test_a_chip_that_kills_its_readers_is_reported_alone(ray: Any, scenes: Path, tmp_path: Path) -> None:
    archive = empty(tmp_path / "archive")
    report = spread_out(archive, scenes, FakeEncoder, read=reading_kills)
    assert len(archive) == COUNT - 1
    assert [(Path(item.href).name, item.window[:2]) for item in report.failures] == [("scene001.tif", [0, 0])]
    assert "lost" in report.failures[0].reason


@pytest.mark.slow
def test_errors_come_as_they_were_raised(ray: Any, scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMismatchError, match="other@2"):
        spread_out(empty(tmp_path / "archive"), scenes, partial(FakeEncoder, model_id="other@2"))
    broken = write_scenes(tmp_path / "scenes", 2)
    found = list(open_source(str(broken)).scenes())
    (broken / "scene001.tif").write_bytes(b"no raster")
    failures: list[tuple[str, str]] = []
    archive = empty(tmp_path / "second")
    ingest_on_ray(
        archive, found, FakeEncoder, CUT, spread=SPREAD, failed=lambda href, reason: failures.append((href, reason))
    )
    assert len(archive) == 16
    assert [Path(href).name for href, _ in failures] == ["scene001.tif"]
