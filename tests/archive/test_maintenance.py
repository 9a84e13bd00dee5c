from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import lancedb
import numpy as np
import pyarrow as pa
import pytest

from archive.fakes import DIM, FakeEncoder, filled, grid, make_chip, source_chips, units, write_scenes
from swath.archive import Archive, Limits, ingest
from swath.archive.filters import Filters
from swath.archive.maintenance import Problem
from swath.archive.rows import make_rows
from swath.archive.store import age_to_drop
from swath.errors import ArchiveCorruptError


def test_info_says_what_is_there(tmp_path: Path) -> None:
    chips = [
        make_chip(1, 178.0, 1, side=2, properties={"a": 1}),
        make_chip(2, -178.0, -1, side=2, sensor="s1-grd"),
        make_chip(3, None, date=None),
    ]
    archive = filled(tmp_path / "archive", chips)
    found = archive.info()
    assert found.rows == found.scenes == 3
    assert found.sensors == {"rgb": 2, "s1-grd": 1}
    assert found.model == "fake@1"
    assert found.bbox == (177, -2, -177, 2)
    assert found.datetime == ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z")
    assert found.size_bytes is not None
    assert found.size_bytes > 1000
    assert {"rows", "sensors", "model", "bbox", "datetime"} <= set(found.to_dict())


def test_info_of_an_empty_archive(tmp_path: Path) -> None:
    found = filled(tmp_path / "archive", []).info()
    assert (found.rows, found.sensors, found.bbox, found.datetime) == (0, {}, None, None)


def test_optimize_changes_no_answer(tmp_path: Path) -> None:
    chips, vectors = grid(60), units(60)
    archive = filled(tmp_path / "archive", [])
    for at in range(0, 60, 5):
        archive.add(chips[at : at + 5], vectors[at : at + 5])
    archive.delete([chip.id for chip in chips[:7]])

    def answers() -> list[list[str]]:
        parts = [{}, {"bbox": (-90, -45, 90, 45)}, {"sensor": "rgb"}, {"datetime": "2020"}]
        return [[hit.id for hit in archive.search("port", k=100, **part)] for part in parts]

    before = answers()
    report = archive.optimize(keep=timedelta(milliseconds=1))
    assert answers() == before
    assert report.rows == 53
    assert {"id", "datetime", "sensor", "minx", "maxy"} <= set(report.indexes)
    assert "vector" not in report.indexes
    assert report.size_after is not None
    assert report.size_before is not None
    assert report.size_after < report.size_before
    data = list((tmp_path / "archive" / "chips.lance" / "data").iterdir())
    assert len(data) == 1
    # Rows that come later are found too, and a second time changes nothing.
    archive.add(chips[:7], vectors[:7])
    assert len(archive.search("port", k=100, sensor="rgb")) == 20
    assert len(archive.search("port", k=100)) == 60
    assert archive.optimize().indexes == report.indexes
    assert len(archive.search("port", k=100)) == 60
    assert archive.verify(files=False).ok


def test_what_was_the_newest_version_until_now_is_kept_however_old_it_is() -> None:
    now, hour = datetime.now(), timedelta(hours=1)

    def written(*hours: float) -> SimpleNamespace:
        """A table of versions so many hours old."""
        versions = [{"timestamp": now - age * hour} for age in hours]
        return SimpleNamespace(list_versions=lambda: versions)

    # Read for a week until a minute ago.
    assert 168 * hour < age_to_drop(written(400, 168, 0.01, 0), hour) < 169 * hour
    # That which was the newest an hour ago, and all since.
    assert 1.5 * hour < age_to_drop(written(5, 2, 1.5, 0.5, 0), hour) < 2 * hour
    assert age_to_drop(written(0.5, 0), hour) == hour
    assert age_to_drop(written(2, 1, 0), 0 * hour) == 0 * hour


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_versions_are_as_old_as_they_are_wherever_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        archive = filled(tmp_path / "archive", [])
        assert timedelta(0) < age_to_drop(archive._store.chips, timedelta(microseconds=1)) < timedelta(hours=1)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_removed_while_sizes_are_asked_for_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = filled(tmp_path / "archive", grid(3))
    whole = archive.info().size_bytes
    walk = os.walk

    def walked(top: str) -> Iterator[tuple[str, list[str], list[str]]]:
        """Another process removes a file once it has been listed, and a folder before it is."""
        yield from ((folder, folders, [*files, "gone"]) for folder, folders, files in walk(top))
        yield from walk(str(Path(top) / "gone"))

    monkeypatch.setattr(os, "walk", walked)
    assert archive.info().size_bytes == whole


