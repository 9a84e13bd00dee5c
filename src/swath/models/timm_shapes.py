"""Which timm backbone a state dict belongs to, read off its shapes: ResNets and plain vision transformers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from swath.errors import CheckpointError

_HEAD_WIDTH = 64
_RESNETS: dict[tuple[bool, tuple[int, ...]], str] = {
    (False, (2, 2, 2, 2)): "resnet18",
    (False, (3, 4, 6, 3)): "resnet34",
    (True, (3, 4, 6, 3)): "resnet50",
    (True, (3, 4, 23, 3)): "resnet101",
    (True, (3, 8, 36, 3)): "resnet152",
}
_CHANNELS = (64, 128, 256, 512)
_VITS = {(192, 12): "tiny", (384, 12): "small", (768, 12): "base", (1024, 24): "large"}


@dataclass(frozen=True, slots=True)
class TimmShape:
    """A timm backbone.

    Attributes:
        model: timm's name.
        bands: number of input bands.
        classes: outputs of its classifier; 0 without one.
        image_size: side of its images in pixels; None for those of any size.
        arguments: what its constructor is to be told besides.
    """

    model: str
    bands: int
    classes: int
    image_size: int | None
    arguments: dict[str, Any] = field(default_factory=dict)


def infer(state: Mapping[str, Tensor], origin: str) -> TimmShape:
    """Read a backbone's sizes off its state dict.

    Args:
        state: timm's keys.
        origin: the file, for messages.

    Raises:
        CheckpointError: neither a ResNet nor a plain vision transformer of 16 pixels a patch.
    """
    try:
        if "patch_embed.proj.weight" in state:
            return _vit(state, origin)
        return _resnet(state)
    except KeyError as error:
        raise CheckpointError(f"{origin} is neither a ResNet nor a vision transformer: no {error.args[0]}") from error


def _resnet(state: Mapping[str, Tensor]) -> TimmShape:
    bands = state["conv1.weight"].shape[1]
    wide = "layer1.0.conv3.weight" in state
    layers = tuple(_count(state, f"layer{stage}.") for stage in range(1, 5))
    channels = tuple(int(state[f"layer{stage}.0.conv1.weight"].shape[0]) for stage in range(1, 5))
    name = _RESNETS.get((wide, layers)) if channels == _CHANNELS else None
    classes = _outputs(state, "fc.weight")
    if name is not None:
        return TimmShape(name, bands, classes, None)
    arguments = {"layers": list(layers), "channels": list(channels)}
    return TimmShape("resnet50" if wide else "resnet18", bands, classes, None, arguments)


def _vit(state: Mapping[str, Tensor], origin: str) -> TimmShape:
    width, bands, patch, _ = state["patch_embed.proj.weight"].shape
    depth = _count(state, "blocks.")
    side = math.isqrt(state["pos_embed"].shape[1] - 1) * patch
    classes = _outputs(state, "head.weight")
    if patch != 16:
        raise CheckpointError(f"{origin}: a vision transformer of {patch} pixels a patch; 16 are supported")
    letter = _VITS.get((width, depth))
    if letter is not None:
        return TimmShape(f"vit_{letter}_patch16_224", bands, classes, side)
    # Shapes do not show the number of heads; every one of timm's plain towers has 64 numbers a head.
    arguments = {"embed_dim": width, "depth": depth, "num_heads": max(1, width // _HEAD_WIDTH)}
    return TimmShape("vit_small_patch16_224", bands, classes, side, arguments)


def _outputs(state: Mapping[str, Tensor], key: str) -> int:
    return int(state[key].shape[0]) if key in state else 0


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({key.removeprefix(prefix).split(".")[0] for key in state if key.startswith(prefix)})
