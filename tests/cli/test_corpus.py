from __future__ import annotations

import json

import pytest

from generate import chat_server as chat
from generate.captions import karpathy
from generate.rasters import s1_scene
from swath.data import read_dataset


@pytest.fixture
def pairs(tmp_path):
    return karpathy(tmp_path / "pairs")


def test_writes_long_captions(run_json, pairs, tmp_path):
    document = run_json("corpus", "long", pairs, "--to", tmp_path / "long.parquet", "--licence", "CC0")
    assert document["written"] == document["summary"]["with_long"] == 12
    assert all(pair.long_captions for pair in read_dataset(tmp_path / "long.parquet"))
    assert run_json("corpus", "long", pairs, "--to", tmp_path / "long.parquet", "--licence", "CC0")["present"] == 12


def test_takes_a_split_and_further_facts(run_json, pairs, tmp_path):
    (tmp_path / "facts.jsonl").write_text(json.dumps({"image": "beach_2.png", "boxes": [{"label": "umbrella"}] * 3}))
    options = ("--split", "test", "--facts", tmp_path / "facts.jsonl")
    assert run_json("corpus", "long", pairs, "--to", tmp_path / "long.parquet", *options)["written"] == 4
    found = {pair.name: pair.long_captions[0] for pair in read_dataset(tmp_path / "long.parquet")}
    assert "three umbrellas" in found["beach_2.png"].lower()


def test_asks_a_language_model(run_json, run, pairs, tmp_path):
    options = ("corpus", "long", pairs, "--writer", "llm", "--to", tmp_path / "long.parquet")
    with chat.chat_server() as server:
        model = ("--base-url", server.url, "--model", "tester", "--price", "1", "2")
        document = run_json(*options, *model)
        assert document["summary"]["writers"] == {"llm": 12}
        used = document["usage"]
        assert used["cost_usd"] == pytest.approx(
            (used["prompt_tokens"] + 2 * used["completion_tokens"]) / 1e6, abs=1e-6
        )
    assert run(*options).exit_code == 2
    assert "--model" in run(*options).output


def test_builds_a_landmark_corpus(run_json, run, tmp_path):
    for name in "abc":
        s1_scene(tmp_path / "images" / f"{name}.tif", 32)
    (tmp_path / "labels.csv").write_text("image,labels\na,Forest;River\nb,SeaLake\n")
    options = ("corpus", "landmark", tmp_path / "images", "--to", tmp_path / "corpus.parquet")
    listed = ("--label-list", f"eurosat={tmp_path / 'labels.csv'}")
    document = run_json(*options, *listed, "--captions", "both", "--split", "train=0.5", "--split", "test=0.5")
    assert document["summary"]["labels"] == {"Water": 2, "Trees": 1}
    assert document["summary"]["splits"] == {"train": 1, "test": 1}
    assert read_dataset(tmp_path / "corpus.parquet")[0].captions[0] == "trees. water"
    assert run(*options).exit_code == 2
    assert run(*options, "--label-list", "eurosat").exit_code == 2
    assert run(*options, *listed, "--threshold-of", "Water=much").exit_code == 2
