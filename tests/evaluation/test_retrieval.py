from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import EvaluationError
from swath.evaluation import Relation, RetrievalResult, ceilings, evaluate, normalise_caption
from swath.evaluation import placement as placement_module


@st.composite
def small_sets(draw, most_captions):
    """A small test set with shared captions and many tied scores."""
    images = draw(st.integers(1, 5))
    captions = [
        [draw(st.sampled_from(["a pond", "A pond .", "a road", "two roads", "trees"])) for _ in range(n)]
        for n in draw(st.lists(st.integers(1, most_captions), min_size=images, max_size=images))
    ]
    rows = sum(map(len, captions))
    grades = draw(st.lists(st.integers(0, 3), min_size=rows * images, max_size=rows * images))
    return captions, torch.tensor(grades, dtype=torch.float32).reshape(rows, images)


def naive_recall(scores, right, k: int) -> float:
    """Mean over every order of tied candidates, written out: the definition, for tiny sets."""
    hits = []
    for row, own in zip(scores, right, strict=True):
        outcomes = [
            any(candidate in own for candidate in order[:k])
            for order in itertools.permutations(range(len(row)))
            if all(row[a] >= row[b] for a, b in itertools.pairwise(order))
        ]
        hits.append(np.mean(outcomes))
    return 100.0 * float(np.mean(hits))


def right_answers(captions: list[list[str]]):
    flat = [(image, text.lower().replace(".", "").strip()) for image, own in enumerate(captions) for text in own]
    return {
        "i2t": [{row for row, (owner, _) in enumerate(flat) if owner == image} for image in range(len(captions))],
        "t2i": [{image} for image, _ in flat],
        "caption_aware_i2t": [
            {row for row, (_, text) in enumerate(flat) if text in {t for owner, t in flat if owner == image}}
            for image in range(len(captions))
        ],
        "caption_aware_t2i": [{owner for owner, other in flat if other == text} for _, text in flat],
    }


@given(small_sets(most_captions=2))
@settings(max_examples=25, deadline=None)
def test_every_recall_equals_the_mean_over_all_orders_of_ties(sample):
    captions, scores = sample
    if scores.shape[0] > 6:
        captions = captions[:3]
        scores = scores[: sum(map(len, captions)), : len(captions)]
    result = evaluate(scores, Relation.from_captions(captions), ks=(1, 2, 3))
    for name, right in right_answers(captions).items():
        table = scores.numpy() if name.endswith("t2i") else scores.numpy().T
        for k in (1, 2, 3):
            assert result.metrics[f"{name}_r{k}"] == pytest.approx(naive_recall(table, right, k))


def test_without_ties_it_is_the_papers_definition():
    rng = np.random.default_rng(0)
    images, each = 40, 5
    scores = torch.from_numpy(rng.normal(size=(images * each, images)))
    relation = Relation.from_captions([[f"{i} {j}" for j in range(each)] for i in range(images)])
    metrics = evaluate(scores, relation).metrics
    owner = np.repeat(np.arange(images), each)
    recalls = []
    for k in (1, 5, 10):
        i2t = np.mean(
            [np.isin(np.argsort(-scores.numpy()[:, i])[:k], np.flatnonzero(owner == i)).any() for i in range(40)]
        )
        t2i = np.mean([owner[t] in np.argsort(-scores.numpy()[t])[:k] for t in range(len(owner))])
        assert metrics[f"i2t_r{k}"] == pytest.approx(100 * i2t)
        assert metrics[f"t2i_r{k}"] == pytest.approx(100 * t2i)
        recalls += [100 * i2t, 100 * t2i]
    assert metrics["mR"] == pytest.approx(np.mean(recalls))
    assert metrics["caption_aware_mR"] == pytest.approx(metrics["mR"])
    assert metrics["mR_ceiling"] == 100.0


