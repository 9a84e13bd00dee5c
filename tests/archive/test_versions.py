"""Reading while the version that is read is removed in favour of a newer one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import shapely

from archive.fakes import FakeEncoder, filled, grid, make_chip, units
from swath.archive import Archive, Limits
from swath.archive.snapshot import Snapshot
from swath.errors import ArchiveCorruptError, VersionGoneError

CHIPS = grid(12)
WORLD = shapely.box(-180, -90, 180, 90)


def replace(archive: Archive, number: int) -> None:
    """Add a chip, compact, and remove every version but the newest, as another process may."""
    archive.add([make_chip(1000 + number)], units(1, seed=number))
    archive._store.chips.optimize(cleanup_older_than=timedelta(0))


@pytest.mark.filterwarnings("ignore:optimize")
def test_every_question_is_asked_again_of_the_newer_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = filled(tmp_path / "archive", CHIPS, units(12))
    other.ensure_background()
    archive = Archive.open(tmp_path / "archive", FakeEncoder(), Limits(cache_bytes=0))
    get, rows = archive._newest.get, 12

    def gone() -> Snapshot:
        """The newest snapshot, replaced as soon as it has been given."""
        nonlocal rows
        monkeypatch.setattr(archive._newest, "get", get)
        found = get()
        replace(other, rows)
        rows += 1
        return found

    questions: list[Callable[[], int]] = [
        lambda: len(archive.search("port", k=100)),
        lambda: len(archive.search("port", k=100, per_sensor=True, scores="raw")),
        lambda: len(archive.browse()),
        lambda: len(archive.get([chip.id for chip in CHIPS])) + rows - 12,
        lambda: archive.count(where="href LIKE '/data/%'"),
        lambda: len(archive.present_ids()),
        lambda: len(archive.touching(WORLD)) + 1,  # one has no footprint
        lambda: archive.info().rows,
        lambda: archive.verify(files=False).rows,
        lambda: rows if archive.confidence(["port"])[0] is not None else 0,
    ]
    for place, question in enumerate(questions):
        monkeypatch.setattr(archive._newest, "get", gone)
        assert question() == 12 + place + 1 == rows


@pytest.mark.filterwarnings("ignore:optimize")
def test_a_version_that_is_gone_is_told_from_damage(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", CHIPS, units(12))
    held = archive.snapshot()
    replace(archive, 0)
    with pytest.raises(VersionGoneError, match=rf"version {held.version} of archive .* is not kept any more"):
        held.row_ids("href LIKE '/data/%'")
    newest = archive.snapshot()
    next((tmp_path / "archive").glob("chips.lance/data/*")).unlink()
    with pytest.raises(ArchiveCorruptError, match="damaged"):
        newest.row_ids("href LIKE '/data/%'")
