"""A residual convolutional tower that trains from scratch on a CPU: plain 3x3 convolutions, nothing grouped.

Chosen by measurement on two AMX cores (bfloat16, channels last): 3x3 convolutions of 64 to 192 channels on maps of 6
positions and more reach 0.5 to 1.5 TFLOP/s a core in all three passes, while depthwise convolutions, maps of 3 x 3 and
wider layers fall to a tenth of that in the weight gradient. So the tower stops at stride 16 and grows in depth; it also
keeps enough positions to say *where* in the picture a text fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from swath.errors import InputError
from swath.models.config import TowerConfig
from swath.models.fused import FusedConvolution, state_of
from swath.models.patches import MANY_BANDS, PatchConv2d
from swath.models.routing import ANY_BANDS
from swath.models.towers import parse_options


class ConvNetOptions(BaseModel):
    """Options of a ``convnet`` tower.

    Attributes:
        stem: side of the patches that the first layer turns into one position.
        widths: channels of each stage; every stage but the first halves the map.
        depths: residual blocks of each stage.
        hidden: channels of the last 1x1 layer, before projection.
        drop_path: share of images for which the last block is skipped in training; grows linearly over the blocks.
        dropout: dropout before the projection, in training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stem: int = Field(default=4, ge=1)
    widths: tuple[int, ...] = Field(default=(64, 128, 192), min_length=1)
    depths: tuple[int, ...] = Field(default=(1, 4, 6), min_length=1)
    hidden: int = Field(default=512, ge=1)
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> ConvNetOptions:
        if len(self.widths) != len(self.depths):
            raise ValueError(f"{len(self.widths)} widths but {len(self.depths)} depths")
        if min(*self.widths, *self.depths) < 1:
            raise ValueError("widths and depths must be 1 or more")
        return self


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm beside a shortcut (He et al. 2016, with the pooled shortcut of ResNet-D).

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        stride: 2 halves the map.
        drop_path: share of images for which the branch is skipped in training (Huang et al. 2016).
    """

    def __init__(self, inputs: int, outputs: int, stride: int, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        # Starting as the identity makes deep residual training steady (Goyal et al. 2017, section 5.1).
        nn.init.zeros_(self.bn2.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            pool = [nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)] if stride != 1 else []
            self.shortcut = nn.Sequential(*pool, nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride), rounded up."""
        branch = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.training and self.drop_path:
            keep = 1.0 - self.drop_path
            branch = branch * (torch.rand(len(x), 1, 1, 1, device=x.device) < keep).to(branch.dtype).div_(keep)
        return torch.relu(branch + self.shortcut(x))


class _FusedBlock:
    """A `ResidualBlock` for encoding."""

    def __init__(self, block: ResidualBlock) -> None:
        self.first = FusedConvolution.of(block.conv1, block.bn1)
        self.second = FusedConvolution.of(block.conv2, block.bn2)
        self.pool: nn.Module | None = None
        self.beside: FusedConvolution | None = None
        if isinstance(block.shortcut, nn.Sequential):
            *pool, convolution, norm = block.shortcut
            self.pool = pool[0] if pool else None
            self.beside = FusedConvolution.of(cast(nn.Conv2d, convolution), cast(nn.BatchNorm2d, norm))

    def __call__(self, x: Tensor) -> Tensor:
        branch = self.first(x, relu=True)
        if self.beside is not None:
            x = self.beside(x if self.pool is None else self.pool(x))
        return self.second(branch, onto=x, relu=True)


@dataclass(frozen=True, slots=True)
class _Fused:
    """The convolutions of a `ConvNet` for encoding, and the state of the weights that they were made from."""

    state: tuple[tuple[int, int], ...]
    stem: FusedConvolution
    blocks: list[_FusedBlock]
    head: FusedConvolution

    def __call__(self, x: Tensor) -> Tensor:
        x = self.stem(x, relu=True)
        for block in self.blocks:
            x = block(x)
        return self.head(x, relu=True)


class ConvNet(nn.Module):
    """The tower: patch stem, residual stages, 1x1 layer, mean over positions, projection.

    Pooling and projection commute, so a token is what its position adds to the pooled vector.

    Args:
        options: sizes.
        bands: number of input bands.
        embed_dim: length of the output vectors.
    """

    def __init__(self, options: ConvNetOptions, bands: int, embed_dim: int) -> None:
        super().__init__()
        self.bands = bands
        patches = nn.Conv2d if bands < MANY_BANDS else PatchConv2d
        self.stem = nn.Sequential(
            patches(bands, options.widths[0], options.stem, options.stem, bias=False),
            nn.BatchNorm2d(options.widths[0]),
            nn.ReLU(),
        )
        blocks: list[nn.Module] = []
        inputs, total = options.widths[0], sum(options.depths)
        for stage, (width, depth) in enumerate(zip(options.widths, options.depths, strict=True)):
            for index in range(depth):
                drop = options.drop_path * len(blocks) / max(1, total - 1)
                blocks.append(ResidualBlock(inputs, width, 2 if stage and not index else 1, drop))
                inputs = width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Conv2d(inputs, options.hidden, 1, bias=False), nn.BatchNorm2d(options.hidden), nn.ReLU()
        )
        self.dropout = nn.Dropout(options.dropout)
        self.proj = nn.Linear(options.hidden, embed_dim)
        self._fused: _Fused | None = None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encode images of any size from the total stride on.

        Args:
            images: (B, bands, H, W), normalised.

        Returns:
            pooled (B, D) and tokens (B, N, D), the positions of the last map row by row; neither is normalised.

        Raises:
            InputError: the batch has another number of bands.
        """
        if images.ndim != 4 or images.shape[1] != self.bands:
            raise InputError(f"the image tower takes (B, {self.bands}, H, W), not {tuple(images.shape)}")
        x = images.contiguous(memory_format=torch.channels_last)
        fused = None if self.training or torch.is_grad_enabled() else self._fuse()
        x = self.head(self.blocks(self.stem(x))) if fused is None else fused(x)
        x = x.flatten(2).transpose(1, 2)
        return self.proj(self.dropout(x.mean(dim=1))), self.proj(x)

    def __getstate__(self) -> dict[str, Any]:
        """Without the convolutions for encoding: oneDNN's filters can be neither copied nor sent."""
        return self.__dict__ | {"_fused": None}

    def _fuse(self) -> _Fused | None:
        """The convolutions for encoding, made anew when a weight has changed; None where that cannot be told."""
        state = state_of(self)
        if self._fused is None or self._fused.state != state:
            self._fused = None if state is None else self._made(state)
        return self._fused

    @torch.inference_mode()
    def _made(self, state: tuple[tuple[int, int], ...]) -> _Fused:
        return _Fused(
            state,
            FusedConvolution.of(cast(nn.Conv2d, self.stem[0]), cast(nn.BatchNorm2d, self.stem[1])),
            [_FusedBlock(cast(ResidualBlock, block)) for block in self.blocks],
            FusedConvolution.of(cast(nn.Conv2d, self.head[0]), cast(nn.BatchNorm2d, self.head[1])),
        )


def build(config: TowerConfig, embed_dim: int, directory: Path | None = None) -> ConvNet:  # noqa: ARG001
    """Build a ``convnet`` tower from its configuration entry (see `swath.models.towers`)."""
    if config.bands == ANY_BANDS:
        from swath.models.wavelength import build_convnet

        return build_convnet(config, embed_dim)
    return ConvNet(parse_options(ConvNetOptions, config), config.band_count, embed_dim)
