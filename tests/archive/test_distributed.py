"""The engine of several processes: the rows of one process, whatever is lost on the way."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from archive.fakes import FakeEncoder, contents, write_scenes
from generate.ray_nodes import cluster
from swath.archive import Archive, IngestOptions, Progress, ingest
from swath.archive.distributed import RayOptions, _ray, _start, ingest_on_ray
from swath.chips import Chip, Pixels
from swath.errors import InputError, MissingExtraError, ModelMismatchError
from swath.features import Features
from swath.raster import read_chip
from swath.sources import cut, cut_scene, open_source

COUNT, CHIP = 96, 32
SPREAD = RayOptions(workers=2, fragment=8)
OPTIONS = IngestOptions(batch_size=4)
CUT = partial(cut_scene, size=CHIP, stride=CHIP)


class Signing(FakeEncoder):
    """Leaves its process and the GPU it was given in a folder, and begins once so many processes have.

    Otherwise one process, the first to be ready on a busy machine, might do everything.
    """

    def __init__(self, folder: Path, together: int = 2) -> None:
        super().__init__()
        self.folder, self.together = folder, together
        whole = folder.with_name(f"{folder.name}-{os.getpid()}")  # a kill leaves no empty one
        whole.write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
        whole.rename(folder / str(os.getpid()))

    def encode_images(self, batch: Any, sensor: str) -> Features:
        until = time.monotonic() + 600
        while len(list(self.folder.iterdir())) < self.together and time.monotonic() < until:
            time.sleep(0.05)
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
    """Ray on this machine, with two cores and a GPU by its own count."""
    ray = pytest.importorskip("ray")
    with cluster({"num_cpus": 2, "num_gpus": 1}) as nodes:
        ray.init(nodes.address, log_to_driver=False)
        yield ray
        ray.shutdown()


def spread_out(archive: Archive, scenes: Path, encoder: Callable[[], FakeEncoder], **others: Any) -> Any:
    others = {"spread": SPREAD, "options": OPTIONS} | others
    return ingest_on_ray(archive, open_source(str(scenes)).scenes(), encoder, CUT, **others)


def test_without_ray_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"swath\[ray\]"):
        ingest_on_ray(empty(tmp_path / "archive"), [], FakeEncoder, CUT)


def test_options_that_cannot_be() -> None:
    with pytest.raises(InputError, match="at least 1"):
        RayOptions(workers=0)


class NoCluster:
    """Ray as far as starting workers goes: it notes what they ask for."""

    def __init__(self, gpus: int) -> None:
        self.gpus, self.asked = gpus, []

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 8.0} | ({"GPU": float(self.gpus)} if self.gpus else {})

    def remote(self, **asked: Any) -> Callable[[type], Any]:
        return lambda actor: SimpleNamespace(remote=lambda *about: self.asked.append(asked["num_gpus"]))


@pytest.mark.parametrize(
    ("gpus", "workers", "wanted", "share"),
    [(0, 2, None, 0), (1, 2, None, 0.5), (1, 3, None, 0.333), (4, 2, None, 1), (4, 2, False, 0), (2, 2, True, 1)],
)
def test_workers_take_a_gpu_or_their_share_of_one(gpus: int, workers: int, wanted: bool | None, share: float) -> None:
    ray = NoCluster(gpus)
    assert len(_start(ray, RayOptions(workers=workers, gpus=wanted))) == workers
    assert ray.asked == [share] * workers


def test_a_gpu_that_no_machine_has_is_refused() -> None:
    with pytest.raises(InputError, match="cluster has none"):
        _start(NoCluster(0), RayOptions(gpus=True))


class Failing:
    """Ray that starts, if at all, at the last try."""

    def __init__(self, failures: int) -> None:
        self.failures, self.begun, self.ended = failures, 0, 0

    def is_initialized(self) -> bool:
        return False

    def init(self, **options: Any) -> None:
        self.begun += 1
        if self.begun <= self.failures:
            raise Exception("The current node timed out during startup.\nMore.")

    def shutdown(self) -> None:
        self.ended += 1


def test_a_node_that_does_not_start_in_time_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Failing(2)
    monkeypatch.setitem(sys.modules, "ray", slow)
    with _ray(RayOptions()) as found:
        assert found is slow
    assert (slow.begun, slow.ended) == (3, 3)
    monkeypatch.setitem(sys.modules, "ray", Failing(3))
    with (
        pytest.raises(InputError, match=r"did not start.*timed out during startup.*--address auto"),
        _ray(RayOptions()),
    ):
        pass


@pytest.mark.slow
def test_the_rows_are_those_of_one_process_though_a_worker_is_killed(
    ray: Any, scenes: Path, single: Archive, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    pids.mkdir()
    archive, killed = empty(tmp_path / "archive"), []

    def kill_one(at: Progress) -> None:
        """With the first fragment that is done: both workers have more in work, and most are to come."""
        if at.done and not killed:
            assert at.done < COUNT
            killed.append(int(min(path.name for path in pids.iterdir())))
            os.kill(killed[0], signal.SIGKILL)

    report = spread_out(archive, scenes, partial(Signing, pids), progress=kill_one)
    assert len(killed) == 1
    assert {path.read_text() for path in pids.iterdir()} == {"0"}, "workers share the cluster's GPU"
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
@pytest.mark.parametrize("workers", [1, 2])
def test_a_chip_that_kills_its_readers_is_reported_alone(ray: Any, tmp_path: Path, workers: int) -> None:
    """Also with one worker, where other chips always wait behind it."""
    archive, scenes = empty(tmp_path / "archive"), write_scenes(tmp_path / "scenes", 2)
    spread = RayOptions(workers=workers, fragment=8)
    report = spread_out(archive, scenes, FakeEncoder, spread=spread, read=reading_kills)
    assert len(archive) == 32 - 1
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
