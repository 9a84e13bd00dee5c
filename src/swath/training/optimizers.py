"""Which parameters are updated by what."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from swath.training.muon import Muon
from swath.training.recipe import OptimRecipe

_NEVER_MUON = ("embedding", "stem", "conv1.", "classify", "class_", "reasoner.head")
"""Parts of the names of embeddings, first and last layers, whose rows are no directions of one space."""


def build_optimizers(model: nn.Module, settings: OptimRecipe) -> list[torch.optim.Optimizer]:
    """AdamW over everything, or Muon over hidden matrices and filters and AdamW over the rest.

    Each group remembers its ``highest_lr``, for the schedule.
    """
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    hidden = {name for name in trained if settings.matrices == "muon" and _is_hidden(name, trained[name])}
    rest = [value for name, value in trained.items() if name not in hidden]
    groups = [
        {"params": [value for value in rest if value.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [value for value in rest if value.ndim <= 1], "weight_decay": 0.0},
    ]
    built: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas)]
    if hidden:
        matrices = [trained[name] for name in sorted(hidden)]
        built.append(Muon(matrices, lr=settings.matrix_lr or settings.lr, weight_decay=settings.weight_decay))
    for optimizer in built:
        for group in optimizer.param_groups:
            group["highest_lr"] = group["lr"]
    return built


def _is_hidden(name: str, value: Tensor) -> bool:
    # A residual block's own first filter is called conv1 too; only the one next to the pixels is a first layer.
    first_or_last = any(part in name for part in _NEVER_MUON) and ".blocks." not in name
    return value.ndim > 1 and not first_or_last
