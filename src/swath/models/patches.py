"""Patch embedding as one matrix product, which a convolution is where stride and kernel agree.

Besides being faster, the product is *right*: oneDNN 3.12 (torch 2.13) gives wrong numbers, without a word, for bfloat16
convolutions of stride 4 and more on CPUs with AMX when the input has certain numbers of bands (12 among them, with
kernels of 8 and 16: Sentinel-2 L2A in a vision transformer).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

_LARGE = 4

MANY_BANDS = 8
"""Input bands from which wrong numbers were met; below, a convolution is the faster one."""


def patch_product(images: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The convolution whose stride is its kernel.

    Args:
        images: (B, C, H, W); what is left over on the right and below is not looked at.
        weight: (outputs, C, k, k).
        bias: (outputs,).

    Returns:
        (B, outputs, H // k, W // k).
    """
    side = weight.shape[-1]
    rows, columns = images.shape[2] // side, images.shape[3] // side
    whole = images[:, :, : rows * side, : columns * side]
    cells = whole.reshape(*images.shape[:2], rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
    made = F.linear(cells.reshape(images.shape[0], rows * columns, -1), weight.flatten(1), bias)
    return made.transpose(1, 2).reshape(images.shape[0], -1, rows, columns)


class PatchConv2d(nn.Conv2d):
    """A convolution of patches, with the weights and keys of `nn.Conv2d`."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the parent's word
        """(B, C, H, W) to (B, outputs, H // k, W // k)."""
        return patch_product(input, self.weight, self.bias)


def use_products(module: nn.Module) -> None:
    """Turn every convolution of large patches inside a module into a matrix product, in place; weights stay."""
    for part in module.modules():
        if type(part) is nn.Conv2d and _is_patch(part):
            part.__class__ = PatchConv2d


def _is_patch(part: nn.Conv2d) -> bool:
    square = part.kernel_size == part.stride and part.kernel_size[0] == part.kernel_size[1] >= _LARGE
    return square and part.padding == (0, 0) and part.dilation == (1, 1) and part.groups == 1
