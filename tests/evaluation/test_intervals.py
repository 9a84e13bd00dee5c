from __future__ import annotations

import numpy as np
import pytest
import torch

from swath.errors import EvaluationError
from swath.evaluation import Relation, bootstrap, compare_runs, evaluate


def noisy_run(relation: Relation, noise: float, seed: int):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.eye(relation.images)[torch.from_numpy(relation.caption_image)]
    return evaluate(scores + noise * torch.randn(scores.shape, generator=generator), relation)


@pytest.fixture(scope="module")
def relation() -> Relation:
    return Relation.from_captions([[f"{i} {j}" for j in range(1 + i % 4)] for i in range(120)])


def test_intervals_hold_the_estimate_and_narrow_with_more_images(relation):
    run = noisy_run(relation, 0.5, 0)
    intervals = bootstrap(run, rounds=500)
    for name, (low, high) in intervals.items():
        assert low <= run.metrics[name] <= high
    assert set(intervals) == {n for n in run.metrics if not n.endswith(("_ceiling", "_bound", "_rank"))}
    large = Relation.from_captions([[f"{i} {j}" for j in range(1 + i % 4)] for i in range(480)])
    wide, narrow = intervals["t2i_r1"], bootstrap(noisy_run(large, 0.35, 0), rounds=500)["t2i_r1"]
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


def test_bootstrap_equals_a_loop_over_images(relation):
    run = noisy_run(relation, 0.5, 1)
    rng = np.random.default_rng(0)
    i2t, t2i = run.hits("i2t"), run.hits("t2i")
    values = []
    for times in rng.multinomial(120, np.full(120, 1 / 120), size=200):
        drawn = np.repeat(np.arange(120), times)
        rows = np.concatenate([np.flatnonzero(relation.caption_image == image) for image in drawn])
        values.append(100 * np.mean([i2t[drawn].mean(axis=0), t2i[rows].mean(axis=0)]))
    low, high = np.quantile(values, [0.025, 0.975])
    assert bootstrap(run, rounds=200)["mR"] == pytest.approx((low, high))


def test_equal_seeds_give_equal_intervals(relation):
    run = noisy_run(relation, 0.5, 2)
    assert bootstrap(run, rounds=50, seed=3) == bootstrap(run, rounds=50, seed=3)
    assert bootstrap(run, rounds=50, seed=3) != bootstrap(run, rounds=50, seed=4)


def test_a_run_does_not_differ_from_itself(relation):
    run = noisy_run(relation, 0.5, 0)
    for row in compare_runs(run, run, rounds=100):
        assert (row.difference, row.low, row.high, row.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_clear_difference_is_found_and_signed(relation):
    rows = {row.metric: row for row in compare_runs(noisy_run(relation, 0.9, 0), noisy_run(relation, 0.3, 1), 1000)}
    mean = rows["mR"]
    assert mean.difference > 0
    assert mean.low <= mean.difference <= mean.high
    assert mean.p_value < 0.01
    assert mean.low > 0


def test_p_values_are_uniform_when_runs_are_exchangeable():
    relation = Relation.from_captions([[f"{i} {j}" for j in range(2)] for i in range(60)])
    found = []
    for trial in range(60):
        rows = compare_runs(noisy_run(relation, 0.5, trial), noisy_run(relation, 0.5, 1000 + trial), rounds=200)
        found.append(next(row.p_value for row in rows if row.metric == "mR"))
    assert 0.35 < np.mean(found) < 0.65
    assert np.mean(np.array(found) < 0.1) < 0.25


def test_runs_of_other_test_sets_are_refused(relation):
    other = Relation.from_captions([[f"{i} {j}" for j in range(1 + i % 4)] for i in range(119)])
    renamed = Relation.from_captions([["same"] * (1 + i % 4) for i in range(120)])
    run = noisy_run(relation, 0.5, 0)
    with pytest.raises(EvaluationError, match="not of the same test set"):
        compare_runs(run, noisy_run(other, 0.5, 0))
    with pytest.raises(EvaluationError, match="other captions"):
        compare_runs(run, noisy_run(renamed, 0.5, 0))


@pytest.mark.parametrize("options", [{"rounds": 0}, {"level": 1.0}])
def test_unusable_options_are_refused(relation, options):
    run = noisy_run(relation, 0.5, 0)
    with pytest.raises(EvaluationError, match="rounds"):
        bootstrap(run, **options)
    with pytest.raises(EvaluationError, match="rounds"):
        compare_runs(run, run, **options)
