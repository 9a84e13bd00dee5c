from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import EvaluationError
from swath.evaluation.ranking import evaluate_ranking, run_from_scores
from swath.evaluation.trec import read_qrels, read_run, write_qrels, write_run

documents = st.sampled_from([f"d{n}" for n in range(14)])
runs = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]),
    st.dictionaries(documents, st.integers(-3, 3).map(lambda n: n / 4), min_size=1),
    min_size=1,
)
judgements = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.dictionaries(documents, st.integers(0, 3), min_size=1), min_size=1
)


@given(runs, judgements)
@settings(max_examples=80, deadline=None)
def test_equals_trec_eval_with_ties(run, qrels):
    pytrec_eval = pytest.importorskip("pytrec_eval")
    names = {
        "ndcg_linear_3": "ndcg_cut_3",
        "ndcg_linear_10": "ndcg_cut_10",
        "map_3": "map_cut_3",
        "map": "map",
        "precision_3": "P_3",
        "recall_10": "recall_10",
        "mrr": "recip_rank",
    }
    measures = {"ndcg_cut.3,10", "map_cut.3,10", "map", "P.3,10", "recall.3,10", "recip_rank"}
    reference = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    if not any(value > 0 for own in qrels.values() for value in own.values()):
        with pytest.raises(EvaluationError, match="no query"):
            evaluate_ranking(run, qrels)
        return
    found = evaluate_ranking(run, qrels, ks=(3, 10))
    for at, query in enumerate(found.queries):
        if query not in reference:
            assert query in found.without_answer
        for ours, theirs in names.items():
            expected = reference.get(query, {}).get(theirs, 0.0)
            assert found.values[ours][at] == pytest.approx(expected, abs=1e-9)
    assert set(found.queries) | set(found.without_relevant) == set(qrels)


@pytest.mark.parametrize("seed", range(3))
def test_equals_trec_eval_on_large_runs(seed):
    """Thousands of documents, graded; scores of single precision, of few levels, and that differ in double only."""
    pytrec_eval = pytest.importorskip("pytrec_eval")
    rng = np.random.default_rng(seed)
    names = [f"d{number}" for number in range(2500)]
    scores = {
        "fine": rng.normal(size=2500).astype(np.float32).astype(float),
        "levels": rng.integers(0, 20, 2500) / 7,
        "almost": 0.3 + rng.integers(0, 5, 2500) * 1e-12,
    }
    run = {query: dict(zip(names, own.tolist(), strict=True)) for query, own in scores.items()}
    qrels = {query: {name: int(rng.integers(-1, 4)) for name in rng.choice(names, 300)} for query in run}
    cuts = "10,100,1000"
    measures = {f"ndcg_cut.{cuts}", f"map_cut.{cuts}", "map", f"P.{cuts}", f"recall.{cuts}", "recip_rank"}
    reference = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)
    found = evaluate_ranking(run, qrels)
    theirs = {"ndcg_linear": "ndcg_cut", "map": "map_cut", "precision": "P", "recall": "recall"}
    for at, query in enumerate(found.queries):
        for ours, their in theirs.items():
            for k in (10, 100, 1000):
                assert found.values[f"{ours}_{k}"][at] == pytest.approx(reference[query][f"{their}_{k}"], abs=1e-9)
        assert found.values["map"][at] == pytest.approx(reference[query]["map"], abs=1e-9)
        assert found.values["mrr"][at] == pytest.approx(reference[query]["recip_rank"], abs=1e-9)


def test_gains_are_what_their_names_say():
    run = {"q": {"a": 3.0, "b": 2.0, "c": 1.0}}
    qrels = {"q": {"a": 1, "b": 3, "x": 2, "c": -1}}
    found = evaluate_ranking(run, qrels, ks=(3,)).metrics
    linear = (1 + 3 / math.log2(3)) / (3 + 2 / math.log2(3) + 1 / 2)
    exponential = (1 + 7 / math.log2(3)) / (7 + 3 / math.log2(3) + 1 / 2)
    assert found["ndcg_linear_3"] == pytest.approx(linear)
    assert found["ndcg_exponential_3"] == pytest.approx(exponential)


