from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archive.fakes import DIM, FakeEncoder, contents, source_chips, write_scenes
from swath.archive import Archive, Encoder, IngestOptions, Progress, ingest
from swath.archive.tokens import unpack
from swath.chips import Chip, Layer, Pixels, SceneRef, Window
from swath.errors import ArchiveError, EmptyChipError, InputError, ModelMismatchError, SensorError
from swath.features import Features
from swath.raster import read_chip
from swath.sensors import SENSORS

SMALL = IngestOptions(encoders=1, batch_size=4, readers=2, commit_rows=8, commit_seconds=60)


@pytest.fixture(scope="module")
def chips(tmp_path_factory: pytest.TempPathFactory) -> list[Chip]:
    return source_chips(write_scenes(tmp_path_factory.mktemp("scenes"), 3))


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive.create(tmp_path / "archive", "fake@1", DIM, encoder=FakeEncoder())


def test_the_fake_is_an_encoder() -> None:
    assert isinstance(FakeEncoder(), Encoder)


def test_every_chip_becomes_a_row_that_says_what_it_is(archive: Archive, chips: list[Chip]) -> None:
    report = ingest(archive, chips, FakeEncoder(), options=SMALL)
    assert (report.added, report.present, report.empty, report.failures) == (48, 0, 0, [])
    rows = {row["id"]: row for row in contents(archive)}
    assert set(rows) == {chip.id for chip in chips}
    encoder = FakeEncoder()
    for chip in chips[::7]:
        row = rows[chip.id]
        pixels = read_chip(chip)
        features = encoder.encode_images(encoder.prepare(pixels)[None], "rgb")
        np.testing.assert_allclose(row["vector"], features.pooled[0], atol=1e-6)
        np.testing.assert_allclose(unpack(row["tokens"]), features.tokens[0], atol=0.02)
        assert row["thumbnail"][:3] == b"\xff\xd8\xff"
        assert row["model_id"] == "fake@1"
        assert (row["href"], row["window"]) == (chip.scene.href, chip.window.to_list())


def test_what_is_there_is_not_read_again(archive: Archive, chips: list[Chip]) -> None:
    read: list[str] = []

    def reading(chip: Chip) -> Pixels:
        read.append(chip.id)
        return read_chip(chip)

    ingest(archive, chips[:20], FakeEncoder(), options=SMALL, read=reading)
    report = ingest(archive, [*chips, *chips], FakeEncoder(), options=SMALL, read=reading)
    assert (report.added, report.added + report.present) == (28, 96)
    assert set(read[20:]) == {chip.id for chip in chips[20:]}
    assert len(archive) == 48


def test_progress_counts_everything_and_tells_the_time_left(archive: Archive, chips: list[Chip]) -> None:
    archive.add(chips[:5], torch.nn.functional.normalize(torch.ones(5, DIM), dim=1))
    seen: list[Progress] = []
    ingest(archive, chips, FakeEncoder(), options=SMALL, progress=seen.append)
    assert [at.done for at in seen] == sorted(at.done for at in seen)
    last = seen[-1]
    assert (last.done, last.total, last.added, last.present) == (48, 48, 43, 5)
    assert last.rate > 0
    assert last.seconds_left == 0
    assert seen[0].seconds_left is not None
    assert seen[0].seconds_left > 0
    unknown: list[Progress] = []
    ingest(archive, iter(chips), FakeEncoder(), options=SMALL, progress=unknown.append)
    assert unknown[-1].total is None
    assert unknown[-1].seconds_left is None


def test_a_bad_file_is_reported_and_the_rest_go_on(archive: Archive, tmp_path: Path) -> None:
    chips = source_chips(write_scenes(tmp_path / "scenes", 3))
    broken = tmp_path / "scenes" / "scene001.tif"
    broken.write_bytes(broken.read_bytes()[:2000])
    gone = tmp_path / "scenes" / "scene002.tif"
    gone.unlink()
    report = ingest(archive, chips, FakeEncoder(), options=SMALL)
    assert report.added == len(archive)
    assert len(archive) + len(report.failures) == 48
    assert report.added >= 16
    assert {failure.href for failure in report.failures} == {str(broken), str(gone)}
    assert all(failure.reason and failure.window for failure in report.failures)
    assert len(report.to_dict()["failures"]) == len(report.failures)


def test_empty_chips_and_unexpected_errors_are_told_apart(archive: Archive, chips: list[Chip]) -> None:
    def reading(chip: Chip) -> Pixels:
        number = chips.index(chip)
        if number == 3:
            raise EmptyChipError("nothing there")
        if number == 4:
            raise ZeroDivisionError("a bug")
        return read_chip(chip)

    report = ingest(archive, chips, FakeEncoder(), options=SMALL, read=reading)
    assert (report.added, report.empty) == (46, 1)
    assert [failure.reason for failure in report.failures] == ["ZeroDivisionError: a bug"]


