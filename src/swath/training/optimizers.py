"""Which parameters are updated by what."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from swath.errors import RecipeError
from swath.training.freezing import check_parts, learning_factor
from swath.training.muon import Muon
from swath.training.recipe import OptimRecipe

_NEVER_MUON = ("embedding", "stem", "conv1.", "classify", "class_", "reasoner.head")
"""Parts of the names of embeddings, first and last layers, whose rows are no directions of one space."""


def build_optimizers(model: nn.Module, settings: OptimRecipe) -> list[torch.optim.Optimizer]:
    """AdamW over everything, or Muon over hidden matrices and filters and AdamW over the rest.

    Each group remembers its ``highest_lr``, for the schedule.

    Args:
        model: what to train.
        settings: the optimiser; its factors name parts of `model.encoder`, or of `model` where that has none.

    Raises:
        RecipeError: a factor names no part, or nothing is left to train.
    """
    encoder = getattr(model, "encoder", None)
    check_parts(model if encoder is None else encoder, settings.lr_factors, "optim.lr_factors")
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    if not trained:
        raise RecipeError("optim.freeze leaves nothing to train: name fewer parts")
    hidden = {name for name in trained if settings.matrices == "muon" and _is_hidden(name, trained[name])}
    by_factor: dict[float, list[str]] = {}
    for name in trained:
        by_factor.setdefault(learning_factor(name.removeprefix("encoder."), settings.lr_factors), []).append(name)
    groups: list[dict[str, Any]] = []
    matrices: list[dict[str, Any]] = []
    for factor, names in by_factor.items():
        rest = [trained[name] for name in names if name not in hidden]
        vectors = [value for value in rest if value.ndim <= 1]
        rest = [value for value in rest if value.ndim > 1]
        groups.append({"params": rest, "weight_decay": settings.weight_decay, "lr": factor * settings.lr})
        groups.append({"params": vectors, "weight_decay": 0.0, "lr": factor * settings.lr})
        own = [trained[name] for name in sorted(hidden & set(names))]
        if own:
            matrices.append({"params": own, "lr": factor * (settings.matrix_lr or settings.lr)})
    built: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas, eps=settings.eps)
    ]
    if matrices:
        built.append(Muon(matrices, lr=settings.matrix_lr or settings.lr, weight_decay=settings.weight_decay))
    for optimizer in built:
        for group in optimizer.param_groups:
            group["highest_lr"] = group["lr"]
    return built


def _is_hidden(name: str, value: Tensor) -> bool:
    # A residual block's own first filter is called conv1 too; only the one next to the pixels is a first layer.
    first_or_last = any(part in name for part in _NEVER_MUON) and ".blocks." not in name
    return value.ndim > 1 and not first_or_last
