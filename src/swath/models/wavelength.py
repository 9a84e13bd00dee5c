"""Towers for any set of bands: their first layer is made from what the bands are, not trained for each.

After DOFA (Xiong et al., "Neural Plasticity-Inspired Multimodal Foundation Model for Earth Observation", 2024): a
small network turns each band's wavelength into the filters of that band. Radar has a wavelength too, and polarisations
beside it. A new sensor of known wavelengths needs no new weights, and bands may come in any order.

Batches hold one sensor each, so a batch's bands are one table (`band_codes`), the same for all of its images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from swath.errors import InputError
from swath.models.config import TowerConfig
from swath.models.convnet import ConvNet, ConvNetOptions
from swath.models.patches import patch_product
from swath.models.towers import parse_options
from swath.models.vision import VisionTransformer, ViTOptions
from swath.sensors import POLARIZATIONS, Band

_OCTAVES = 8
_GROUP = 8

CODE_LENGTH = 2 * _OCTAVES + 1 + 1 + len(POLARIZATIONS)
"""Numbers in a band's code."""

HIDDEN = 64
"""Width of the network's hidden layer."""

RANK = 16
"""How many banks of filters a band's filters are mixed from."""


def band_codes(bands: Sequence[Band]) -> Tensor:
    """What a tower is told of each band.

    The logarithm of the wavelength, which spans visible light (3e2 nm) to long radar (1e9 nm), as sines and cosines of
    8 octaves, fine enough to tell neighbouring bands apart; whether it is a radar's; and its polarisations.

    Args:
        bands: in the order in which a batch has them.

    Returns:
        (bands, CODE_LENGTH) float32.
    """
    rows = []
    for band in bands:
        place = math.log10(band.wavelength) - 5.0
        waves = [wave(math.pi * 2.0 ** (k - 2) * place) for k in range(_OCTAVES) for wave in (math.sin, math.cos)]
        polarized = [float(band.polarization == name) for name in POLARIZATIONS]
        rows.append([place, *waves, float(band.is_radar), *polarized])
    return torch.tensor(rows, dtype=torch.float32)


class WavelengthFilters(nn.Module):
    """Filters of a first layer from the codes of its bands: ``W_c = sum_r a_r(code_c) B_r / C``.

    The coefficients a come from a network of one hidden layer, the banks of filters B are learned. Divided by the
    number of bands C, activations stay of one size whatever their number. Always in float32 (`full_precision`): the
    filters are made once a batch, and go over to the precision of the images then.

    Args:
        outputs: channels that come out.
        kernel: side of a filter in pixels.
    """

    full_precision = True

    def __init__(self, outputs: int, kernel: int) -> None:
        super().__init__()
        self.coefficients = nn.Sequential(nn.Linear(CODE_LENGTH, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, RANK))
        # A sum over RANK banks, each with coefficients of about unit size, has the spread of a plain convolution.
        bound = math.sqrt(3.0 / (kernel * kernel * RANK))
        self.banks = nn.Parameter(torch.empty(RANK, outputs, kernel, kernel).uniform_(-bound, bound))
        nn.init.normal_(cast(nn.Linear, self.coefficients[2]).weight, std=math.sqrt(4.0 / HIDDEN))

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (C, CODE_LENGTH) to filters (outputs, C, kernel, kernel)."""
        mixed = self.coefficients(codes.to(self.banks)) / len(codes)
        return torch.einsum("cr,rokl->ockl", mixed, self.banks)


class WavelengthViT(VisionTransformer):
    """CLIP's image tower for any set of bands.

    Args:
        options: sizes.
        image_size: side of the input in pixels; a multiple of the patch size.
        embed_dim: length of the output vectors.

    Raises:
        ModelError: the image size is not a multiple of the patch size.
    """

    def __init__(self, options: ViTOptions, image_size: int, embed_dim: int) -> None:
        super().__init__(options, image_size, 1, embed_dim)
        self.conv1 = WavelengthFilters(options.width, options.patch_size)  # type: ignore[assignment]

    def forward(self, images: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Encode images of one sensor.

        Args:
            images: (B, C, image_size, image_size), normalised.
            codes: (C, CODE_LENGTH), from `band_codes`.

        Returns:
            as `VisionTransformer.forward`.

        Raises:
            InputError: the batch has another shape than the codes say.
        """
        pooled, tokens, _ = self.look(images, codes)
        return pooled, tokens

    def look(self, images: Tensor, codes: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """What a caption decoder looks at too, see `VisionTransformer.look`; takes what `forward` does."""
        _check(images, codes)
        patches = patch_product(images, cast(Tensor, self.conv1(codes)).to(images.dtype))
        return self._seen(patches.flatten(2).transpose(1, 2))


class WavelengthConvNet(ConvNet):
    """The residual convolutional tower for any set of bands.

    Its norms are group norms: batch norms keep the statistics of one kind of input, and here every batch is of another.

    Args:
        options: sizes.
        embed_dim: length of the output vectors.
    """

    def __init__(self, options: ConvNetOptions, embed_dim: int) -> None:
        super().__init__(options, 1, embed_dim)
        self.stem[0] = WavelengthFilters(options.widths[0], options.stem)
        _group_norms(self)

    def forward(self, images: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Encode images of one sensor, of any size from the total stride on.

        Args:
            images: (B, C, H, W), normalised.
            codes: (C, CODE_LENGTH), from `band_codes`.

        Returns:
            as `ConvNet.forward`.

        Raises:
            InputError: the batch has another number of bands than the codes say.
        """
        _check(images, codes)
        x = patch_product(images, cast(Tensor, self.stem[0](codes)).to(images.dtype))
        x = self.stem[1:](x.contiguous(memory_format=torch.channels_last))
        x = self.head(self.blocks(x)).flatten(2).transpose(1, 2)
        return self.proj(self.dropout(x.mean(dim=1))), self.proj(x)


def build_vit(config: TowerConfig, embed_dim: int) -> WavelengthViT:
    """Build a ``vit`` tower of ``bands: any`` from its configuration entry."""
    return WavelengthViT(parse_options(ViTOptions, config), config.image_size, embed_dim)


def build_convnet(config: TowerConfig, embed_dim: int) -> WavelengthConvNet:
    """Build a ``convnet`` tower of ``bands: any`` from its configuration entry."""
    return WavelengthConvNet(parse_options(ConvNetOptions, config), embed_dim)


def _check(images: Tensor, codes: Tensor) -> None:
    if images.ndim != 4 or images.shape[1] != len(codes):
        raise InputError(f"the batch is to have {len(codes)} bands: (B, {len(codes)}, H, W), not {tuple(images.shape)}")


def _group_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            norm = nn.GroupNorm(math.gcd(_GROUP, child.num_features), child.num_features)
            with torch.no_grad():
                norm.weight.copy_(child.weight)
            setattr(module, name, norm)
        else:
            _group_norms(child)
