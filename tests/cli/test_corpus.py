from __future__ import annotations

import json

import pytest

from generate import chat_server as chat
from generate import narrator
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


def test_names_the_first_image_that_cannot_be_read(run, pairs, tmp_path):
    (pairs / "images" / "beach_2.png").write_bytes(b"no image")
    done = run("corpus", "long", pairs, "--to", tmp_path / "long.parquet")
    assert done.exit_code == 0
    assert "1 images or captions could not be read, first: beach_2.png: unreadable image: " in done.stderr


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


def test_a_landmark_corpus_of_broken_scenes_names_the_first(run, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    (tmp_path / "labels.csv").write_text("image,labels\na,Forest\n")
    options = ("corpus", "landmark", folder, "--label-list", f"eurosat={tmp_path / 'labels.csv'}")
    for name in "ba":
        (folder / f"{name}.tif").write_bytes(b"no image")
    done = run(*options, "--to", tmp_path / "corpus.parquet")
    assert done.exit_code == 1
    assert f"{folder} has no scene that can be used: " in done.stderr
    assert f"{folder / 'a.tif'}" in done.stderr


def test_landmark_corpora_with_pixels_are_ranked_and_indexed(run_json, run, model, tmp_path):
    for number, name in enumerate("abcd"):
        s1_scene(tmp_path / "images" / f"{name}.tif", 32, seed=number)
    (tmp_path / "labels.csv").write_text("image,labels\na,Forest;River\nb,SeaLake\nc,Forest\nd,Forest\n")
    options = ["corpus", "landmark", tmp_path / "images", "--label-list", f"eurosat={tmp_path / 'labels.csv'}"]
    options += ["--hold-out", "train=d.*", "--split", "corpus=1"]
    document = run_json(*options, "--format", "hdf5", "--to", tmp_path / "h")
    assert document["export"] == {"folder": str(tmp_path / "h"), "images": 4, "written": 4, "failures": []}
    assert document["summary"]["splits"] == {"corpus": 3, "train": 1}
    assert run_json(*options, "--format", "cog", "--to", tmp_path / "c")["export"]["images"] == 4
    for place in (tmp_path / "h", tmp_path / "c"):
        found = run_json("evaluate", "ranking", model, place, "-k", 2, "--to", tmp_path / "report")
        assert (found["documents"], found["judged_by"]) == ({"s1": 3}, "queries.jsonl, qrels")
        assert 0.0 <= found["metrics"]["text_s1_ndcg_linear_2"] <= 1.0
        assert "text_s1_ndcg_linear_2" in found["intervals"]
    assert (tmp_path / "report" / "text_s1.run").is_file()
    assert "text_s1" in run("evaluate", "ranking", model, tmp_path / "h", "--rounds", 50).stdout
    (tmp_path / "h" / "qrels" / "corpus.tsv").write_text("q0000 0 nowhere 1\n")
    refused = run("evaluate", "ranking", model, tmp_path / "h")
    assert refused.exit_code == 1
    assert "'nowhere'" in refused.output
    assert run("evaluate", "ranking", model, tmp_path / "absent").exit_code == 2
    indexed = run_json("index", tmp_path / "h", "--to", tmp_path / "archive", "--model", model, "--chip", 32)
    assert (indexed["added"], indexed["failures"]) == (4, [])
    assert run(*options, "--hold-out", "test=z*", "--to", tmp_path / "x.parquet").exit_code == 2


def test_narrates_records_and_writes_every_form(run_json, run, tmp_path):
    records, table = narrator.ships(tmp_path / "data"), tmp_path / "ships.parquet"
    also = ("--csv", tmp_path / "s.csv", "--conversations", tmp_path / "s.json", "--shards", tmp_path / "shards")
    options = ("--split", "train=0.5", "--split", "test=0.5", "--sheet", tmp_path / "sheet.html", *also)
    document = run_json("corpus", "narrate", "records", records, "--to", table, *options)
    assert document["summary"]["images"] == document["written"] == 8
    assert len(document["also"]) == 7
    assert run_json("corpus", "narrate", "records", records, "--to", table, *options)["present"] == 8
    done = run("corpus", "narrate", "records", records, "--to", tmp_path / "again.parquet")
    assert done.exit_code == 0
    assert "8 images, 40 captions" in done.output
    for wrong in (("nowhere", records), ("masks", records), ("records", records, "--writer", "llm")):
        assert run("corpus", "narrate", *wrong, "--to", tmp_path / "x.parquet").exit_code == 2


def test_narrates_pairs_from_a_bank_by_the_rules_and_a_language_model(run_json, run, tmp_path, model):
    items = narrator.pairs(tmp_path)
    (tmp_path / "bank.txt").write_text("a green river in farmland .\na river beside farmland .\nfarmland and a river\n")
    options = ("--optical", items, "--bank", tmp_path / "bank.txt", "--encoder", model, "--size", 32, "--score", model)
    table = tmp_path / "pairs.parquet"
    document = run_json("corpus", "narrate", "pairs", items, "--to", table, *options)
    assert document["summary"]["images"] == 4
    assert not any("green" in text for pair in read_dataset(table) for text in pair.captions)
    with chat.chat_server() as server:
        asked = ("--writer", "llm", "--base-url", server.url, "--model", "tester")
        again = run_json("corpus", "narrate", "pairs", items, "--to", tmp_path / "llm.parquet", *options, *asked)
        assert again["usage"]["requests"] > 0
        assert again["summary"]["images"] == 4
    both = run("corpus", "narrate", "pairs", items, "--to", tmp_path / "x.parquet", *options, "--captioner", model)
    assert both.exit_code == 2
