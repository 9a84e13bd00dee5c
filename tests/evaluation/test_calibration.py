from __future__ import annotations

import numpy as np
import pytest

from swath.errors import EvaluationError
from swath.evaluation.calibration import calibrate, expected_error, fit_temperature, probabilities, reliability


def drawn(temperature, images=4000, classes=5, seed=0):
    """Scores whose right class is drawn from their own softmax at a temperature: perfectly calibrated there."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(-1, 1, size=(images, classes))
    chances = probabilities(scores, temperature).cumsum(axis=1)
    return scores, (rng.random((images, 1)) > chances).sum(axis=1).clip(max=classes - 1)


@pytest.mark.parametrize("temperature", [0.05, 0.3, 2.0])
def test_the_temperature_that_made_the_labels_is_found(temperature):
    scores, labels = drawn(temperature)
    assert fit_temperature(scores, labels) == pytest.approx(temperature, rel=0.15)


def test_the_fitted_temperature_is_of_least_loss():
    scores, labels = drawn(0.3)
    best = fit_temperature(scores, labels)

    def loss(temperature):
        return -np.log(probabilities(scores, temperature)[np.arange(len(labels)), labels]).mean()

    assert all(loss(best) <= loss(best * factor) for factor in (0.5, 0.9, 0.999, 1.001, 1.1, 2))


def test_too_sure_a_model_is_found_out_and_mended():
    scores, labels = drawn(0.3)
    found = calibrate(scores, labels, 0.03)
    assert found.ece > 0.15
    assert found.fitted_ece < 0.03
    assert calibrate(scores, labels, 0.3).ece < 0.03


def test_reliability_equals_a_loop_over_answers():
    scores, labels = drawn(0.3, images=500)
    chances = probabilities(scores, 0.2)
    bins = reliability(chances, labels, 10)
    assert sum(part.count for part in bins) == 500
    error = 0.0
    for part in bins:
        own = [
            (p.max(), p.argmax() == y) for p, y in zip(chances, labels, strict=True) if part.low < p.max() <= part.high
        ]
        assert len(own) == part.count
        if own:
            sure, right = np.mean(own, axis=0)
            assert (part.confidence, part.accuracy) == (pytest.approx(sure), pytest.approx(right))
            error += len(own) / 500 * abs(sure - right)
    assert expected_error(bins) == pytest.approx(error)


def test_one_that_is_always_right_gets_the_coldest_temperature():
    assert fit_temperature(np.eye(4), np.arange(4)) < 1e-4


@pytest.mark.parametrize(("images", "temperature"), [(1, 1.0), (4, 0.0), (4, float("nan"))])
def test_what_cannot_be_calibrated_is_refused(images, temperature):
    with pytest.raises(EvaluationError, match="calibration needs two images"):
        calibrate(np.eye(4)[:images], np.arange(images), temperature)
