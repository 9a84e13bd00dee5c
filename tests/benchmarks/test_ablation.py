from __future__ import annotations

import numpy as np
import pytest
import torch
from benchmarks.ablation_statistics import over_queries, over_seeds
from benchmarks.tables import ablation, verdict
from scipy import stats

from swath.evaluation.relation import Relation
from swath.evaluation.retrieval import RetrievalResult, evaluate


def test_the_interval_over_seeds_is_students() -> None:
    values = [13.1, 12.4, 13.9]
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert over_seeds(values) == pytest.approx(expected, rel=1e-3)
    assert over_seeds([1.0]) is None


def result(noise: float, seed: int) -> RetrievalResult:
    relation = Relation.from_rows([str(row) for row in range(200)], np.repeat(np.arange(40), 5), 40)
    random = torch.Generator().manual_seed(seed)
    own = torch.eye(40)[torch.from_numpy(relation.caption_image)]
    return evaluate(own + noise * torch.randn(200, 40, generator=random), relation)


def test_the_interval_over_queries_holds_the_gain() -> None:
    worse, better = [result(2.0, seed) for seed in range(3)], [result(0.5, seed) for seed in range(3)]
    gain = np.mean([run.metrics["mR"] for run in better]) - np.mean([run.metrics["mR"] for run in worse])
    low, high = over_queries(worse, better, rounds=500)
    assert 0 < low < gain < high
    assert over_queries(worse, worse, rounds=50) == (0.0, 0.0)


def test_only_a_gain_that_both_intervals_show_helps() -> None:
    assert verdict([[0.1, 0.4], [0.2, 0.3]]) == "helps"
    assert verdict([[-0.4, -0.1], [-0.3, -0.2]]) == "harms"
    assert verdict([[-0.1, 0.4], [0.2, 0.3]]) == verdict([None, [0.2, 0.3]]) == "not told from chance"


def test_the_table_has_a_row_a_configuration() -> None:
    table = ablation(
        {
            "metrics": {"baseline": 12.0, "baseline_std": 0.2, "local": 12.5, "local_std": 0.1, "local_gain": 0.5},
            "intervals": {"local_gain": [0.1, 0.9], "local_gain_queries": [0.2, 0.8]},
            "settings": {"configurations": ["baseline", "local"], "paper_mR": {"baseline": 37.92}},
        }
    )
    assert "| baseline | 12 | 0.2 |  |  |  |  | 37.92 |" in table
    assert "| local | 12.5 | 0.1 | +0.50 | +0.10 to +0.90 | +0.20 to +0.80 | helps |  |" in table
