"""Two nodes of a Ray cluster on this machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from archive.fakes import FakeEncoder, write_scenes
from archive.test_distributed import CHIP, CUT, OPTIONS, TESTS, Signing, check_equal, empty
from swath.archive import Archive, ingest
from swath.archive.distributed import RayOptions, ingest_on_ray
from swath.errors import InputError
from swath.sources import cut, open_source

COUNT = 96


@pytest.mark.slow
def test_two_nodes_make_the_rows_of_one_process_though_one_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("PYTHONPATH", TESTS)
    from ray.cluster_utils import Cluster

    scenes = write_scenes(tmp_path / "scenes", COUNT // 16)
    single = empty(tmp_path / "single")
    ingest(single, cut(open_source(str(scenes)), CHIP), FakeEncoder(), options=OPTIONS)
    pids = tmp_path / "pids"
    pids.mkdir()
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 2**27, "include_dashboard": False}
    )
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=2**27)
        cluster.wait_for_nodes()
        archive = empty(tmp_path / "archive")
        lost = []

        def lose_a_node(at: object) -> None:
            """With the first fragment that is done after both nodes have begun."""
            if not lost and len(list(pids.iterdir())) == 2:
                lost.append(second)
                cluster.remove_node(second, allow_graceful=False)

        report = ingest_on_ray(
            archive,
            open_source(str(scenes)).scenes(),
            partial(Signing, pids),
            CUT,
            spread=RayOptions(cluster.address, workers=2, fragment=8),
            options=OPTIONS,
            progress=lose_a_node,
        )
    finally:
        cluster.shutdown()
    assert lost, "one node did everything"
    assert (report.added + report.present, report.failures) == (COUNT, [])
    check_equal(Archive.open(archive.uri), single)


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9.*ray start"):
        ingest_on_ray(empty(tmp_path / "a"), [], FakeEncoder, CUT, spread=RayOptions("127.0.0.1:9"))
