from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generate.captions import karpathy
from generate.models import tiny_model
from swath.models import DualEncoder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return karpathy(tmp_path_factory.mktemp("data") / "tiny")


def test_the_json_contract(run_json: Callable[..., Any], model: Path, data: Path) -> None:
    found = run_json("evaluate", "retrieval", model, data, "--split", "all", "--rounds", 50)
    assert {"dataset", "split", "metrics", "intervals"} <= set(found)
    assert (found["dataset"], found["split"]) == ("tiny", None)
    assert {"mR", "i2t_r1", "t2i_r10", "caption_aware_mR", "mR_ceiling"} <= set(found["metrics"])
    low, high = found["intervals"]["mR"]
    assert low <= found["metrics"]["mR"] <= high


def test_reports_are_written_and_two_of_them_compared(
    run: Callable[..., Any], run_json: Callable[..., Any], model: Path, data: Path, tmp_path: Path
) -> None:
    other = tiny_model(seed=1).save_pretrained(tmp_path / "other")
    for name, of in (("a", model), ("b", other)):
        done = run("evaluate", "retrieval", of, data, "--split", "all", "--rounds", 20, "--to", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert "papers' definition" in done.stdout
    written = {path.name for path in (tmp_path / "a").iterdir()}
    assert written == {"report.json", "report.md", "table.tex", "t2i.png", "i2t.png"}
    found = run_json("evaluate", "compare", tmp_path / "a", tmp_path / "b", "--rounds", 50)
    assert {row["metric"] for row in found["differences"]} >= {"mR", "t2i_r1"}
    same = run("evaluate", "compare", tmp_path / "a", tmp_path / "a", "--rounds", 50)
    assert "+0.00" in same.stdout


def test_an_unknown_split_names_those_there_are(run: Callable[..., Any], model: Path, data: Path) -> None:
    done = run("evaluate", "retrieval", model, data, "--split", "nonsense")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "it has:" in done.stderr


def test_a_ranking_is_judged(run: Callable[..., Any], run_json: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "run").write_text("q1 Q0 a 1 3.0 t\nq1 Q0 b 2 2.0 t\n")
    (tmp_path / "qrels").write_text("q1 0 b 1\n")
    found = run_json("evaluate", "ranking", tmp_path / "run", tmp_path / "qrels", "-k", 1, "-k", 2)
    assert found["queries"] == 1
    assert (found["metrics"]["mrr"], found["metrics"]["precision_1"], found["metrics"]["recall_2"]) == (0.5, 0.0, 1.0)
    assert "mrr" in run("evaluate", "ranking", tmp_path / "run", tmp_path / "qrels").stdout
    (tmp_path / "qrels").write_text("q1 0 b much\n")
    assert run("evaluate", "ranking", tmp_path / "run", tmp_path / "qrels").exit_code == 1


def test_scoring_is_chosen_and_told(run_json: Callable[..., Any], model: Path, data: Path) -> None:
    found = run_json(
        "evaluate", "retrieval", model, data, "--similarity", "fused", "--rerank", "reverse", "--rounds", 0
    )
    assert (found["settings"]["similarity"], found["settings"]["rerank"]) == ("fused", "reverse")
    assert found["settings"]["weights_from"] == "val"
    assert found["transductive"] is True
    plain = run_json("evaluate", "retrieval", model, data, "--rounds", 0)
    assert plain["transductive"] is False


def test_weights_are_chosen_kept_and_found_by_a_search(
    run: Callable[..., Any], run_json: Callable[..., Any], data: Path, tmp_path: Path
) -> None:
    place = tiny_model().save_pretrained(tmp_path / "model")
    found = run_json("evaluate", "calibrate", place, data)
    kept = run_json("evaluate", "calibrate", place, data, "--write")
    assert kept == found
    assert kept["split"] == "val"
    assert DualEncoder.from_pretrained(place).fusion == found["fusion"]
    assert DualEncoder.from_pretrained(place).model_id == found["model"]
    archive = tmp_path / "archive"
    assert run("index", data / "images", "--to", archive, "--model", place).exit_code == 0
    asked = run_json("search", archive, "a beach", "--similarity", "fused")["query"]
    assert asked["fusion"] == found["fusion"]
    (tmp_path / "fusion.json").write_text(json.dumps(found))
    settings = run_json(
        "evaluate", "retrieval", place, data, "--similarity", "fused", "--fusion", tmp_path / "fusion.json"
    )["settings"]
    assert (settings["fusion"], settings["weights_from"]) == (found["fusion"], "given")
    refused = run("evaluate", "calibrate", "swath-mini", data, "--write")
    assert refused.exit_code == 2
    assert "no directory" in refused.stderr


def test_a_table_of_test_pairs_needs_no_split(run_json: Callable[..., Any], model: Path, data: Path) -> None:
    """SAR-TEXT's ``filepath,caption`` and SARVLM's ``imgpath,caption`` with its author's absolute paths."""
    names = sorted(path.name for path in (data / "images").iterdir())[:6]
    joined = "".join(f"images/{name},a forest {number} .\nimages/{name},trees .\n" for number, name in enumerate(names))
    (data / "HRSID_test_caption.csv").write_text("filepath,caption\n" + joined)
    single = "".join(f"/home/someone/HRSID/{name},a forest {number} .\n" for number, name in enumerate(names))
    (data / "OSdataset_512.csv").write_text("imgpath,caption\n" + single)
    named = run_json("evaluate", "retrieval", model, data / "HRSID_test_caption.csv", "--rounds", 0)
    assert (named["split"], named["images"], named["captions"]) == ("test", 6, 12)
    rows = run_json("evaluate", "retrieval", model, data / "HRSID_test_caption.csv", "--rounds", 0, "--rows")
    assert (rows["images"], rows["captions"], rows["settings"]["pairing"]) == (12, 12, "rows")
    found = run_json("evaluate", "retrieval", model, data / "OSdataset_512.csv", "--rounds", 0)
    assert (found["split"], found["images"], found["captions"]) == (None, 6, 6)
    assert found["metrics"]["i2t_r1"] <= found["metrics"]["i2t_r10"]
