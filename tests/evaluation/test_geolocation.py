from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swath.errors import EvaluationError, InputError
from swath.evaluation.geolocation import EARTH_RADIUS_KM, evaluate_geolocation, great_circle_km

QUARTER = EARTH_RADIUS_KM * math.pi / 2
places = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def between(a, b) -> float:
    return float(great_circle_km([a], [b])[0])


@given(places, places)
def test_distance_is_symmetric_and_on_the_sphere(a, b):
    assert between(a, b) == pytest.approx(between(b, a), abs=1e-9)
    assert 0 <= between(a, b) <= 2 * QUARTER + 1e-9
    assert between(a, a) == 0


@given(places, places, places)
def test_no_detour_is_shorter(a, b, c):
    assert between(a, c) <= between(a, b) + between(b, c) + 1e-6


@given(places, places)
@example((0.0, 1e-7), (180.0, 0.0))
def test_equals_the_angle_between_vectors(a, b):
    def vector(place):
        lon, lat = np.radians(place)
        return np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])

    u, v = vector(a), vector(b)
    angle = math.atan2(np.linalg.norm(np.cross(u, v)), float(u @ v))
    assert between(a, b) == pytest.approx(EARTH_RADIUS_KM * angle, abs=1e-6)


@given(places, st.floats(-90, 90))
def test_the_antimeridian_is_no_wall(a, lat):
    assert between((180.0, lat), (-180.0, lat)) == 0
    assert between(a, (180.0, lat)) == between(a, (-180.0, lat))


def test_across_the_antimeridian_is_near():
    degree = EARTH_RADIUS_KM * math.radians(1)
    assert between((179.5, 0.0), (-179.5, 0.0)) == pytest.approx(degree)


@given(st.floats(-180, 180), st.floats(-180, 180), places)
def test_a_pole_has_no_longitude(one, other, place):
    assert between((one, 90.0), (other, 90.0)) == pytest.approx(0, abs=1e-6)
    assert between((one, -90.0), place) == pytest.approx(QUARTER * (90 + place[1]) / 90, abs=1e-6)


def test_centimetres_and_antipodes_keep_their_digits():
    assert between((10.0, 50.0), (10.0, 50.0 + 1e-7)) == pytest.approx(EARTH_RADIUS_KM * math.radians(1e-7), rel=1e-6)
    assert between((0.0, 30.0), (180.0, -30.0)) == pytest.approx(2 * QUARTER, abs=1e-6)


def test_one_place_is_compared_with_many():
    many = [[0.0, 0.0], [90.0, 0.0]]
    assert great_circle_km([[0.0, 0.0]], many).tolist() == pytest.approx([0.0, QUARTER])


def test_median_and_accuracy_by_hand():
    degrees = np.array([0.005, 0.1, 1.0, 5.0, 20.0, 60.0])  # along the equator: 0.56, 11, 111, 556, 2224, 6672 km
    predicted, truth = np.stack([degrees, np.zeros(6)], axis=1), np.zeros((6, 2))
    result = evaluate_geolocation(predicted, truth, rounds=50)
    assert result.errors_km == pytest.approx(EARTH_RADIUS_KM * np.radians(degrees))
    wanted = {"median_km": EARTH_RADIUS_KM * math.radians(3.0)}
    wanted |= {f"accuracy_{limit}km": 100 * n / 6 for n, limit in enumerate((1, 25, 200, 750, 2500), start=1)}
    assert result.metrics == pytest.approx(wanted)
    assert result.intervals.keys() == result.metrics.keys()


def test_an_error_of_just_the_threshold_counts():
    far = [[90.0, 0.0]]
    limit = float(great_circle_km([[0.0, 0.0]], far)[0])
    result = evaluate_geolocation(far, [[0.0, 0.0]], thresholds_km=[limit], rounds=1)
    assert list(result.metrics.values())[1] == 100.0


def test_intervals_hold_the_estimate_narrow_and_repeat():
    rng = np.random.default_rng(0)

    def result(images: int, seed: int = 0):
        truth = np.stack([rng.uniform(-180, 180, images), rng.uniform(-60, 60, images)], axis=1)
        return evaluate_geolocation(truth + rng.normal(0, 3, truth.shape) % 20, truth, rounds=300, seed=seed)

    small, large = result(50), result(2000)
    for found in (small, large):
        assert all(low <= found.metrics[name] <= high for name, (low, high) in found.intervals.items())
    width = {id(found): np.subtract(*found.intervals["median_km"][::-1]) for found in (small, large)}
    assert width[id(large)] < width[id(small)]
    predicted, truth = rng.uniform(-60, 60, (40, 2)), rng.uniform(-60, 60, (40, 2))
    first, again = (evaluate_geolocation(predicted, truth, rounds=100, seed=7) for _ in range(2))
    assert first.intervals == again.intervals


def test_intervals_do_not_depend_on_the_block(monkeypatch):
    rng = np.random.default_rng(1)
    predicted, truth = rng.uniform(-60, 60, (30, 2)), rng.uniform(-60, 60, (30, 2))
    whole = evaluate_geolocation(predicted, truth, rounds=64)
    monkeypatch.setattr("swath.evaluation.geolocation._VALUES_HELD", 100)
    assert evaluate_geolocation(predicted, truth, rounds=64).intervals == whole.intervals


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[0.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]), EvaluationError, "got 1 for 2 images"),
        ((np.empty((0, 2)), np.empty((0, 2))), EvaluationError, "got 0 for 0"),
        (([[10.0, 100.0]], [[0.0, 0.0]]), InputError, "row 0 of predicted.*swapped"),
        (([[0.0, 0.0]], [[np.nan, 0.0]]), InputError, "row 0 of truth"),
        (([[0.0, 0.0]], [[0.0, 0.0]], [0.0]), EvaluationError, "thresholds"),
        (([[0.0, 0.0]], [[0.0, 0.0]], [1.0], 0), EvaluationError, "rounds >= 1"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        evaluate_geolocation(*arguments)


def test_tables_of_other_lengths_have_no_distances():
    with pytest.raises(EvaluationError, match="2 places cannot be compared with 3"):
        great_circle_km(np.zeros((2, 2)), np.zeros((3, 2)))