def test_optimize_an_empty_archive(tmp_path: Path) -> None:
    assert filled(tmp_path / "archive", []).optimize().indexes == []


def test_the_vector_index_is_used_where_vectors_do_not_fit(tmp_path: Path) -> None:
    vectors = units(600)
    archive = filled(tmp_path / "archive", grid(600), vectors)
    assert "vector" in archive.optimize(vector_index=True).indexes
    limits = Limits(cache_bytes=0, exact_matches=0, probes=64)
    indexed = Archive.open(tmp_path / "archive", FakeEncoder(), limits)
    assert indexed._current().prefers_index(None, 10)
    assert not indexed._current().prefers_index(None, limits.largest_k + 1)
    assert [hit.id for hit in indexed.search("port", k=10)] == [hit.id for hit in archive.search("port", k=10)]
    # With few partitions visited and few matches, the rest still comes from an exact search.
    narrow = Archive.open(tmp_path / "archive", FakeEncoder(), Limits(cache_bytes=0, exact_matches=0, probes=1))
    wanted = [hit.id for hit in archive.search("port", k=1000, sensor="s1")]
    assert sorted(hit.id for hit in narrow.search("port", k=1000, sensor="s1")) == sorted(wanted)
    assert len(narrow.search("port", k=60, where="properties.cloud < 10")) == min(
        60, archive.count(where="properties.cloud < 10")
    )


def test_large_archives_in_memory_ask_the_index_unless_there_is_a_filter(tmp_path: Path) -> None:
    filled(tmp_path / "archive", grid(600), units(600)).optimize(vector_index=True)
    exact = Archive.open(tmp_path / "archive", FakeEncoder(), Limits(exact_rows=600))
    asked = Archive.open(tmp_path / "archive", FakeEncoder(), Limits(exact_rows=599, exact_matches=0, probes=64))
    assert not exact._current().prefers_index(None, 10)
    assert asked._current().prefers_index(None, 10)
    assert not asked._current().prefers_index("sensor = 's1-grd'", 10)
    for parts in ({}, {"sensor": "s1"}, {"bbox": (-180, -90, 0, 90)}, {"scores": "raw"}):
        wanted, found = exact.search("port", k=20, **parts), asked.search("port", k=20, **parts)
        assert [hit.id for hit in found] == [hit.id for hit in wanted]
        assert found.confidence == wanted.confidence


def test_candidates_of_the_index_are_read_from_memory_once_that_pays_and_found_alike(tmp_path: Path) -> None:
    filled(tmp_path / "archive", grid(600), units(600)).optimize(vector_index=True)
    # Few candidates: ranked by their codes alone they would be in another order.
    limits = Limits(exact_rows=599, exact_matches=0, probes=64, refine=2)
    memory = Archive.open(tmp_path / "archive", FakeEncoder(), limits).snapshot()
    files = Archive.open(tmp_path / "archive", FakeEncoder(), replace(limits, cache_bytes=0)).snapshot()
    loaded = []
    for vector in 3 * units(9)[5:]:
        found, wanted = (next(snapshot.rankings(vector, Filters(), 10)) for snapshot in (memory, files))
        loaded.append(memory._cache is not None)
        assert found[0].tolist() == wanted[0].tolist()
        np.testing.assert_allclose(found[1], wanted[1], atol=1e-6)
    assert loaded == [False, True, True, True]  # of 600 rows, 128 candidates a search
    assert files._cache is None


