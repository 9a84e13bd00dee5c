from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from generate.models import tiny_model
from generate.rasters import s1_scene, s2_scene, write_image
from swath.cli import app

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def run() -> Run:
    """Run `swath` with arguments, in this process."""

    def swath(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return swath


@pytest.fixture(scope="session")
def run_json(run: Run) -> Callable[..., Any]:
    """Run `swath` with ``--json``, expect success, and read the one document on standard output."""

    def swath(*arguments: object) -> Any:
        done = run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return swath


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with random weights."""
    return tiny_model().save_pretrained(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one Sentinel-2 scene, one Sentinel-1 scene, a photograph, and a file that is no image."""
    folder = tmp_path_factory.mktemp("scenes")
    s2_scene(folder / "s2.tif", 128)
    s1_scene(folder / "s1.tif", 128, seed=1)
    write_image(folder / "photo.png", 64, 64, seed=2)
    (folder / "broken.tif").write_bytes(b"II*\0 this is no TIFF")
    return folder


@pytest.fixture(scope="session")
def archive(run: Run, scenes: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those scenes, indexed in chips of 64 px: 4 of Sentinel-2, 4 of Sentinel-1, 1 photograph."""
    place = tmp_path_factory.mktemp("archives") / "archive"
    done = run("index", scenes, "--to", place, "--model", model, "--chip", 64)
    assert done.exit_code == 0, done.output
    return place
