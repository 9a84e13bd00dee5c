"""Scores of captions: by hand where a hand can, by pycocoevalcap where it is installed, and what must always hold."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import EvaluationError
from swath.evaluation.captioning import evaluate_captions
from swath.evaluation.rouge import rouge_l

WORDS = ("river", "bridge", "green", "trees", "two", "planes", "near", "road", "it's", "well-built", "(old)")
BLEU = ("bleu1", "bleu2", "bleu3", "bleu4")


def texts(seed: int, images: int = 40) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Random captions over few words, so that n-grams meet."""
    random_ = random.Random(seed)

    def text() -> str:
        return " ".join(random_.choices(WORDS, k=random_.randint(1, 14))) + random_.choice((".", " .", ""))

    references = {f"i{n}": [text() for _ in range(random_.randint(1, 5))] for n in range(images)}
    candidates = {name: random_.choice((*own, text(), text())) for name, own in references.items()}
    return candidates, references


@pytest.mark.parametrize(("seed", "images"), [(0, 40), (1, 7), (2, 1)])
def test_parity_with_pycocoevalcap(seed: int, images: int) -> None:
    bleu = pytest.importorskip("pycocoevalcap.bleu.bleu")
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    from swath.evaluation.ptb import tokenize

    candidates, references = texts(seed, images)
    candidates["i0"] = "river" if images > 1 else candidates["i0"]
    found = evaluate_captions(candidates, references, rounds=0)
    own = {name: [" ".join(tokenize(text))] for name, text in candidates.items()}
    others = {name: [" ".join(tokenize(text)) for text in several] for name, several in references.items()}
    corpus, each = bleu.Bleu(4).compute_score(others, own, verbose=0)
    for number, name in enumerate(BLEU):
        assert found.metrics[name] == pytest.approx(corpus[number], abs=1e-9)
        assert [found.per_image[image][name] for image in own] == pytest.approx(each[number], abs=1e-9)
    for name, scorer in (("rouge_l", Rouge()), ("cider", Cider())):
        corpus, each = scorer.compute_score(others, own)
        assert found.metrics[name] == pytest.approx(corpus, abs=1e-9)
        assert [found.per_image[image][name] for image in own] == pytest.approx(list(each), abs=1e-9)


def test_bleu_by_hand() -> None:
    """Candidate of 5 words against one reference of 6: 4 of 5 unigrams, 2 of 4 bigrams, brevity exp(1 - 6 / 5)."""
    candidates = {"a": "the river near the trees", "b": "a road"}
    references = {"a": ["the river near green trees there"], "b": ["a road"]}
    found = evaluate_captions(candidates, references, rounds=0)
    penalty = math.exp(1 - 6 / 5)
    assert found.per_image["a"]["bleu1"] == pytest.approx(4 / 5 * penalty, abs=1e-6)
    assert found.per_image["a"]["bleu2"] == pytest.approx(math.sqrt(4 / 5 * 2 / 4) * penalty, abs=1e-6)
    # Over both images: 6 of 7 unigrams; 7 words against 8.
    assert found.metrics["bleu1"] == pytest.approx(6 / 7 * math.exp(1 - 8 / 7), abs=1e-6)


def test_rouge_by_hand() -> None:
    """LCS of 3 in 4 candidate and 6 reference words: P 3/4, R 1/2, beta 1.2."""
    precision, recall = 3 / 4, 1 / 2
    expected = (1 + 1.44) * precision * recall / (recall + 1.44 * precision)
    assert rouge_l(["a", "b", "x", "c"], [["a", "q", "b", "r", "c", "s"]]) == pytest.approx(expected)
    # Best precision and best recall may be those of different references.
    assert rouge_l(["a", "b"], [["a"], ["a", "b", "c", "d"]]) == pytest.approx(1.0)


def test_cider_by_hand() -> None:
    """Two images without common words: every n-gram weighs log 2, the cosine is 1 for n = 1, 2 and 0 above."""
    found = evaluate_captions(
        {"a": "green river", "b": "old road"}, {"a": ["green river"], "b": ["two planes"]}, rounds=0
    )
    assert found.per_image["a"]["cider"] == pytest.approx(10 * 2 / 4)
    assert found.per_image["b"]["cider"] == 0
    # A bigram more than the reference costs exp(-1 / 72); clipped, the unigram still counts once.
    longer = evaluate_captions(
        {"a": "green green", "b": "old road"}, {"a": ["green"], "b": ["two planes"]}, rounds=0
    ).per_image["a"]["cider"]
    assert longer == pytest.approx(10 / 4 * math.exp(-1 / 72) * 1 / 2)


