"""An encoder that knows colours only, and scenes of plain colours with one patch that stands out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from generate.rasters import write_tiff
from swath.chips import Pixels, SceneRef
from swath.features import Features
from swath.raster import scene_from_file

COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}
GREY = (0.577, 0.577, 0.577)
GRID = 4


class ColourEncoder:
    """An image's vector is its mean colour, a token's that of its part; a text's is the colour it names, else grey."""

    model_id, dim = "colours@1", 3

    def __init__(self) -> None:
        self.batches: list[int] = []

    def prepare(self, pixels: Pixels) -> Tensor:
        picture = torch.from_numpy(pixels.to_rgb().astype(np.float32)) / 255 + 1e-3
        return torch.nn.functional.adaptive_avg_pool2d(picture, GRID)

    def encode_images(self, batch: Tensor, sensor: str) -> Features:
        self.batches.append(len(batch))
        tokens = torch.nn.functional.normalize(batch.flatten(2).transpose(1, 2), dim=-1)
        pooled = torch.nn.functional.normalize(batch.mean(dim=(2, 3)), dim=-1)
        return Features(pooled, tokens, torch.ones(tokens.shape[:2], dtype=torch.bool))

    def encode_texts(self, texts: Sequence[str]) -> Features:
        pooled = torch.tensor([COLOURS.get(text, GREY) for text in texts])
        return Features(pooled, pooled[:, None], torch.ones(len(texts), 1, dtype=torch.bool))


def patched(
    path: Path,
    height: int = 192,
    width: int = 256,
    patch: tuple[int, int, int, int] = (64, 160, 128, 224),
    **profile: Any,
) -> SceneRef:
    """A green scene with a red patch (top, left, bottom, right)."""
    data = np.zeros((3, height, width), dtype=np.uint8)
    data[1] = 200
    top, left, bottom, right = patch
    data[:, top:bottom, left:right] = np.array([200, 1, 1], dtype=np.uint8)[:, None, None]
    return scene_from_file(str(write_tiff(path, data, **profile)), sensor="rgb")
