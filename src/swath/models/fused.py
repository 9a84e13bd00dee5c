"""Convolutions for encoding: batch norm folded into the filters, addition and ReLU done while a result is in cache.

A batch norm that no longer learns is a factor and an offset a channel, which the filters before it can hold. On a CPU
oneDNN then adds a shortcut and cuts off below zero in the same pass over memory.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from swath.models.patches import PatchConv2d, patch_product


@dataclass(frozen=True, slots=True)
class FusedConvolution:
    """A convolution with the batch norm that follows it.

    Attributes:
        weight: (outputs, inputs, h, w) in the layout channels last.
        bias: (outputs,) in the precision of `weight`.
        stride: rows and columns.
        padding: rows and columns.
        patches: whether it is of patches, which are a matrix product (see `swath.models.patches`).
    """

    weight: Tensor
    bias: Tensor
    stride: list[int]
    padding: list[int]
    patches: bool

    @classmethod
    def of(cls, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> FusedConvolution:
        """Fold a batch norm, in evaluation mode, into the convolution before it; found in float32 or better."""
        dtype = convolution.weight.dtype
        wide = torch.promote_types(dtype, torch.float32)
        folded = fuse_conv_bn_eval(_widened(convolution, wide), norm)
        bias = cast(Tensor, folded.bias)
        return cls(
            folded.weight.detach().to(dtype).contiguous(memory_format=torch.channels_last),
            bias.detach().to(dtype),
            list(cast(Sequence[int], convolution.stride)),
            list(cast(Sequence[int], convolution.padding)),
            isinstance(convolution, PatchConv2d),
        )

    def __call__(self, x: Tensor, *, relu: bool = False, add: Tensor | None = None) -> Tensor:
        """Convolve (B, inputs, H, W), then add, then cut off below zero."""
        if self.patches or not _in_one_pass(x):
            out = patch_product(x, self.weight, self.bias) if self.patches else self._convolved(x)
            out = out if add is None else out.add_(add)
            return out.relu_() if relu else out
        after = "relu" if relu else None
        where = (self.weight, self.bias, self.padding, self.stride, [1, 1], 1)
        if add is None:
            found = torch.ops.mkldnn._convolution_pointwise(x, *where, after or "none", [], "")
        else:
            found = torch.ops.mkldnn._convolution_pointwise.binary(x, add, *where, "add", 1.0, after, [], "")
        return cast(Tensor, found)

    def _convolved(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)


def state_of(module: nn.Module) -> tuple[tuple[int, int], ...] | None:
    """What changes whenever a parameter or buffer does; None where that cannot be told."""
    tensors = [*module.parameters(), *module.buffers()]
    if any(tensor.is_inference() for tensor in tensors):
        return None
    return tuple((tensor.data_ptr(), tensor._version) for tensor in tensors)


def _in_one_pass(x: Tensor) -> bool:
    """Whether oneDNN takes a batch."""
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.bfloat16):
        return False
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def _widened(convolution: nn.Conv2d, dtype: torch.dtype) -> nn.Conv2d:
    """A copy in another precision, in evaluation mode."""
    return copy.deepcopy(convolution).to(dtype).eval()
