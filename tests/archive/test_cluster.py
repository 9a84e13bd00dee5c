"""Two nodes of a Ray cluster on this machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from archive.fakes import FakeEncoder, write_scenes
from archive.test_distributed import CHIP, CUT, OPTIONS, Signing, check_equal, empty
from generate.ray_nodes import cluster
from swath.archive import Archive, Progress, ingest
from swath.archive.distributed import RayOptions, ingest_on_ray
from swath.errors import InputError
from swath.sources import cut, open_source

COUNT = 96


@pytest.mark.slow
def test_two_nodes_make_the_rows_of_one_process_though_one_is_lost(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path / "scenes", COUNT // 16)
    single = empty(tmp_path / "single")
    ingest(single, cut(open_source(str(scenes)), CHIP), FakeEncoder(), options=OPTIONS)
    pids = tmp_path / "pids"
    pids.mkdir()
    archive = empty(tmp_path / "archive")
    lost = []
    with cluster({}, {}) as nodes:

        def lose_a_node(at: Progress) -> None:
            """With the first fragment that is done; both nodes are at work by then."""
            if at.done and not lost:
                assert at.done < COUNT
                lost.extend(nodes.worker_nodes)
                nodes.remove_node(lost[0], allow_graceful=False)

        report = ingest_on_ray(
            archive,
            open_source(str(scenes)).scenes(),
            partial(Signing, pids),
            CUT,
            spread=RayOptions(nodes.address, workers=2, fragment=8),
            options=OPTIONS,
            progress=lose_a_node,
        )
    assert len(lost) == 1
    assert len(list(pids.iterdir())) >= 2, "one node did everything"
    assert (report.added + report.present, report.failures) == (COUNT, [])
    check_equal(Archive.open(archive.uri), single)


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9.*ray start"):
        ingest_on_ray(empty(tmp_path / "a"), [], FakeEncoder, CUT, spread=RayOptions("127.0.0.1:9"))
