"""A captioner that was trained on a model's frozen towers, put beside that model's own weights."""

from __future__ import annotations

from pathlib import Path

import torch

from swath.errors import CheckpointError
from swath.models import checkpoint
from swath.models.config import ModelConfig
from swath.models.decoder import DECODER
from swath.models.hub import resolve
from swath.models.precision import DType, choose_dtype

TOLERANCE = 2e-2
"""Largest difference, relative to a tensor's largest value, that rounding a model's weights can leave."""


def attach_captioner(
    model: str | Path, trained: str | Path, out: str | Path, dtype: DType | torch.dtype = "float16"
) -> ModelConfig:
    """Write a model with the captioner of another one; its own weights stay as they are stored, and so does its id.

    Args:
        model: a name or directory of `DualEncoder.from_pretrained`.
        trained: the directory of the model with the captioner; its towers are those of `model`.
        out: the directory to write.
        dtype: precision in which the captioner is stored.

    Returns:
        the configuration as written.

    Raises:
        CheckpointError: `trained` has no captioner, or its towers are not those of `model`: a decoder knows only what
            its own towers show it.
        ModelError: there is no such model.
    """
    own, other = resolve(str(model)), resolve(str(trained))
    config, source = ModelConfig.load(own), ModelConfig.load(other)
    if source.captioner is None:
        raise CheckpointError(f"{trained} has no captioner to attach")
    state = {
        key: value
        for key, value in checkpoint.read_weights(own / checkpoint.WEIGHTS_FILE).items()
        if not key.startswith(DECODER)
    }
    found = checkpoint.read_weights(other / checkpoint.WEIGHTS_FILE)
    towers = {key: value for key, value in found.items() if not key.startswith(DECODER)}
    misfits = checkpoint.compare({key: tuple(value.shape) for key, value in state.items()}, towers)
    misfits = misfits or [key for key, value in state.items() if _differ(value, towers[key])]
    if misfits:
        raise CheckpointError(
            f"the captioner of {trained} was trained on other towers than those of {model} ({misfits[0]}, ...): train "
            "it with init on this model and with its towers under optim.freeze"
        )
    precision = choose_dtype(dtype, torch.device("cpu"))
    state |= {key: value.to(precision) for key, value in found.items() if key.startswith(DECODER)}
    provenance = {**config.provenance, "captioner": source.provenance.get("captioner", str(source.name))}
    config = config.model_copy(update={"captioner": source.captioner, "provenance": provenance})
    return checkpoint.write(state, config, Path(out))


def _differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    if not one.is_floating_point():
        return False
    gap = (one.float() - other.float()).abs().max()
    return bool(gap > TOLERANCE * other.float().abs().max().clamp(min=1e-6))