class Picky(FakeEncoder):
    """Takes no radar."""

    def encode_images(self, batch: torch.Tensor, sensor: str) -> Features:
        if sensor == "sar":
            raise SensorError("no tower for sar")
        return super().encode_images(batch, sensor)


class Spoiling(FakeEncoder):
    """Gives NaN for dark images."""

    def encode_images(self, batch: torch.Tensor, sensor: str) -> Features:
        features = super().encode_images(batch, sensor)
        dark = batch.mean(dim=(1, 2, 3)) < -0.3
        features.pooled[dark] = float("nan")
        return features


def picture(value: int, sensor: str = "rgb") -> Pixels:
    bands = len(SENSORS[sensor].bands)
    return Pixels(np.full((bands, 8, 8), value, np.uint8), np.ones((8, 8), bool), SENSORS[sensor])


def plain_chip(number: int, sensor: str = "rgb") -> Chip:
    layers = tuple(Layer(name, f"/x/{number}", place) for place, name in enumerate(SENSORS[sensor].band_names, 1))
    return Chip(SceneRef(str(number), f"/x/{number}", sensor, layers), Window(0, 0, 8, 8))


def test_what_the_model_refuses_is_reported_alone(archive: Archive) -> None:
    chips = [plain_chip(n, "sar" if n in (2, 5) else "rgb") for n in range(9)]
    report = ingest(
        archive, chips, Picky(), options=SMALL, read=lambda chip: picture(50 + int(chip.scene.id), chip.scene.sensor)
    )
    assert report.added == 7
    assert [failure.reason for failure in report.failures] == ["no tower for sar"] * 2


def test_a_vector_with_nan_spoils_its_own_chip_only(archive: Archive) -> None:
    chips = [plain_chip(n) for n in range(8)]
    report = ingest(
        archive, chips, Spoiling(), options=SMALL, read=lambda chip: picture(0 if chip.scene.id == "6" else 200)
    )
    assert report.added == 7
    assert [failure.href for failure in report.failures] == ["/x/6"]
    assert "NaN" in report.failures[0].reason


def test_sensors_are_encoded_apart(archive: Archive) -> None:
    batches: list[tuple[str, int]] = []

    class Noting(FakeEncoder):
        def encode_images(self, batch: torch.Tensor, sensor: str) -> Features:
            batches.append((sensor, len(batch)))
            return super().encode_images(batch, sensor)

    chips = [plain_chip(n, ("rgb", "sar")[n % 2]) for n in range(20)]
    ingest(archive, chips, Noting(), options=SMALL, read=lambda chip: picture(99, chip.scene.sensor))
    assert sorted(batches) == [("rgb", 2), ("rgb", 4), ("rgb", 4), ("sar", 2), ("sar", 4), ("sar", 4)]


def test_commits_are_made_by_rows_and_by_time(archive: Archive) -> None:
    before = archive.info().version
    chips = [plain_chip(n) for n in range(32)]
    ingest(archive, chips, FakeEncoder(), options=SMALL, read=lambda chip: picture(80))
    assert archive.info().version - before == 4
    slow = IngestOptions(batch_size=1, readers=1, commit_rows=1000, commit_seconds=0.05)
    before = archive.info().version
    reader = Archive.open(archive.uri)

    def reading(chip: Chip) -> Pixels:
        """The second chip is not read before the first is committed, which time alone can do."""
        until = time.monotonic() + 60
        while chip.scene.id == "101" and reader.info().version == before and time.monotonic() < until:
            time.sleep(0.02)
        return picture(80)

    ingest(archive, [plain_chip(100 + n) for n in range(5)], FakeEncoder(), options=slow, read=reading)
    assert archive.info().version - before >= 2


def test_interrupting_commits_what_was_encoded(archive: Archive) -> None:
    def stop(at: Progress) -> None:
        if at.done >= 12:
            raise KeyboardInterrupt

    chips = [plain_chip(n) for n in range(200)]
    with pytest.raises(KeyboardInterrupt):
        ingest(archive, chips, FakeEncoder(), options=SMALL, read=lambda chip: picture(80), progress=stop)
    assert len(archive) >= 12
    report = ingest(archive, chips, FakeEncoder(), options=SMALL, read=lambda chip: picture(80))
    assert report.added + report.present == len(archive) == 200


def test_a_source_that_breaks_off_loses_nothing_that_was_read(archive: Archive) -> None:
    def breaking() -> Iterator[Chip]:
        yield from (plain_chip(n) for n in range(12))
        raise OSError("the network is gone")

    with pytest.raises(OSError, match="network"):
        ingest(archive, breaking(), FakeEncoder(), options=SMALL, read=lambda chip: picture(80))
    assert len(archive) == 12


