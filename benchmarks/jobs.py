"""Training runs of a benchmark: each a process of its own with one thread, kept in a folder and not done again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swath.training import Recipe

RESULT = "result.json"
"""What a run leaves in its folder when it is done."""


@dataclass(frozen=True)
class Job:
    """One configuration and seed; `script` takes the folder and the overrides."""

    name: str
    seed: int
    folder: Path
    overrides: list[str]
    script: Path

    def start(self) -> int:
        """Do the run, unless it is done; its exit status."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.txt").open("a") as log:
            done = subprocess.run(
                [sys.executable, str(self.script), str(self.folder), *self.overrides],
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
                check=False,
            )
        print(f"{self.name}, seed {self.seed}: {'done' if not done.returncode else f'failed, see {log.name}'}")
        return done.returncode


def start_all(jobs: Sequence[Job], at_once: int) -> None:
    """Do all runs, some side by side.

    Raises:
        SystemExit: some failed; the others are kept.
    """
    with ThreadPoolExecutor(at_once) as pool:
        failed = sum(status != 0 for status in pool.map(Job.start, jobs))
    if failed:
        sys.exit(f"{failed} of {len(jobs)} runs failed; the others are kept")


def finished(folder: Path, recipe: Path, overrides: Sequence[str]) -> dict[str, Any] | None:
    """The result that a run left in a folder, if it is of this very recipe.

    Raises:
        SystemExit: it is of another recipe.
    """
    file = folder / RESULT
    if not file.exists():
        return None
    here, ours = Recipe.load(folder / "recipe.yaml"), Recipe.load(recipe, overrides)
    if here.model_dump(exclude={"output"}) != ours.model_dump(exclude={"output"}):
        sys.exit(f"{folder} holds a run of another recipe: give another --runs, or delete it")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def keep(folder: Path, found: dict[str, Any]) -> None:
    """Leave a result in one move."""
    fresh = folder / f"{RESULT}.new"
    fresh.write_text(json.dumps(found))
    fresh.replace(folder / RESULT)
