from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from generate.models import tiny_config, tiny_model

CAPTIONER = {"width": 64, "layers": 1, "heads": 2, "queries": 4, "pooler_heads": 2}


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with a captioner of random weights; its vectors are those of the archive's model."""
    model = tiny_model(tiny_config(captioner=CAPTIONER))
    model.load_state_dict(tiny_model().state_dict(), strict=False)
    return model.save_pretrained(tmp_path_factory.mktemp("captioner") / "writer")


OPTIONS = ["--max-length", 8, "--method", "greedy"]


def test_files_are_captioned_into_a_table(
    run_json: Callable[..., Any], scenes: Path, writer: Path, tmp_path: Path
) -> None:
    out = tmp_path / "captions.parquet"
    done = run_json("caption", scenes, "--model", writer, "--to", out, *OPTIONS)
    assert len(done["captions"]) == 3
    assert all(row["caption"] for row in done["captions"])
    assert [Path(failure["href"]).name for failure in done["failures"]] == ["broken.tif"]
    rows = pq.read_table(out).to_pylist()
    assert {row["caption"] for row in rows} == {row["caption"] for row in done["captions"]}
    assert {row["captioner"] for row in rows} == {done["captioner"]}
    again = run_json("caption", scenes, "--model", writer, "--to", out, *OPTIONS)
    assert again["captions"] == done["captions"]


def test_people_get_a_table(run: Callable[..., Any], scenes: Path, writer: Path) -> None:
    done = run("caption", scenes / "photo.png", scenes / "broken.tif", "--model", writer, *OPTIONS)
    assert done.exit_code == 0, done.output
    assert "photo.png" in done.stdout
    assert "not captioned: " in done.stderr


def test_captions_of_an_archive_are_searchable(
    run_json: Callable[..., Any], scenes: Path, model: Path, writer: Path, tmp_path: Path
) -> None:
    place = tmp_path / "archive"
    run_json("index", scenes, "--to", place, "--model", model, "--chip", 64)
    done = run_json("caption", place, "--model", writer, *OPTIONS)
    assert (done["written"], done["present"], done["failures"]) == (9, 0, [])
    again = run_json("caption", place, "--model", writer, *OPTIONS)
    assert (again["written"], again["present"]) == (0, 9)
    found = run_json("search", place, "a forest", "--where", "caption IS NOT NULL", "-k", 20)
    assert len(found["hits"]) == 9
    other = run_json("caption", place, "--model", writer, "--max-length", 9, "--method", "greedy")
    assert other["written"] == 9  # decoded in another way, they are other captions


def test_a_model_that_cannot_write_says_so(run: Callable[..., Any], scenes: Path, model: Path) -> None:
    done = run("caption", scenes, "--model", model)
    assert done.exit_code == 1
    assert "has no captioner" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--max-length", 99], 2, "over the model's context length of 32"),
        (["--to", "out.csv"], 2, "--to writes Parquet"),
        (["--top-p", 2], 2, "top_p in (0, 1]"),
    ],
)
def test_wrong_options_are_refused(
    run: Callable[..., Any], scenes: Path, writer: Path, arguments: list[object], code: int, said: str
) -> None:
    done = run("caption", scenes / "photo.png", "--model", writer, *arguments)
    assert done.exit_code == code
    assert said in " ".join(done.stderr.split())


def test_nothing_captioned_is_a_failure(run: Callable[..., Any], scenes: Path, writer: Path) -> None:
    done = run("caption", scenes / "broken.tif", "--model", writer, *OPTIONS)
    assert done.exit_code == 1
    assert "nothing could be captioned" in done.stderr
    assert "no such file" in run("caption", scenes / "absent.png", "--model", writer, *OPTIONS).stderr


def test_an_archive_takes_no_file_options(run: Callable[..., Any], archive: Path, writer: Path, tmp_path: Path) -> None:
    done = run("caption", archive, "--model", writer, "--to", tmp_path / "x.parquet")
    assert done.exit_code == 2
    assert run("caption", archive, archive, "--model", writer).exit_code == 2