def test_a_model_that_fails_ends_the_run_and_keeps_what_was_committed(archive: Archive) -> None:
    class Exhausted(FakeEncoder):
        def encode_images(self, batch: torch.Tensor, sensor: str) -> Features:
            if self.images >= 8:
                raise RuntimeError("out of memory")
            return super().encode_images(batch, sensor)

    with pytest.raises(RuntimeError, match="out of memory"):
        ingest(archive, [plain_chip(n) for n in range(40)], Exhausted(), options=SMALL, read=lambda chip: picture(80))
    assert len(archive) == 8


def test_a_failed_commit_ends_the_run_with_its_reason(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = archive._store.insert
    calls = []

    def failing(rows: Any) -> int:
        calls.append(rows.num_rows)
        if len(calls) == 3:
            raise ArchiveError("the disk is full")
        return insert(rows)

    monkeypatch.setattr(archive._store, "insert", failing)
    with pytest.raises(ArchiveError, match="disk is full"):
        ingest(
            archive, [plain_chip(n) for n in range(400)], FakeEncoder(), options=SMALL, read=lambda chip: picture(80)
        )
    assert len(archive) == 16
    assert len(calls) == 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("swath-")]


def test_memory_is_bounded_by_queues(archive: Archive) -> None:
    """The reader never runs further ahead than its queue."""
    read, ahead = [0], []

    class Slow(FakeEncoder):
        def encode_images(self, batch: torch.Tensor, sensor: str) -> Features:
            time.sleep(0.01)
            ahead.append(read[0] - self.images)
            return super().encode_images(batch, sensor)

    def reading(chip: Chip) -> Pixels:
        read[0] += 1
        return picture(80)

    ingest(archive, [plain_chip(n) for n in range(100)], Slow(), options=SMALL, read=reading)
    # Two batches in the queue, one being encoded, and one chip a reader and the feeder.
    assert max(ahead) <= 2 * 4 + 4 + 3


def test_another_model_is_refused_before_anything_is_read(archive: Archive) -> None:
    with pytest.raises(ModelMismatchError, match="other@2"):
        ingest(archive, [plain_chip(1)], FakeEncoder(model_id="other@2"), read=lambda chip: pytest.fail("was read"))


def test_what_is_kept_can_be_chosen(archive: Archive) -> None:
    options = IngestOptions(keep_tokens=False, keep_thumbnails=False)
    ingest(archive, [plain_chip(1)], FakeEncoder(), options=options, read=lambda chip: picture(80))
    row = contents(archive)[0]
    assert row["tokens"] is None
    assert row["thumbnail"] is None
    with pytest.raises(InputError):
        IngestOptions(batch_size=0)


def test_nothing_to_index(archive: Archive) -> None:
    report = ingest(archive, [], FakeEncoder())
    assert (report.added, report.failures) == (0, [])


def test_batches_encoded_side_by_side_give_the_same_rows(tmp_path: Path) -> None:
    chips = [plain_chip(number) for number in range(60)]
    tables = []
    for encoders in (1, 3):
        encoder = FakeEncoder()
        made = Archive.create(tmp_path / str(encoders), encoder.model_id, encoder.dim, encoder=encoder)
        options = IngestOptions(batch_size=4, commit_rows=8, encoders=encoders)
        report = ingest(made, chips, encoder, options=options, read=lambda chip: picture(80))
        assert (report.added, report.failures) == (60, [])
        tables.append(
            sorted(made._store.chips.to_arrow().select(["id", "vector"]).to_pylist(), key=lambda row: row["id"])
        )
    assert tables[0] == tables[1]


@pytest.mark.parametrize("encoders", [1, 2])
def test_threads_side_by_side_take_one_core_each(archive: Archive, encoders: int) -> None:
    before = torch.get_num_threads()
    seen: dict[str, set[int]] = {"reader": set(), "encoder": set()}

    class Counting(FakeEncoder):
        def prepare(self, pixels: Pixels) -> torch.Tensor:
            seen["reader"].add(torch.get_num_threads())
            return super().prepare(pixels)

        def encode_images(self, batch: torch.Tensor, sensor: str) -> Features:
            seen["encoder"].add(torch.get_num_threads())
            return super().encode_images(batch, sensor)

    options = IngestOptions(batch_size=4, encoders=encoders)
    torch.set_num_threads(2)
    try:
        ingest(archive, [plain_chip(n) for n in range(9)], Counting(), options=options, read=lambda chip: picture(80))
        assert torch.get_num_threads() == 2
        later: list[int] = []
        thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert later == [2]
    finally:
        torch.set_num_threads(before)
    assert seen == {"reader": {1}, "encoder": {2 if encoders == 1 else 1}}


def test_looking_into_an_archive_needs_no_torch() -> None:
    code = "import sys, swath.archive; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
