from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from archive.fakes import DIM, make_chip, units
from swath.archive import Archive, captions
from swath.archive.captions import CaptionOptions
from swath.chips import Chip, Pixels
from swath.errors import ArchiveError, InputError, RasterError, SensorError
from swath.sensors import SENSORS

SMALL = CaptionOptions(batch_size=3, commit_rows=4)


class FakeCaptioner:
    """Says what it sees: the first pixel's value."""

    def __init__(self, name: str = "fake@1+2", fails: Sequence[int] = (), stops: int | None = None) -> None:
        self.id = name
        self.fails, self.stops, self.images = set(fails), stops, 0

    def caption(self, pixels: Sequence[Pixels]) -> list[str]:
        values = [int(image.data[0, 0, 0]) for image in pixels]
        if self.fails & set(values):
            raise SensorError("one of these images cannot be captioned")
        self.images += len(pixels)
        if self.stops is not None and self.images > self.stops:
            raise KeyboardInterrupt
        return [f"it's number {value}" for value in values]


def read(chip: Chip) -> Pixels:
    number = int(chip.scene.id.removeprefix("scene"))
    if number == 7:
        raise RasterError(f"{chip.scene.href}: damaged")
    data = np.full((3, 2, 2), number, dtype=np.uint8)
    return Pixels(data, np.ones((2, 2), dtype=bool), SENSORS["rgb"])


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive.create(tmp_path / "a", "fake@1", DIM)
    made.add([make_chip(number) for number in range(10)], units(10))
    return made


def test_every_chip_gets_its_caption_and_is_found_by_it(archive: Archive) -> None:
    told: list[tuple[int, int]] = []
    report = archive.caption(
        FakeCaptioner(), options=SMALL, read=read, progress=lambda done, total, _: told.append((done, total))
    )
    assert (report.written, report.present, len(report.failures)) == (9, 0, 1)
    assert report.failures[0].href == "/data/scene7.tif"
    assert "damaged" in report.failures[0].reason
    assert told[-1] == (10, 10)
    hits = archive.browse(where="caption LIKE '%number 4%'")
    assert [hit.href for hit in hits] == ["/data/scene4.tif"]
    assert archive.count(where="caption IS NOT NULL") == 9
    # Hits tell it, where there is one.
    everything = archive.search(near=(0.0, 0.0))
    told_of = {hit.href: hit.caption for hit in everything}
    assert told_of["/data/scene2.tif"] == "it's number 2"
    assert told_of["/data/scene7.tif"] is None
    assert everything.to_geodataframe().set_index("href").loc["/data/scene2.tif", "caption"] == "it's number 2"
    assert archive.get([hits[0].id])[0].to_dict()["caption"] == "it's number 4"
    # Nothing else has changed.
    assert len(archive.search(near=(0.0, 0.0))) == 10
    assert archive.verify(files=False).ok


def test_a_second_run_writes_only_what_is_missing(archive: Archive) -> None:
    archive.caption(FakeCaptioner(), options=SMALL, read=read)
    archive.add([make_chip(number) for number in (10, 11)], units(2, seed=1))
    again = FakeCaptioner()
    report = archive.caption(again, options=SMALL, read=read)
    assert (report.written, report.present, again.images) == (2, 9, 2)
    assert archive.count(where="caption IS NOT NULL") == 11


def test_another_captioner_writes_anew(archive: Archive) -> None:
    archive.caption(FakeCaptioner(), options=SMALL, read=read)
    report = archive.caption(FakeCaptioner("o'ther@1+2"), options=SMALL, read=read)
    assert (report.written, report.present) == (9, 0)
    again = archive.caption(FakeCaptioner("o'ther@1+2"), options=SMALL, read=read)
    assert (again.written, again.present) == (0, 9)


def test_what_was_written_before_an_interruption_is_kept(archive: Archive) -> None:
    with pytest.raises(KeyboardInterrupt):
        archive.caption(FakeCaptioner(stops=6), options=SMALL, read=read)
    assert archive.count(where="caption IS NOT NULL") == 6
    rest = FakeCaptioner()
    assert archive.caption(rest, options=SMALL, read=read).written == 3
    assert rest.images == 3


class Disturbed(FakeCaptioner):
    """Before its first caption, others do something to the archive."""

    def __init__(self, others: Callable[[], object], name: str = "fake@1+2") -> None:
        super().__init__(name)
        self.others = others

    def caption(self, pixels: Sequence[Pixels]) -> list[str]:
        if not self.images:
            self.others()
        return super().caption(pixels)


def test_a_run_outlives_the_version_that_it_began_with(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captions, "_AT_ONCE", 3)
    other = Archive.open(archive.uri)

    def others() -> None:
        other.delete([make_chip(number).id for number in (1, 5)])
        other.add([make_chip(20)], units(1, seed=1))
        other.optimize(keep=timedelta(milliseconds=1))

    told: list[tuple[int, int]] = []
    report = archive.caption(
        Disturbed(others), options=SMALL, read=read, progress=lambda done, total, _: told.append((done, total))
    )
    assert (report.written, report.present, len(report.failures)) == (7, 0, 1)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (10, 10)
    assert other.count(where="caption IS NOT NULL") == 7
    assert len(other) == 9
    assert other.verify(files=False).ok


def test_two_runs_at_once_share_the_work(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captions, "_AT_ONCE", 3)
    other, faster = Archive.open(archive.uri), FakeCaptioner()
    slower = Disturbed(lambda: other.caption(faster, options=SMALL, read=read))
    report = archive.caption(slower, options=SMALL, read=read)
    # Of the ten, one cannot be read, and three had been looked up before the other began.
    assert (faster.images, slower.images, report.present) == (9, 3, 6)
    assert archive.count(where="caption IS NOT NULL") == 9


def test_one_image_that_fails_takes_no_other_with_it(archive: Archive) -> None:
    report = archive.caption(FakeCaptioner(fails=[1]), options=SMALL, read=read)
    assert report.written == 8
    assert sorted(failure.href for failure in report.failures) == ["/data/scene1.tif", "/data/scene7.tif"]


def test_an_optimised_archive_with_indexes_is_captioned_too(archive: Archive) -> None:
    archive.optimize()
    assert archive.caption(FakeCaptioner(), options=SMALL, read=read).written == 9
    archive.optimize(rebuild=True)
    assert archive.count(where="caption LIKE '%number 4%' AND sensor = 'rgb'") == 1
    assert len(archive.get(archive.present_ids().astype(str).tolist())) == 10


def test_captions_are_asked_for_where_there_are_none(archive: Archive) -> None:
    with pytest.raises(ArchiveError, match=r"no captions yet; write them with: swath caption"):
        archive.count(where="caption LIKE '%ship%'")


def test_options_without_sense_are_refused() -> None:
    with pytest.raises(InputError):
        CaptionOptions(batch_size=0)
