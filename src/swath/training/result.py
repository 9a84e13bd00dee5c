"""`RunResult`: what a training run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a training run leaves behind.

    Attributes:
        directory: the run's folder: `recipe.yaml`, `metrics.jsonl`, `tensorboard/`, `last/` (to go on) and `best/`.
        model: the model that was best on validation data, readable by `DualEncoder.from_pretrained`.
        metric: name of the metric it was chosen by.
        best: its value.
        best_epoch: the epoch (from 1) it is from.
        epochs: epochs done.
        steps: optimiser steps done.
        seconds: time spent by this process.
        history: one entry a validation: ``epoch`` and its metrics.
    """

    directory: Path
    model: Path
    metric: str
    best: float
    best_epoch: int
    epochs: int
    steps: int
    seconds: float
    history: tuple[dict[str, float], ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "directory": str(self.directory),
            "model": str(self.model),
            "metric": self.metric,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "epochs": self.epochs,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "history": list(self.history),
        }
