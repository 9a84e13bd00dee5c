"""Where a model runs and in which precision."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from swath.errors import InputError

DType = Literal["auto", "float32", "bfloat16", "float16"]
"""Precision of the weights while encoding; outputs are float32 always."""

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """The device to run on: with ``auto`` the first CUDA GPU, else the CPU.

    Raises:
        InputError: not a device, or none that this machine has.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"unknown device {str(device)!r}; use auto, cpu or cuda") from error
    try:
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        reason = str(error).splitlines()[0]
        raise InputError(f"there is no device {str(device)!r} here ({reason}); use auto or cpu") from error
    return found


def choose_dtype(dtype: DType | torch.dtype, device: torch.device) -> torch.dtype:
    """The precision of the weights.

    ``auto`` takes bfloat16 only where it is measured to be faster: on a GPU that has it, and on CPUs with AMX (4 to 5
    times). Without AMX it is 4 to 10 times *slower* than float32, and GPUs that only emulate it are slow too.

    Raises:
        InputError: not one of the four names, or a type of whole numbers.
    """
    if isinstance(dtype, torch.dtype):
        if not dtype.is_floating_point:
            raise InputError(f"weights cannot be kept as {dtype}; use {', '.join(_DTYPES)}")
        return dtype
    if dtype == "auto":
        return torch.bfloat16 if (_has_bfloat16(device) if device.type == "cuda" else has_amx()) else torch.float32
    if dtype not in _DTYPES:
        raise InputError(f"unknown dtype {dtype!r}; use auto, {', '.join(_DTYPES)}")
    return _DTYPES[dtype]


def cast(model: nn.Module, dtype: torch.dtype) -> None:
    """Store a model's weights in `dtype`, in place, but for what does not survive less than float32.

    That is batch norms, and modules that say so (attribute `full_precision`, as location towers have). Torch's
    batch norm takes half-precision inputs with float32 statistics, and costs the same.
    """
    full = {part for module in model.modules() if getattr(module, "full_precision", False) for part in module.modules()}
    for module in model.modules():
        if module in full or isinstance(module, nn.modules.batchnorm._BatchNorm):
            continue
        for parameter in module.parameters(recurse=False):
            parameter.data = parameter.data.to(dtype)
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_floating_point():
                setattr(module, name, buffer.to(dtype))


def _has_bfloat16(device: torch.device) -> bool:
    with torch.cuda.device(device):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def has_amx() -> bool:
    """Whether the CPU has AMX tiles (asked through a private function of torch; False where torch lacks it)."""
    probe = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(probe and probe())
