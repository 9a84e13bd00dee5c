from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from swath.cli import app


@pytest.fixture
def own(archive: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(archive, tmp_path / "own")


def test_info_says_what_is_there(run: Callable[..., Any], run_json: Callable[..., Any], archive: Path) -> None:
    found = run_json("archive", "info", archive)
    assert {"rows", "sensors", "model", "bbox", "datetime"} <= set(found)
    assert (found["rows"], found["sensors"]) == (9, {"rgb": 1, "s1-grd": 4, "s2-l2a": 4})
    shown = run("archive", "info", archive).stdout
    assert "9 from 3 scenes" in shown


def test_optimize_keeps_every_row(run: Callable[..., Any], run_json: Callable[..., Any], own: Path) -> None:
    assert run_json("archive", "optimize", own)["rows"] == 9
    assert run("archive", "optimize", own, "--rebuild").exit_code == 0
    assert len(run_json("search", own, "x")["hits"]) == 9


def test_verify_is_content_with_a_good_archive(run_json: Callable[..., Any], archive: Path) -> None:
    found = run_json("archive", "verify", archive)
    assert (found["ok"], found["rows"], found["files"]) == (True, 9, 3)


def test_verify_fails_where_a_file_is_gone(run: Callable[..., Any], scenes: Path, model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(scenes, tmp_path / "scenes")
    run("index", folder, "--to", tmp_path / "a", "--model", model, "--chip", 64)
    (folder / "photo.png").unlink()
    done = run("archive", "verify", tmp_path / "a")
    assert done.exit_code == 1
    assert "missing file" in done.stderr
    assert run("archive", "verify", tmp_path / "a", "--no-files").exit_code == 0


def test_delete_by_id_and_by_condition(run_json: Callable[..., Any], own: Path) -> None:
    one = run_json("search", own, "x", "-k", 1)["hits"][0]
    assert run_json("archive", "delete", own, one["id"], "--yes") | {"archive": ""} == {
        "archive": "",
        "removed": 1,
        "rows": 8,
    }
    left = run_json("archive", "delete", own, "--where", "sensor <> 'rgb'", "--yes")
    assert left["rows"] == (0 if one["sensor"] == "rgb" else 1)


def test_delete_asks_first(own: Path, run_json: Callable[..., Any]) -> None:
    done = CliRunner().invoke(app, ["archive", "delete", str(own), "--where", "sensor = 'rgb'"], input="n\n")
    assert done.exit_code == 1
    assert "remove 1 of 9 chips" in done.stderr
    assert run_json("archive", "info", own)["rows"] == 9


def test_delete_of_nothing_does_not_ask(run: Callable[..., Any], own: Path) -> None:
    done = run("archive", "delete", own, "--where", "sensor = 'sar'")
    assert (done.exit_code, done.stdout.split()) == (0, ["removed", "0", "rows", "9"])
    assert "nothing to remove" in done.stderr


def test_delete_without_saying_what_is_bad_usage(run: Callable[..., Any], archive: Path) -> None:
    assert run("archive", "delete", archive, "--yes").exit_code == 2


@pytest.mark.parametrize("layout", ["major-tom", "stac"])
def test_an_archive_travels_as_a_table(
    run: Callable[..., Any], run_json: Callable[..., Any], archive: Path, scenes: Path, tmp_path: Path, layout: str
) -> None:
    file, copy = tmp_path / "table.parquet", tmp_path / "copy"
    made = run_json("archive", "export", archive, "--to", file, "--layout", layout, "--where", "sensor <> 'rgb'")
    assert (made["rows"], made["layout"], made["file"]) == (8, layout, str(file))
    read = run_json("archive", "import", file, "--to", copy, "--root", scenes)
    assert (read["added"], read["present"], read["failures"]) == (8, 0, [])
    assert run_json("archive", "import", file, "--to", copy, "--root", scenes)["present"] == 8
    hits = run_json("search", archive, "x", "--sensor", "s2")["hits"]
    assert [hit["id"] for hit in run_json("search", copy, "x", "--sensor", "s2")["hits"]] == [hit["id"] for hit in hits]
    again = run("archive", "export", copy, "--to", file)
    assert (again.exit_code, "8" in again.stdout) == (0, True)


def test_an_import_lists_what_it_leaves_out(run: Callable[..., Any], archive: Path, tmp_path: Path) -> None:
    file = tmp_path / "table.parquet"
    assert run("archive", "export", archive, "--to", file).exit_code == 0
    done = run("archive", "import", file, "--to", tmp_path / "copy")
    assert "0 new, 0 were there, 9 left out" in done.stdout
    assert "--root" in done.stderr
    (tmp_path / "text.parquet").write_text("no table")
    for bad, status in (
        (("export", archive, "--to", file, "--layout", "xml"), 2),
        (("export", archive, "--to", file, "--where", "sensor ="), 2),
        (("import", tmp_path / "text.parquet", "--to", tmp_path / "other"), 1),
    ):
        done = run("archive", *bad)
        assert (done.exit_code, done.stdout) == (status, ""), done.output
        assert "Traceback" not in done.stderr


def test_a_damaged_archive_is_a_failure(run: Callable[..., Any], own: Path) -> None:
    for manifest in (own / "chips.lance" / "_versions").iterdir():
        manifest.write_bytes(b"")
    done = run("archive", "info", own)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "damaged" in done.stderr
