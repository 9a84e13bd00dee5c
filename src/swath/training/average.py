"""A moving average of the weights: steadier on validation data than the weights of any one step."""

from __future__ import annotations

import copy

import torch

from swath.models import DualEncoder


class WeightAverage:
    """Exponential moving average of a model's parameters and buffers (Polyak & Juditsky 1992).

    Args:
        model: what to average; a copy of it holds the average.
        decay: weight of the past. Early on it is (1 + step) / (10 + step) if that is less, so that the random start
            is soon forgotten. 0 copies.
    """

    def __init__(self, model: DualEncoder, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: DualEncoder, step: int) -> None:
        """Take in the weights after step `step` (from 0)."""
        weight = 1.0 - min(self.decay, (1 + step) / (10 + step))
        mine, theirs = self.model.state_dict(), model.state_dict()
        floating = [key for key, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[key] for key in floating], [theirs[key] for key in floating], weight)
        for key in mine.keys() - set(floating):
            mine[key].copy_(theirs[key])