def test_new_rows_are_added_to_the_vector_index_until_the_archive_has_outgrown_it(tmp_path: Path) -> None:
    vectors, chips = units(1500), grid(1500)
    archive = filled(tmp_path / "archive", chips[:300], vectors[:300])
    archive.optimize(vector_index=True)

    def trained() -> tuple[dict[str, int], int]:
        table = archive._store.snapshot()
        name = next(index.name for index in table.list_indices() if index.columns == ["vector"])
        stats = table.index_stats(name)
        return archive._store.get("vector_index")[0], stats.num_indexed_rows

    assert trained() == ({"rows": 300}, 300)
    archive.add(chips[300:900], vectors[300:900])
    assert archive.optimize(vector_index=True).unindexed_rows == 0
    assert trained() == ({"rows": 300}, 900)
    limits = Limits(cache_bytes=0, exact_matches=0, probes=64)
    indexed = Archive.open(tmp_path / "archive", FakeEncoder(), limits)
    assert [hit.id for hit in indexed.search("port", k=10)] == [hit.id for hit in archive.search("port", k=10)]
    archive.add(chips[900:], vectors[900:])
    assert archive.optimize(vector_index=True).unindexed_rows == 0
    assert trained() == ({"rows": 1500}, 1500)


def test_an_archive_of_real_files_verifies(tmp_path: Path) -> None:
    chips = source_chips(write_scenes(tmp_path / "scenes", 2))
    archive = filled(tmp_path / "archive", [])
    ingest(archive, chips, FakeEncoder())
    report = archive.verify()
    assert report.ok
    assert (report.rows, report.files) == (32, 2)
    (tmp_path / "scenes" / "scene000.tif").unlink()
    (tmp_path / "scenes" / "scene001.tif").write_bytes(b"no raster")
    report = archive.verify()
    assert not report.ok
    assert dict(report.counts) == {"missing file": 1, "unreadable file": 1}
    assert {Path(problem.subject).name for problem in report.problems} == {"scene000.tif", "scene001.tif"}
    assert report.to_dict()["ok"] is False
    assert archive.verify(files=False).ok


def test_every_kind_of_wrong_row_is_found(tmp_path: Path) -> None:
    """Rows written past every check, as a bug or another program might."""
    archive = filled(tmp_path / "archive", [make_chip(0)])
    good = make_rows([make_chip(n) for n in range(1, 8)], units(7), None, None, "fake@1", DIM)
    columns = {name: good[name].to_pylist() for name in good.column_names}
    columns["id"][0] = make_chip(0).id
    columns["vector"][1] = [float("inf")] * DIM
    columns["vector"][2] = [0.5] * DIM
    columns["model_id"][3] = "other@2"
    columns["properties"][4] = "{"
    columns["geometry"][5] = b"no wkb"
    columns["tokens"][6] = b"cut"
    storage = good["scalars"].combine_chunks().storage
    arrays = [
        pa.ExtensionArray.from_storage(field.type, storage)
        if field.name == "scalars"
        else pa.array(columns[field.name], field.type)
        for field in good.schema
    ]
    table = lancedb.connect(archive.uri).open_table("chips")
    table.add(pa.Table.from_arrays(arrays, schema=good.schema))
    report = archive.verify(files=False)
    assert report.rows == 8
    assert dict(report.counts) == {"duplicate": 1, "vector": 2, "model": 1, "row": 3}
    assert Problem("model", columns["id"][3], "made with other@2, not fake@1") in report.problems


def test_verify_reads_every_byte(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", [])
    archive.add([make_chip(0)], units(1), thumbnails=[np.random.default_rng(0).bytes(5000)])
    data = next((tmp_path / "archive" / "chips.lance" / "data").iterdir())
    content = data.read_bytes()
    data.write_bytes(content[:100])
    with pytest.raises(ArchiveCorruptError):
        Archive.open(tmp_path / "archive").verify()
