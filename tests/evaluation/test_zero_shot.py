from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.errors import EvaluationError
from swath.evaluation.multi_label import average_precision, judge
from swath.evaluation.zero_shot import classify


def outcome(seed=0, images=200, classes=7):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=images)
    scores = rng.normal(size=(images, classes))
    scores[np.arange(images), labels] += 1.0
    return classify(scores, labels, [f"c{index}" for index in range(classes)]), scores, labels


def test_counts_equal_a_loop_over_images():
    found, scores, labels = outcome()
    order = np.argsort(-scores, axis=1)
    assert found.metrics["top1"] == pytest.approx(100 * np.mean(order[:, 0] == labels))
    assert found.metrics["top5"] == pytest.approx(
        100 * np.mean([y in row[:5] for y, row in zip(labels, order, strict=True)])
    )
    matrix = np.zeros((7, 7), dtype=int)
    for label, row in zip(labels, order, strict=True):
        matrix[label, row[0]] += 1
    assert np.array_equal(found.confusion(), matrix)
    recalls = np.diag(matrix) / matrix.sum(axis=1)
    assert found.metrics["mean_per_class"] == pytest.approx(100 * recalls.mean())
    for row in found.per_class():
        index = row["class"]
        assert row["top1"] == pytest.approx(100 * recalls[index])
        assert row["precision"] == pytest.approx(100 * matrix[index, index] / matrix[:, index].sum())


def test_classes_without_images_count_as_answers_only():
    found = classify(np.eye(3)[[0, 1, 2]], [0, 1, 1], ["a", "b", "never"])
    assert [row["class"] for row in found.per_class()] == [0, 1]
    assert found.metrics == {"top1": pytest.approx(200 / 3), "mean_per_class": pytest.approx(75.0)}
    assert "top5" not in found.metrics  # of three classes, five are always right


def test_intervals_hold_the_number_and_shrink_with_images():
    few, many = outcome(images=100)[0], outcome(images=3000)[0]
    for found in (few, many):
        for name, (low, high) in found.intervals(rounds=400).items():
            assert low <= found.metrics[name] <= high
    width = [np.diff(found.intervals(rounds=400)["top1"])[0] for found in (few, many)]
    assert width[1] < width[0] / 3
    assert few.intervals(rounds=50, seed=3) == few.intervals(rounds=50, seed=3)
    share = many.metrics["top1"] / 100  # a share's interval is that of a binomial count
    assert width[1] == pytest.approx(2 * 196 * np.sqrt(share * (1 - share) / 3000), rel=0.2)


@pytest.mark.parametrize(
    ("scores", "labels", "classes", "said"),
    [
        (np.zeros((2, 2)), [0, 2], ["a", "b"], "labels must lie in 0 to 1"),
        (np.zeros((2, 2)), [0], ["a", "b"], "do not fit"),
        (np.zeros((0, 2)), [], ["a", "b"], "do not fit"),
        (np.array([[0.0, np.nan]]), [0], ["a", "b"], "NaN or infinite"),
        (np.zeros((1, 2)), [0], ["a", "a"], "named twice"),
    ],
)
def test_what_cannot_be_judged_is_refused(scores, labels, classes, said):
    with pytest.raises(EvaluationError, match=said):
        classify(scores, labels, classes)


def precision_by_hand(scores, truth):
    """Walk down the thresholds: precision times the recall gained at each."""
    total, previous, found = truth.sum(), 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        kept = scores >= threshold
        recall = truth[kept].sum() / total
        found += (recall - previous) * truth[kept].sum() / kept.sum()
        previous = recall
    return found


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 8))
def test_average_precision_equals_the_definition_with_and_without_ties(seed, images, levels):
    rng = np.random.default_rng(seed)
    scores = rng.integers(levels, size=images).astype(float) if seed % 2 else rng.normal(size=images)
    truth = rng.random(images) < 0.4
    truth[rng.integers(images)] = True
    found = average_precision(scores, truth, np.ones((1, images)))[0]
    assert found == pytest.approx(precision_by_hand(scores, truth), abs=1e-12)


def test_weights_are_repetitions():
    rng = np.random.default_rng(1)
    scores, truth, times = rng.normal(size=30), rng.random(30) < 0.3, rng.integers(4, size=30)
    wanted = precision_by_hand(np.repeat(scores, times), np.repeat(truth, times))
    assert average_precision(scores, truth, times[None].astype(float))[0] == pytest.approx(wanted, abs=1e-12)
    assert np.isnan(average_precision(scores, truth, np.where(truth, 0.0, 1.0)[None])[0])


def test_average_precision_equals_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    scores, truth = rng.normal(size=(300, 5)).round(1), rng.random((300, 5)) < 0.2
    found = judge(scores, truth, list("abcde"))
    assert found.metrics["mAP"] == pytest.approx(100 * metrics.average_precision_score(truth, scores, average="macro"))


def test_labels_that_no_image_has_are_set_aside():
    found = judge(np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.4]]), np.array([[1, 0, 0], [0, 0, 1]]), ["a", "b", "c"])
    assert (found.classes, found.left_out) == (("a", "c"), ("b",))
    assert found.metrics == {"mAP": pytest.approx(75.0), "chance_mAP": pytest.approx(50.0)}
    low, high = found.intervals(rounds=100)["mAP"]
    assert 0 < low <= high <= 100
    with pytest.raises(EvaluationError, match="no image has any of the labels"):
        judge(np.zeros((2, 2)), np.zeros((2, 2), dtype=bool), ["a", "b"])
