from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from generate.rasters import s1_scene, s2_scene
from swath.corpus.landmark import LabelList, Options, read_system, vocabulary, write_landmark
from swath.data import read_dataset
from swath.data.topics import Topics
from swath.errors import DataError, EvaluationError
from swath.evaluation.ranking import bootstrap_means, evaluate_ranking
from swath.evaluation.run_ranking import RankingOptions, rank_corpus
from swath.evaluation.trec import read_qrels, read_run
from swath.features import Features
from swath.sources import cut, open_source

LABELS = {"r0": "Trees", "r1": "Water", "r2": "Trees;Water", "o0": "Trees", "o1": "Water", "o2": "Water"}
AXES = ("trees", "water")


class Oracle:
    """Knows what images show by their brightness, and texts by their words."""

    model_id = "oracle@1"

    def __init__(self, labels):
        self.labels = labels
        self.most = 0

    def encode_pixels(self, chips, *, batch_size=32, tokens=True):
        self.most = max(self.most, len(chips))
        return self._features([self.labels[round(float(chip.data[0, 0, 0]), 3)] for chip in chips])

    def encode_texts(self, texts, *, pad_to_context=False, tokens=True):
        return self._features([text.split(". ") for text in texts])

    def _features(self, found):
        vectors = torch.tensor([[float(axis in own) for axis in AXES] for own in found])
        vectors = vectors / vectors.norm(dim=1, keepdim=True)
        empty = torch.zeros(len(vectors), 0, 2), torch.zeros(len(vectors), 0, dtype=torch.bool)
        return Features(vectors, *empty)


@pytest.fixture
def corpus(tmp_path):
    """Three radar and three optical scenes with labels; the oracle that knows them."""
    known = {}
    for seed, (name, labels) in enumerate(LABELS.items()):
        write = s1_scene if name.startswith("r") else s2_scene
        path = write(tmp_path / "images" / f"{name}.tif", 16, seed=seed)
        import rasterio

        with rasterio.open(path) as file:
            known[round(float(file.read(1)[0, 0]), 3)] = labels.lower().split(";")
    listed = tmp_path / "l.csv"
    listed.write_text("image,labels\n" + "".join(f"{name},{labels}\n" for name, labels in LABELS.items()))
    chips = list(cut(open_source(tmp_path / "images"), 16))
    table = tmp_path / "corpus.parquet"
    source = LabelList(listed, read_system("unified", vocabulary()))
    write_landmark(chips, table, [source], Options(fractions={"corpus": 1.0}))
    return read_dataset(table), Oracle(known)


def test_every_kind_of_query_is_judged(corpus, tmp_path):
    dataset, oracle = corpus
    report = rank_corpus(oracle, dataset, options=RankingOptions(ks=(1, 3), chunk=2))
    assert report.documents == {"s1": 3, "s2": 3}
    assert set(report.tasks) == {"text_s1", "text_s2", "text_all", "s1_s2", "s2_s1", "image_image"}
    assert report.metrics["text_all_ndcg_linear_3"] == pytest.approx(1.0)
    assert report.metrics["s2_s1_ndcg_linear_3"] == pytest.approx(1.0)
    assert oracle.most <= 3
    assert all(name not in report.tasks["image_image"].answers[name] for name in report.tasks["image_image"].answers)
    # r2 shows trees and water, and no optical image has both: it cannot be asked.
    assert report.tasks["s1_s2"].result.without_relevant == ("r2.tif",)
    low, high = report.intervals["text_all_ndcg_linear_3"]
    assert 0.0 <= low <= high <= 1.0 + 1e-9
    assert json.loads(json.dumps(report.to_dict()))["judged_by"].startswith("labels")
    report.save(tmp_path / "out")
    for name, task in report.tasks.items():
        again = evaluate_ranking(
            read_run(tmp_path / "out" / f"{name}.run"), read_qrels(tmp_path / "out" / f"{name}.qrels"), (1, 3)
        )
        assert again.metrics == pytest.approx(task.result.metrics)


def test_the_size_of_chunks_does_not_matter(corpus):
    dataset, oracle = corpus
    reports = [rank_corpus(oracle, dataset, options=RankingOptions(ks=(2,), chunk=size)) for size in (1, 2, 100)]
    assert reports[0].metrics == reports[1].metrics == reports[2].metrics
    assert reports[0].tasks["text_all"].answers == reports[2].tasks["text_all"].answers


def test_given_judgements_and_one_sensor(corpus):
    dataset, oracle = corpus
    topics = Topics({"q": "water", "unused": "x"}, {"q": {"r1.tif": 1, "o1.tif": 1}}, "files")
    report = rank_corpus(oracle, dataset, topics, options=RankingOptions(ks=(1,), image_queries=0))
    assert set(report.tasks) == {"text_s1", "text_s2", "text_all"}
    radar = rank_corpus(oracle, dataset, topics, sensor="s1", options=RankingOptions(ks=(1,)))
    assert (radar.documents, radar.judged_elsewhere) == ({"s1": 3}, 1)
    assert set(radar.tasks) == {"text_s1", "image_image"}
    with pytest.raises(DataError, match="no image of sensor 'rgb'"):
        rank_corpus(oracle, dataset, topics, sensor="rgb")


def test_judgements_of_unknown_documents(corpus):
    dataset, oracle = corpus
    topics = Topics({"q": "water"}, {"q": {"r1.tif": 1, "elsewhere": 1, "gone": 0}}, "files")
    with pytest.raises(EvaluationError, match="name 2 documents that it does not have, first: 'elsewhere'"):
        rank_corpus(oracle, dataset, topics)
    found = rank_corpus(oracle, dataset, topics, options=RankingOptions(ks=(1,), unknown="drop"))
    assert found.judged_elsewhere == 2
    assert "text_s2" in found.left_aside


def test_an_unreadable_image_counts_as_not_found(corpus, tmp_path):
    dataset, oracle = corpus
    (tmp_path / "images" / "r1.tif").unlink()
    topics = Topics({"q": "water"}, {"q": {"r1.tif": 1}}, "files")
    report = rank_corpus(oracle, dataset, topics, options=RankingOptions(ks=(3,)))
    assert report.documents["s1"] == 2
    assert report.metrics["text_s1_recall_3"] == 0.0
    assert any("r1.tif: " in failure for failure in report.failures)
    for file in (tmp_path / "images").iterdir():
        file.unlink()
    with pytest.raises(EvaluationError, match="no image of 'corpus' can be read"):
        rank_corpus(oracle, dataset, topics)


def test_bootstrap_of_means():
    result = evaluate_ranking({f"q{n}": {"a": 1.0} for n in range(40)}, {f"q{n}": {"ab"[n % 2]: 1} for n in range(40)})
    low, high = bootstrap_means(result, 500)["mrr"]
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 40), abs=0.06)
    assert bootstrap_means(result, 500) == bootstrap_means(result, 500)
    assert bootstrap_means(result, 0) == {}