def test_recall_agrees_with_trec_eval_where_no_scores_tie():
    pytrec_eval = pytest.importorskip("pytrec_eval")
    rng = np.random.default_rng(1)
    relation = Relation.from_captions([["same", f"own {i}"] for i in range(30)])
    scores = rng.normal(size=(60, 30))
    result = evaluate(torch.from_numpy(scores), relation)
    truth = right_answers([["same", f"own {i}"] for i in range(30)])
    for name, right in truth.items():
        table = scores if name.endswith("t2i") else scores.T
        qrels = {f"q{q}": {f"d{d}": 1 for d in own} for q, own in enumerate(right)}
        run = {f"q{q}": {f"d{d}": float(s) for d, s in enumerate(row)} for q, row in enumerate(table)}
        judged = pytrec_eval.RelevanceEvaluator(qrels, {"success"}).evaluate(run)
        for k in (1, 5, 10):
            mean = 100 * np.mean([judged[q][f"success_{k}"] for q in qrels])
            assert result.metrics[f"{name}_r{k}"] == pytest.approx(mean)


@given(small_sets(most_captions=3), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_data_does_not_matter(sample, random):
    captions, scores = sample
    flat = [text for own in captions for text in own]
    owner = np.repeat(np.arange(len(captions)), [len(own) for own in captions])
    rows, columns = random.sample(range(len(flat)), len(flat)), random.sample(range(len(captions)), len(captions))
    new_name = np.argsort(columns)
    shuffled = Relation.from_rows([flat[r] for r in rows], new_name[owner[rows]])
    straight = evaluate(scores, Relation.from_captions(captions)).metrics
    moved = evaluate(scores[rows][:, columns], shuffled).metrics
    assert moved == pytest.approx(straight)


@given(small_sets(most_captions=3), st.sampled_from(["expected", "pessimistic"]))
@settings(max_examples=50, deadline=None)
def test_a_model_that_ties_equal_texts_stays_within_the_bound(sample, ties):
    captions, scores = sample
    relation = Relation.from_captions(captions)
    first = np.unique(relation.text, return_index=True)[1]
    metrics = evaluate(scores[first[relation.text]], relation, ks=(1, 2), ties=ties).metrics
    for name in ("mR", "i2t_r1", "i2t_r2", "t2i_r1", "t2i_r2"):
        assert metrics[name] <= metrics[f"{name}_bound"] + 1e-9


@given(small_sets(most_captions=3), st.sampled_from(["expected", "pessimistic", "optimistic"]))
@settings(max_examples=30, deadline=None)
def test_the_ceiling_is_what_an_oracle_of_the_carriers_reaches(sample, ties):
    captions, _ = sample
    relation = Relation.from_captions(captions)
    carried = np.zeros((relation.texts, relation.images), dtype=np.float32)
    carried[relation.text, relation.caption_image] = 1
    metrics = evaluate(torch.from_numpy(carried[relation.text]), relation, ks=(1, 2), ties=ties).metrics
    for name in ("mR", "i2t_r1", "i2t_r2", "t2i_r1", "t2i_r2"):
        assert metrics[name] == pytest.approx(metrics[f"{name}_ceiling"])
        assert metrics[f"caption_aware_{name}"] == 100.0


def test_the_bound_is_reached_by_the_best_ranking():
    captions = [["pond", "one"], ["pond", "pond"], ["pond", "pond"]]
    relation = Relation.from_captions(captions)
    best = ceilings(relation, ks=(1, 2))
    # "pond" has 5 rows, two of them each in images 1 and 2: any ranking finds at most 2, then 4 of 5; "one" is found.
    assert best["t2i_r1_bound"] == pytest.approx(100 * 3 / 6)
    assert best["t2i_r2_bound"] == pytest.approx(100 * 5 / 6)
    # Images 1 and 2 own 2 of the 5 tied rows: 2/5 at 1, 1 - (3*2)/(5*4) at 2.
    assert best["i2t_r1_bound"] == pytest.approx(100 * (1 + 0.4 + 0.4) / 3)
    assert best["i2t_r2_bound"] == pytest.approx(100 * (1 + 0.7 + 0.7) / 3)
    scores = torch.tensor([[0.1, 0.9, 0.8], [1.0, 0.0, 0.0]] + [[0.1, 0.9, 0.8]] * 4)
    metrics = evaluate(scores, relation, ks=(1, 2)).metrics
    for k in (1, 2):
        assert metrics[f"t2i_r{k}"] == pytest.approx(best[f"t2i_r{k}_bound"])
        assert metrics[f"i2t_r{k}"] == pytest.approx(best[f"i2t_r{k}_bound"])


def test_ties_as_stated():
    relation = Relation.from_captions([["a"], ["b"], ["c"], ["d"]])
    constant = torch.zeros(4, 4)
    assert evaluate(constant, relation, ks=(1,)).metrics["mR"] == pytest.approx(25.0)
    assert evaluate(constant, relation, ks=(1,), ties="pessimistic").metrics["mR"] == 0.0
    assert evaluate(constant, relation, ks=(1,), ties="optimistic").metrics["mR"] == 100.0
    assert evaluate(constant, relation).metrics["t2i_median_rank"] == pytest.approx(2.5)
    assert evaluate(constant, relation, ties="pessimistic").metrics["t2i_median_rank"] == 4.0


def test_own_scores_for_image_queries():
    relation = Relation.from_captions([["a"], ["b"]])
    metrics = evaluate(torch.eye(2), relation, i2t_scores=1 - torch.eye(2), ks=(1,)).metrics
    assert (metrics["t2i_r1"], metrics["i2t_r1"]) == (100.0, 0.0)


def test_small_blocks_give_the_same(monkeypatch):
    torch.manual_seed(0)
    relation = Relation.from_captions([["x", f"own {i}"] for i in range(23)])
    scores = torch.randint(0, 6, (46, 23)).float()
    whole = evaluate(scores, relation)
    monkeypatch.setattr(placement_module, "_BLOCK_BYTES", 1500)
    assert evaluate(scores, relation).to_dict() == whole.to_dict()


def test_result_survives_json():
    relation = Relation.from_captions([["x", "y"], ["x"], ["z"]])
    result = evaluate(torch.rand(4, 3), relation)
    again = RetrievalResult.from_dict(json.loads(json.dumps(result.to_dict())))
    assert again.metrics == result.metrics


def test_half_precision_scores_are_accepted():
    relation = Relation.from_captions([["a"], ["b"]])
    assert evaluate(torch.eye(2, dtype=torch.bfloat16), relation).metrics["mR"] == 100.0


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        (torch.zeros(3, 2), {}, "3 queries x 2"),
        (torch.zeros(2, 2, 1), {}, "must be a matrix"),
        (torch.tensor([[0.0, float("nan")], [0.0, 1.0]]), {}, "NaN"),
        (torch.eye(2), {"ks": (0,)}, "ks must be"),
        (torch.eye(2), {"ties": "lucky"}, "'lucky'"),
    ],
)
def test_unusable_input_is_named(scores, options, message):
    with pytest.raises(EvaluationError, match=message):
        evaluate(scores, Relation.from_captions([["a"], ["b"]]), **options)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Relation.from_captions([["a"], []]), "image number 1 has no caption"),
        (lambda: Relation.from_rows(["a", "b"], [0, 2], 2), "0 to 2"),
        (lambda: Relation.from_rows(["a"], [0, 0]), "shapes"),
        (lambda: Relation.from_captions([]), "at least one caption"),
        (lambda: RetrievalResult.from_dict({"ks": [1]}), "caption_image"),
    ],
)
def test_broken_relations_are_named(build, message):
    with pytest.raises(EvaluationError, match=message):
        build()


def test_normalised_captions():
    assert normalise_caption(" Many trees. ") == normalise_caption("many trees .") == "many trees"
    assert normalise_caption("a red, roof") != normalise_caption("a red roof")


@pytest.mark.data
def test_rsicd_test_set_has_the_known_properties(shared_data: Path):
    images = json.loads((shared_data / "rsicd" / "dataset_rsicd.json").read_text())["images"]
    test = [[s["raw"] for s in image["sentences"]] for image in images if image["split"] == "test"]
    relation = Relation.from_captions(test)
    assert (relation.images, relation.captions, relation.texts) == (1093, 5465, 3331)
    assert 100 * relation.shared == pytest.approx(11.73, abs=0.005)
    best = ceilings(relation)
    assert [round(best[f"t2i_r{k}_ceiling"], 1) for k in (1, 5, 10)] == [92.6, 99.2, 99.8]
    assert round(best["t2i_r1_bound"], 1) == 93.1
