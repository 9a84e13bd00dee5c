from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generate.rasters import s2_scene, write_image
from swath.archive import Archive
from swath.errors import ArchiveError


def test_the_summary_counts_and_names_what_failed(
    run_json: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path
) -> None:
    done = run_json("index", scenes, "--to", tmp_path / "a", "--model", model, "--chip", 64)
    assert (done["rows"], done["added"], done["present"], done["empty"]) == (9, 9, 0, 0)
    assert done["model"].startswith("tiny@")
    assert done["scenes"] == {"s2-l2a": 1, "s1-grd": 1, "rgb": 1}
    assert [Path(failure["href"]).name for failure in done["failures"]] == ["broken.tif"]
    assert done["failures"][0]["reason"]


def test_people_get_a_summary_and_the_failures_on_standard_error(
    run: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path
) -> None:
    done = run("index", scenes, "--to", tmp_path / "a", "--model", model, "--chip", 64)
    assert done.exit_code == 0
    assert "9 (9 new, 0 were there, 0 empty)" in done.stdout
    assert "rgb 1" in done.stdout
    assert "not indexed: " in done.stderr
    assert "broken.tif" in done.stderr
    assert "broken.tif" not in done.stdout


def test_a_second_run_adds_only_what_is_new(
    run_json: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(scenes, tmp_path / "scenes")
    run_json("index", folder, "--to", tmp_path / "a", "--model", model, "--chip", 64)
    write_image(folder / "another.png", 64, 64, seed=9)
    # The model need not be named again: the archive knows it.
    done = run_json("index", folder, "--to", tmp_path / "a", "--chip", 64)
    assert (done["rows"], done["added"], done["present"]) == (10, 1, 9)


def test_strict_makes_failures_fail(run: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path) -> None:
    done = run("index", scenes, "--to", tmp_path / "a", "--model", model, "--chip", 64, "--strict")
    assert done.exit_code == 1
    assert "1 failure; everything else is indexed" in done.stderr


def test_nothing_indexed_is_a_failure(run: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    shutil.copy(scenes / "broken.tif", tmp_path / "only")
    done = run("index", tmp_path / "only", "--to", tmp_path / "a", "--model", model)
    assert done.exit_code == 1
    assert "no chip could be indexed" in done.stderr
    assert "everything else" not in done.stderr
    assert done.stderr.count("the file is damaged") == 1


def test_another_model_is_refused(run: Callable[..., Any], scenes: Path, archive: Path, tmp_path: Path) -> None:
    from generate.models import tiny_model

    other = tiny_model(seed=5).save_pretrained(tmp_path / "other")
    done = run("index", scenes, "--to", archive, "--model", other)
    assert done.exit_code == 1
    assert "was made with model" in done.stderr


def test_files_can_be_chosen_and_declared(
    run_json: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path
) -> None:
    arguments = ["--model", model, "--include", "photo*", "--chip", 32, "--stride", 16, "--sensor", "rgb"]
    done = run_json("index", scenes, "--to", tmp_path / "a", *arguments)
    assert (done["added"], done["failures"]) == (9, [])


def test_an_engine_that_is_not_installed_is_named(
    run: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["index", scenes, "--to", tmp_path / "a", "--model", model, "--chip", 64]
    done = run(*arguments, "--address", "127.0.0.1:9")
    assert (done.exit_code, "--engine ray" in done.stderr) == (2, True)
    monkeypatch.setitem(sys.modules, "ray", None)
    done = run(*arguments, "--engine", "ray")
    assert (done.exit_code, "swath[ray]" in done.stderr) == (1, True)


@pytest.mark.slow
def test_ray_indexes_what_one_process_does(
    run_json: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    arguments = ["--to", tmp_path / "a", "--model", model, "--chip", 64]
    done = run_json("index", scenes, *arguments, "--engine", "ray", "--workers", 2, "--fragment", 4)
    assert (done["rows"], done["added"], done["present"]) == (9, 9, 0)
    assert [Path(failure["href"]).name for failure in done["failures"]] == ["broken.tif"]
    again = run_json("index", scenes, *arguments)
    assert (again["added"], again["present"]) == (0, 9)


SLOWING_DOWN = """
import itertools, time
from swath import raster
from swath.cli import main

read, count = raster.read_chip, itertools.count()

def slowing_down(chip, **options):
    if next(count) > 2500:
        time.sleep(0.2)
    return read(chip, **options)

raster.read_chip = slowing_down
main()
"""
"""`swath`, which has read enough for a commit and then is in no danger of ending before it is interrupted."""


@pytest.mark.slow
def test_interrupted_runs_keep_what_was_done_and_go_on(
    run_json: Callable[..., Any], model: Path, tmp_path: Path
) -> None:
    s2_scene(tmp_path / "scenes" / "large.tif", 960)
    arguments = ["index", str(tmp_path / "scenes"), "--to", str(tmp_path / "a")]
    arguments += ["--model", str(model), "--chip", "16", "--batch-size", "8", "--json"]
    running = subprocess.Popen(
        [sys.executable, "-c", SLOWING_DOWN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
        # A job that a shell started in the background ignores the signal, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while rows(tmp_path / "a") == 0 and running.poll() is None:
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=280)
    assert (running.returncode, out) == (130, ""), err
    kept = rows(tmp_path / "a")
    assert 0 < kept < 3600
    assert f"{kept} chips are in {tmp_path / 'a'}; run the same command again to go on" in err
    assert "Traceback" not in err
    done = run_json(*arguments[:-1])
    assert (done["rows"], done["added"], done["present"]) == (3600, 3600 - kept, kept)


def rows(place: Path) -> int:
    """Rows of an archive that another process may be about to make."""
    try:
        return len(Archive.open(place))
    except ArchiveError:
        return 0
