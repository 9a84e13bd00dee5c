from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generate.captions import karpathy
from generate.models import tiny_config, tiny_model
from swath.data import read_dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return karpathy(tmp_path_factory.mktemp("data") / "tiny")


def test_a_file_of_captions_is_judged(
    run: Callable[..., Any], run_json: Callable[..., Any], model: Path, data: Path, tmp_path: Path
) -> None:
    pairs = read_dataset(data).split("test")
    file = tmp_path / "captions.csv"
    file.write_text("filepath,caption\n" + "".join(f"{pair.name},{pair.captions[0]}\n" for pair in pairs))
    found = run_json("evaluate", "caption", file, data, "--rounds", 20, "--clip", model, "--to", tmp_path / "report")
    assert found["metrics"]["bleu4"] > 0.7
    assert found["metrics"]["rouge_l"] == pytest.approx(1.0)
    assert {"cider", "clip_score", "ref_clip_score"} <= set(found["metrics"])
    assert (found["split"], found["images"], found["failures"]) == ("test", 4, [])
    assert (tmp_path / "report/report.json").is_file()
    shown = run("evaluate", "caption", file, data, "--rounds", 0)
    assert "bleu4" in shown.stdout
    assert "tiny, test: 4 images" in shown.stdout


def test_what_is_left_out_is_told(run: Callable[..., Any], data: Path, tmp_path: Path) -> None:
    pair = read_dataset(data).split("test")[0]
    (tmp_path / "one.json").write_text(json.dumps({pair.name: "trees", "absent.png": "x"}))
    done = run("evaluate", "caption", tmp_path / "one.json", data, "--rounds", 0)
    assert done.exit_code == 0
    assert "left out: 4" in done.stderr


def test_a_model_that_writes_no_captions_says_so(run: Callable[..., Any], model: Path, data: Path) -> None:
    done = run("evaluate", "caption", model, data)
    assert done.exit_code == 1
    assert "writes no captions" in done.stderr


def test_a_model_that_writes_is_judged(run_json: Callable[..., Any], data: Path, tmp_path: Path) -> None:
    captioner = {"width": 64, "layers": 1, "heads": 2, "queries": 5, "pooler_heads": 2}
    writer = tiny_model(tiny_config(captioner=captioner)).save_pretrained(tmp_path / "writer")
    options = ["--method", "greedy", "--max-length", 6, "--rounds", 0]
    found = run_json("evaluate", "caption", writer, data, *options)
    assert found["images"] == 4
    assert found["settings"]["method"] == "greedy"
    assert 0 <= found["metrics"]["bleu1"] <= 1
