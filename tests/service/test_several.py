"""Services share nothing but the table: any of them answers what another began."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archive.fakes import FakeEncoder, filled, grid, units
from service.test_live import _SERVER, ask, following
from service.world import running
from swath.archive import Archive


@pytest.mark.slow
def test_two_processes_serve_one_archive_as_one_does(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", grid(60), units(60))
    second = subprocess.Popen(
        [sys.executable, "-c", _SERVER, archive.uri, str(Path(__file__).parents[1])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        assert second.stdout is not None
        with running(Archive.open(archive.uri, FakeEncoder())) as one:
            services = [one, second.stdout.readline().strip()]
            seen, path, turn = [], "/search?limit=7", 0
            while path:
                page: dict[str, Any] = ask(services[turn % 2], path)
                seen += [item["id"] for item in page["features"]]
                path, turn = following(page), turn + 1
                if turn == 1:
                    archive.add(grid(70)[60:], units(70)[60:])  # does not disturb a walk that has begun
            assert turn > 8
            assert len(seen) == len(set(seen))
            assert {chip.id for chip in grid(60)} <= set(seen)
            for question in ("/search?limit=1", "/semantic-search?text=harbour&limit=10"):
                answers: list[dict[str, Any]] = [ask(service, question) for service in services]
                ids = [[item["id"] for item in answer["features"]] for answer in answers]
                assert ids[0] == ids[1]
                assert answers[0].get("numberMatched") == answers[1].get("numberMatched")
            assert ask(services[1], "/search?limit=1")["numberMatched"] == 70
    finally:
        second.kill()
        second.wait(30)
