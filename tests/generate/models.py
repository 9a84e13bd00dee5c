"""Small models with random weights."""

from __future__ import annotations

from typing import Any

import torch

from swath.models import DualEncoder, ModelConfig

TEXT = {"type": "clip", "context_length": 32, "merges": 2000, "width": 64, "heads": 2, "layers": 2}
VIT = {"type": "vit", "image_size": 32, "patch_size": 8, "width": 64, "heads": 2, "layers": 2}


def tiny_config(**changes: Any) -> ModelConfig:
    """One RGB tower for every sensor; `changes` replace top-level entries."""
    data: dict[str, Any] = {
        "name": "tiny",
        "embed_dim": 48,
        "text": TEXT,
        "towers": {"rgb": VIT},
        "sensors": {"*": {"tower": "rgb"}},
    }
    return ModelConfig.parse(data | changes)


def two_towers() -> ModelConfig:
    """An RGB tower for two sensors and a 12-band tower for Sentinel-2; no other sensor."""
    return tiny_config(
        towers={"rgb": VIT, "s2": VIT | {"bands": 12, "resize": "squash", "patch_size": 16}},
        sensors={"rgb": {"tower": "rgb"}, "s1-grd": {"tower": "rgb"}, "s2-l2a": {"tower": "s2", "input": "bands"}},
    )


def tiny_model(config: ModelConfig | None = None, seed: int = 0) -> DualEncoder:
    """A model with weights drawn from a seed."""
    torch.manual_seed(seed)
    return DualEncoder(config or tiny_config()).eval()
