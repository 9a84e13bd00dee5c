"""The benchmark's own arithmetic, on reports whose outcome is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from swath.evaluation.relation import Relation
from swath.evaluation.report import RetrievalReport
from swath.evaluation.retrieval import evaluate

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import sar_retrieval


def report(noise: float, seed: int = 0, images: int = 30) -> RetrievalReport:
    """Two captions an image; scores are right but for noise."""
    random = torch.Generator().manual_seed(seed)
    owner = np.repeat(np.arange(images), 2)
    right = torch.eye(images)[torch.from_numpy(owner)]
    scores = right + noise * torch.randn(right.shape, generator=random)
    relation = Relation(owner, np.arange(len(owner)), images)
    names = tuple(f"i{number}" for number in range(images))
    return RetrievalReport("known", None, f"noise-{noise}", {}, evaluate(scores, relation), {}, names)


def test_shares_of_images_make_up_mean_recall() -> None:
    found = report(0.7)
    assert sar_retrieval.shares(found).sum() == pytest.approx(found.metrics["mR"])
    whole = np.ones((1, 30))
    assert sar_retrieval.mean_recalls(found, whole)[0] == pytest.approx(found.metrics["mR"])


def test_a_better_model_gains_and_an_equal_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sar_retrieval, "ROUNDS", 400)
    before = {"sandbox": report(1.2), "ships": report(1.5, seed=1, images=40)}
    after = {"sandbox": report(0.3, seed=2), "ships": report(0.5, seed=3, images=40)}
    metrics, intervals = sar_retrieval.measure(before, after)
    assert list(metrics)[:4] == ["mR_before", "mR_after", "gain", "p"]
    each = [found.metrics["mR"] for found in before.values()]
    assert metrics["mR_before"] == pytest.approx(np.mean(each))
    assert metrics["gain"] == pytest.approx(np.mean([metrics["sandbox_gain"], metrics["ships_gain"]]))
    assert metrics["p"] < 0.01
    for name, (low, high) in intervals.items():
        assert low <= metrics[name] <= high, name
    assert intervals["gain"][0] > 0
    same, ends = sar_retrieval.measure(before, before)
    assert (same["gain"], same["p"]) == (0.0, 1.0)
    assert ends["gain"] == (0.0, 0.0)
