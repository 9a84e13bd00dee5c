from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generate.captions import karpathy


def test_a_planted_copy_is_found_and_listed(run_json: Callable[..., Any], tmp_path: Path) -> None:
    data = karpathy(tmp_path / "data")
    first, second = sorted((data / "images").iterdir())[:2]
    shutil.copy(first, second)
    found = run_json("audit", data, "--to", tmp_path / "audit")
    assert found["summary"]["duplicate_groups"] >= 1
    members = {member["image"] for group in found["duplicates"] for member in group["members"]}
    assert {first.name, second.name} <= members
    assert {path.name for path in (tmp_path / "audit").iterdir()} == {"audit.json", "audit.html", "exclusions.csv"}


def test_people_get_counts(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("audit", karpathy(tmp_path / "data"))
    assert done.exit_code == 0, done.output
    assert "duplicate groups" in done.stdout
    assert "--to FOLDER" in done.stderr


def test_no_data_set_is_a_failure(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("audit", tmp_path / "nothing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "nothing" in done.stderr