def test_unanswered_queries_count_as_zero_and_impossible_ones_not_at_all():
    found = evaluate_ranking({"q1": {"a": 1.0}}, {"q1": {"a": 1}, "q2": {"b": 1}, "q3": {"c": 0}}, ks=(1,))
    assert found.metrics["mrr"] == 0.5
    document = json.loads(json.dumps(found.to_dict()))
    assert (document["queries"], document["queries_without_relevant"]) == (2, ["q3"])
    assert document["queries_without_answer"] == ["q2"]


@given(st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_run_of_scores_cuts_ties_as_trec_eval_ranks_them(depth, seed):
    scores = torch.randint(0, 3, (3, 12), generator=torch.Generator().manual_seed(seed)).float()
    queries, names = ["q1", "q2", "q3"], [f"d{(7 * n) % 12}" for n in range(12)]
    whole = {q: dict(zip(names, row.tolist(), strict=True)) for q, row in zip(queries, scores, strict=True)}
    qrels = {q: {f"d{n}": n % 3 for n in range(12)} for q in queries}
    cut = evaluate_ranking(run_from_scores(scores, queries, names, depth), qrels, ks=(depth,))
    assert (
        cut.metrics[f"ndcg_linear_{depth}"] == evaluate_ranking(whole, qrels, (depth,)).metrics[f"ndcg_linear_{depth}"]
    )


@given(runs, judgements)
@settings(max_examples=20, deadline=None)
def test_trec_files_round_trip(tmp_path_factory, run, qrels):
    folder = tmp_path_factory.mktemp("trec")
    assert read_run(write_run(run, folder / "run.txt")) == run
    assert read_qrels(write_qrels(qrels, folder / "qrels.txt")) == qrels


def test_written_runs_are_ranked(tmp_path):
    write_run({"q": {"a": 1.0, "b": 1.0, "c": 2.0}}, tmp_path / "run.txt", tag="t")
    assert (tmp_path / "run.txt").read_text() == "q Q0 c 1 2.0 t\nq Q0 b 2 1.0 t\nq Q0 a 3 1.0 t\n"


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_qrels, "q 0 d 1\nq 0 d", "line 2: 4 fields"),
        (read_qrels, "q 0 d x", "'x' is not a whole"),
        (read_qrels, "q 0 d 1\nq 0 d 0", "judged twice"),
        (read_run, "q Q0 d 1 0.5", "6 fields"),
        (read_run, "q Q0 d 1 high t", "'high'"),
        (read_run, "q Q0 d 1 0.5 t\n\nq Q0 d 2 0.4 t", "line 3: document 'd' is given twice"),
    ],
)
def test_damaged_files_are_named(tmp_path, read, text, message):
    (tmp_path / "file.txt").write_text(text)
    with pytest.raises(EvaluationError, match=message):
        read(tmp_path / "file.txt")
    with pytest.raises(EvaluationError, match="absent"):
        read(tmp_path / "absent.txt")


@pytest.mark.parametrize(
    "call",
    [
        lambda: evaluate_ranking({"q": {"a": float("nan")}}, {"q": {"a": 1}}),
        lambda: evaluate_ranking({"q": {"a": 1.0}}, {"q": {"a": 1}}, ks=(0,)),
        lambda: run_from_scores(torch.zeros(1, 2), ["q"], ["a"]),
        lambda: run_from_scores(torch.zeros(1, 2), ["q"], ["a", "a"]),
        lambda: write_run({"q 1": {"a": 1.0}}, "unused"),
    ],
)
def test_unusable_input_is_refused(call):
    with pytest.raises(EvaluationError):
        call()
