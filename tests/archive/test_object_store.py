"""Archives in an S3-compatible object store: a server of its own on this machine, nothing beyond."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from archive.fakes import FakeEncoder, filled, grid, make_chip, units
from swath.archive import Archive
from swath.errors import ArchiveError, ArchiveNotFoundError

CHIPS, VECTORS = grid(30), units(30)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of a server with the bucket `scenes`."""
    moto = pytest.importorskip("moto.server")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("NO_PROXY", "127.0.0.1")
        server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        address = "http://{}:{}".format(*server.get_host_and_port())
        urllib.request.urlopen(urllib.request.Request(f"{address}/scenes", method="PUT")).close()
        patch.setenv("AWS_ENDPOINT", address)
        patch.setenv("AWS_ALLOW_HTTP", "true")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield address
        server.stop()


@pytest.fixture(scope="module")
def archive(endpoint: str) -> Archive:
    return filled("s3://scenes/archive", CHIPS, VECTORS)


def test_an_archive_in_an_object_store_answers_as_one_in_a_folder(
    archive: Archive, tmp_path_factory: pytest.TempPathFactory
) -> None:
    local = filled(tmp_path_factory.mktemp("local") / "archive", CHIPS, VECTORS)
    again = Archive.open("s3://scenes/archive", FakeEncoder())
    for parts in ({}, {"sensor": "rgb"}, {"bbox": (-90, -45, 90, 45)}, {"where": "properties.cloud < 50"}):
        wanted = [(hit.id, round(hit.score or 0, 5)) for hit in local.search("port", k=10, **parts)]
        assert [(hit.id, round(hit.score or 0, 5)) for hit in again.search("port", k=10, **parts)] == wanted
    found = again.info()
    assert (found.rows, found.size_bytes) == (30, None)


def test_what_this_process_writes_it_sees_at_once_and_nothing_is_added_twice(endpoint: str) -> None:
    one = filled("s3://scenes/two", CHIPS[:10], VECTORS[:10])
    other = Archive.open("s3://scenes/two")
    assert len(one) == len(other) == 10
    assert other.add([*CHIPS[:10], make_chip(1000)], units(11)) == 1
    assert len(other) == 11
    assert other.delete([CHIPS[0].id]) == 1
    assert len(other) == 10
    one.refresh()
    assert len(one) == 10
    with pytest.raises(ArchiveError, match="already"):
        Archive.create("s3://scenes/two", "fake@1", FakeEncoder().dim)


def test_settings_may_be_given_instead_of_set(archive: Archive, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    options = {"endpoint": endpoint, "allow_http": "true", "region": "us-east-1"}
    options |= {"access_key_id": "test", "secret_access_key": "test"}
    assert len(Archive.open("s3://scenes/archive", storage_options=options)) == 30


def test_errors_name_the_address_and_the_remedy(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ArchiveNotFoundError, match=r"s3://scenes/none.*swath index SOURCE --to s3://scenes/none"):
        Archive.open("s3://scenes/none")
    with pytest.raises(ArchiveError, match=r"s3://nobody-made-it/a cannot be read: there is no such bucket; make it"):
        Archive.open("s3://nobody-made-it/a")
    with pytest.raises(ArchiveError, match=r"s3://nobody-made-it/a cannot be written: there is no such bucket"):
        Archive.create("s3://nobody-made-it/a", "fake@1", 4)
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ArchiveError, match=r"s3://scenes/archive cannot be read.*does not answer; check AWS_ENDPOINT"):
        Archive.open("s3://scenes/archive")


@pytest.mark.slow
def test_writers_from_both_ends_lose_and_double_nothing(endpoint: str) -> None:
    """Commits of two writers collide at the store, which refuses to write a version twice."""
    filled("s3://scenes/shared", CHIPS[:1], VECTORS[:1])
    parts = [slice(at, at + 5) for at in range(0, 30, 5)]

    def write(order: list[slice]) -> int:
        archive = Archive.open("s3://scenes/shared")
        return sum(archive.add(CHIPS[part], VECTORS[part]) for part in order)

    with ThreadPoolExecutor(2) as pool:
        added = list(pool.map(write, [parts, parts[::-1]]))
    found = Archive.open("s3://scenes/shared")
    assert 1 + sum(added) == len(found) == 30
    assert sorted(found.present_ids().tolist()) == sorted(chip.id.encode() for chip in CHIPS)


@pytest.mark.slow
def test_maintenance_works_there_too(archive: Archive) -> None:
    report = archive.optimize(vector_index=True)
    assert {"id", "vector", "datetime"} <= set(report.indexes)
    assert archive.verify(files=False).ok
    assert len(archive.search("port", k=30)) == 30
