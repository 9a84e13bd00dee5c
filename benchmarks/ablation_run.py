"""One run of the ablation, as a process of its own: train, choose the checkpoint on validation, measure on test once.

    python benchmarks/ablation_run.py FOLDER [key=value ...]

trains `ablation.yaml` with these overrides in FOLDER and leaves `result.json` there. A run that was cut off goes on,
one that is finished is not done again.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jobs import finished, keep
from torch import Tensor

from swath.data import Dataset, read_dataset
from swath.evaluation.encoding import Gallery, encode_split, text_similarities
from swath.evaluation.retrieval import RetrievalResult, evaluate
from swath.models import DualEncoder
from swath.similarity.fusion import WEIGHTS, Fusion
from swath.training import Recipe, train

RECIPE = Path(__file__).with_name("ablation.yaml")


@dataclass(frozen=True)
class Scored:
    """A split under one model."""

    gallery: Gallery
    pooled: Tensor  # (U, I) global similarities
    local: Tensor  # (U, I) local similarities, count-normalised, without start and end tokens

    @classmethod
    def of(cls, model: DualEncoder, dataset: Dataset, split: str) -> Scored:
        """Encode a split and compare all its texts with all its images."""
        gallery = encode_split(model, dataset, split)
        pooled, local = text_similarities(model, gallery.images, gallery.texts, local=True, ends=False, normalise=True)
        assert local is not None
        return cls(gallery, pooled, local)

    def result(self, scores: Tensor) -> RetrievalResult:
        """Evaluate (U, I) scores."""
        return evaluate(self.gallery.expand(scores), self.gallery.relation)

    def mean_recall(self, scores: Tensor) -> float:
        """Mean recall of (U, I) scores."""
        return self.result(scores).metrics["mR"]


def run(folder: Path, overrides: list[str]) -> None:
    """Train and measure, unless that is done."""
    if finished(folder, RECIPE, overrides) is not None:
        return
    torch.set_num_threads(1)
    recipe = Recipe.load(RECIPE, [*overrides, f"output={folder}"])
    trained = train(recipe)
    validation = recipe.data.validation
    dataset = read_dataset(recipe.data.root / validation.path)
    model = DualEncoder.from_pretrained(trained.model)
    found = measured(Scored.of(model, dataset, validation.split), Scored.of(model, dataset, "test"))
    found |= {"epoch": trained.best_epoch, "validation_mR": trained.best, "seconds": round(trained.seconds)}
    keep(folder, found)


def measured(val: Scored, test: Scored) -> dict[str, Any]:
    """Test results with global similarity, with calibrated fusion, and the mR of every fusion weight tried."""
    fusion = Fusion.calibrate(val.pooled, val.local, val.mean_recall, normalise=True)
    weighted = {beta: replace(fusion, alpha=1 - beta, beta=beta) for beta in WEIGHTS}
    return {
        "global": test.result(test.pooled).to_dict(),
        "fused": test.result(fusion(test.pooled, test.local)).to_dict(),
        "local_weight": fusion.beta,
        "test_mR_by_local_weight": {
            f"{beta:g}": test.mean_recall(weight(test.pooled, test.local)) for beta, weight in weighted.items()
        },
    }


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
