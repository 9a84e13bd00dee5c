"""Convolutions for encoding: batch norm folded into the filters, addition and ReLU done while a result is in cache.

A batch norm that no longer learns is a factor and an offset a channel, which the filters before it can hold. On a CPU
oneDNN then adds a shortcut and cuts off below zero in the same pass over memory, from filters that lie as it reads
them, and into the shortcut's own memory where nobody needs that any more.
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
        packed: `weight` as oneDNN is given it; None where oneDNN does not take it.
    """

    weight: Tensor
    bias: Tensor
    stride: list[int]
    padding: list[int]
    patches: bool
    packed: Tensor | None

    @classmethod
    def of(cls, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> FusedConvolution:
        """Fold a batch norm, in evaluation mode, into the convolution before it; found in float32 or better."""
        dtype = convolution.weight.dtype
        wide = torch.promote_types(dtype, torch.float32)
        folded = fuse_conv_bn_eval(_widened(convolution, wide), norm)
        bias = cast(Tensor, folded.bias)
        weight = folded.weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)
        stride = list(cast(Sequence[int], convolution.stride))
        padding = list(cast(Sequence[int], convolution.padding))
        patches = isinstance(convolution, PatchConv2d)
        packed = None
        if not patches and _in_one_pass(weight):
            packed = weight
            if dtype == torch.bfloat16:
                # In float32 what oneDNN packs for batches of any size costs it ten times the time of plain filters.
                packed = torch.ops.mkldnn._reorder_convolution_weight(weight, padding, stride, [1, 1], 1)
        return cls(weight, bias.detach().to(dtype), stride, padding, patches, packed)

    def __call__(self, x: Tensor, *, relu: bool = False, onto: Tensor | None = None) -> Tensor:
        """Convolve (B, inputs, H, W), then add it to `onto`, whose memory the result takes; then cut off below zero."""
        if self.packed is None:
            out = patch_product(x, self.weight, self.bias) if self.patches else self._convolved(x)
            out = out if onto is None else onto.add_(out)
            return out.relu_() if relu else out
        after = "relu" if relu else None
        where = (self.packed, self.bias, self.padding, self.stride, [1, 1], 1)
        if onto is None:
            found = torch.ops.mkldnn._convolution_pointwise(x, *where, after or "none", [], "")
        else:
            found = torch.ops.mkldnn._convolution_pointwise_.binary(onto, x, *where, "add", 1.0, after, [], "")
        return cast(Tensor, found)

    def _convolved(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)


def state_of(module: nn.Module) -> tuple[tuple[int, int], ...] | None:
    """What changes whenever a parameter or buffer does; None where that cannot be told."""
    tensors = [*module.parameters(), *module.buffers()]
    if any(tensor.is_inference() for tensor in tensors):
        return None
    return tuple((tensor.data_ptr(), tensor._version) for tensor in tensors)


def _in_one_pass(weight: Tensor) -> bool:
    """Whether oneDNN takes filters and batches like them; bfloat16 only on a CPU that has instructions for it."""
    if weight.device.type != "cpu" or weight.dtype not in (torch.float32, torch.bfloat16):
        return False
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return weight.dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _widened(convolution: nn.Conv2d, dtype: torch.dtype) -> nn.Conv2d:
    """A copy in another precision, in evaluation mode."""
    return copy.deepcopy(convolution).to(dtype).eval()