@settings(max_examples=25)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=4, max_size=9), min_size=2, max_size=6, unique_by=tuple))
def test_identical_captions_score_the_most(captions: list[list[str]]) -> None:
    candidates = {str(number): " ".join(words) for number, words in enumerate(captions)}
    found = evaluate_captions(candidates, {name: [text] for name, text in candidates.items()}, rounds=20)
    for name in (*BLEU, "rouge_l"):
        assert found.metrics[name] == pytest.approx(1.0, abs=1e-6)
        assert found.intervals[name] == pytest.approx((1.0, 1.0), abs=1e-6)
    assert all(0 <= own["cider"] <= 10 + 1e-9 for own in found.per_image.values())


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_order_of_images_and_references_changes_nothing(seed: int, images: int) -> None:
    candidates, references = texts(seed, images)
    found = evaluate_captions(candidates, references, rounds=30)
    turned = evaluate_captions(
        dict(reversed(candidates.items())),
        {name: own[::-1] for name, own in reversed(references.items())},
        rounds=30,
    )
    assert turned.metrics == pytest.approx(found.metrics)
    for name, ends in found.intervals.items():
        assert turned.intervals[name] == pytest.approx(ends)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_scores_stay_in_range_and_one_more_reference_never_lowers_rouge(seed: int) -> None:
    candidates, references = texts(seed, 6)
    found = evaluate_captions(candidates, references, rounds=0)
    for name, value in found.metrics.items():
        assert -1e-9 <= value <= (10 if name == "cider" else 1) + 1e-9
    more = {name: [*own, "two planes near it's road"] for name, own in references.items()}
    again = evaluate_captions(candidates, more, rounds=0)
    for image, own in found.per_image.items():
        assert again.per_image[image]["rouge_l"] >= own["rouge_l"] - 1e-12


def test_intervals_hold_their_metric() -> None:
    candidates, references = texts(5, 60)
    found = evaluate_captions(candidates, references, rounds=400)
    assert set(found.intervals) == set(found.metrics)
    for name, (low, high) in found.intervals.items():
        assert low < found.metrics[name] < high


def test_empty_captions_score_nothing_and_break_nothing() -> None:
    found = evaluate_captions(
        {"a": "", "b": " . ", "c": "a river"}, {"a": ["trees"], "b": ["a road"], "c": ["a river"]}
    )
    for image in ("a", "b"):
        assert all(value == pytest.approx(0.0, abs=1e-9) for value in found.per_image[image].values())
    assert all(math.isfinite(value) for value in found.metrics.values())
    only = evaluate_captions({"a": ""}, {"a": ["trees"]})
    assert all(value == pytest.approx(0.0, abs=1e-9) for value in only.metrics.values())


def test_missing_references_and_candidates_are_named() -> None:
    with pytest.raises(EvaluationError, match="'b' has a candidate but no reference"):
        evaluate_captions({"a": "x", "b": "y"}, {"a": ["x"]})
    with pytest.raises(EvaluationError, match="'b' has a candidate but no reference"):
        evaluate_captions({"a": "x", "b": "y"}, {"a": ["x"], "b": []})
    with pytest.raises(EvaluationError, match="'b' has references but no candidate"):
        evaluate_captions({"a": "x"}, {"a": ["x"], "b": ["y"]})
    with pytest.raises(EvaluationError, match="empty"):
        evaluate_captions({}, {})
    with pytest.raises(EvaluationError, match="list of texts"):
        evaluate_captions({"a": "x"}, {"a": "x"})
    with pytest.raises(EvaluationError, match="one text"):
        evaluate_captions({"a": None}, {"a": ["x"]})  # type: ignore[dict-item]


def test_further_scores_are_added_and_checked() -> None:
    found = evaluate_captions({"a": "x", "b": "y"}, {"a": ["x"], "b": ["y"]}, rounds=10)
    more = found.with_scores("clip_score", {"a": 0.5, "b": 0.7}, rounds=50)
    assert more.metrics["clip_score"] == pytest.approx(0.6)
    assert more.per_image["b"]["clip_score"] == 0.7
    low, high = more.intervals["clip_score"]
    assert 0.5 - 1e-9 <= low <= high <= 0.7 + 1e-9
    partly = found.with_scores("spice", {"a": float("nan"), "b": 0.7}, rounds=50)
    assert partly.metrics["spice"] == pytest.approx(0.7)
    with pytest.raises(EvaluationError, match="'b'"):
        found.with_scores("other", {"a": 1.0})
