"""What software made a number is told exactly, and of a checkout only where it is swath's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import swath
from swath import provenance


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    provenance.made_with.cache_clear()
    yield
    provenance.made_with.cache_clear()


def test_versions_are_those_of_the_environment() -> None:
    made = provenance.made_with()
    assert made["swath"] == swath.__version__
    assert made["packages"]["numpy"] == version("numpy")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_that_of_swaths_own_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    package = tmp_path / "swath"
    package.mkdir()
    file = package / Path(provenance.__file__).name
    file.write_text("one = 1\n")
    monkeypatch.setattr(provenance, "_HERE", package)
    assert provenance.made_with()["commit"] is None, "an environment inside another project's checkout"
    git("add", ".")
    git("commit", "-q", "-m", "first")
    provenance.made_with.cache_clear()
    assert provenance.made_with()["commit"] == git("rev-parse", "--short=12", "HEAD")
    file.write_text("one = 2\n")
    provenance.made_with.cache_clear()
    assert provenance.made_with()["commit"] == git("rev-parse", "--short=12", "HEAD") + "-dirty"


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert provenance.made_with()["commit"] is None
