"""Processes that train together: how they meet, their token lists side by side, and their parting."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed
from torch.nn import functional as F

from swath.errors import MissingExtraError
from swath.features import Features
from swath.models.precision import choose_device
from swath.objectives.contrastive import gather

Found = TypeVar("Found")

_PATIENCE = timedelta(hours=2)
"""How long processes wait for the main one, which alone validates and saves; NCCL's own limit is ten minutes."""


def open_accelerator(extra: str, precision: str = "no", *, accumulate: int = 1, unused: bool = False) -> Any:  # noqa: ANN401 - a type of an optional package
    """An `accelerate.Accelerator` on the device that swath would take; joins the processes that torchrun started.

    Args:
        extra: what installs accelerate, for the message.
        precision: accelerate's ``mixed_precision``.
        accumulate: parts of a step whose gradients are added up.
        unused: whether a process may have no use for some of the weights in a step.

    Raises:
        MissingExtraError: accelerate is not installed.
    """
    try:
        from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
        from accelerate.state import AcceleratorState
    except ImportError as error:
        raise MissingExtraError("accelerate", extra) from error
    # The state is global: without this, a second run in one process could not have another precision.
    AcceleratorState._reset_state(reset_partial_state=False)
    handlers = [
        InitProcessGroupKwargs(timeout=_PATIENCE),
        DistributedDataParallelKwargs(find_unused_parameters=unused),
    ]
    return Accelerator(
        mixed_precision=precision,
        cpu=choose_device().type == "cpu",
        gradient_accumulation_steps=accumulate,
        step_scheduler_with_optimizer=False,
        kwargs_handlers=handlers,
    )


def by_main(extra: str, work: Callable[[], Found]) -> Found:
    """Let the main process alone do what more processes would not do faster; the others wait for what it found.

    Args:
        extra: what installs accelerate, which several processes need.
        work: what is done.

    Returns:
        what `work` returned, on every process.

    Raises:
        MissingExtraError: torchrun started several processes, and accelerate is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return work()
    accelerator = open_accelerator(extra)
    from accelerate.utils import broadcast_object_list

    found: list[Found | None] = broadcast_object_list([work() if accelerator.is_main_process else None])
    return cast(Found, found[0])


def first_row(rows: int) -> int:
    """Where this process's rows begin among those of all processes, as `gather` orders them.

    Args:
        rows: rows of each process.
    """
    return distributed.get_rank() * rows if _several() else 0


def gather_features(local: Features) -> Features:
    """Features of all processes, in rank order, with gradient; shorter token lists are padded with masked zeros.

    Args:
        local: of the same number of rows on every process; the number of tokens may differ.
    """
    length = _longest(local.tokens.shape[1], local.tokens.device)
    missing = length - local.tokens.shape[1]
    mask: Tensor = F.pad(local.mask, (0, missing))
    return Features(gather(local.pooled), gather(F.pad(local.tokens, (0, 0, 0, missing))), gather(mask))


def shared_count(count: Tensor) -> Tensor:
    """What a process divides its sum of terms by, so that averaged gradients are those of the mean over all terms.

    Args:
        count: () how many terms this process adds up.

    Returns:
        () the mean over processes, counting at least one term in all.
    """
    counts = gather(count.detach().reshape(1))
    return counts.sum().clamp(min=1) / len(counts)


def part() -> None:
    """Leave the group of processes, where there is one: the last act of a command that trained.

    A group that is still there at the interpreter's exit leaks what NCCL holds, and its threads can abort the exit.
    """
    if distributed.is_available() and distributed.is_initialized():
        gc.collect()  # wrapped models hold the group too
        distributed.destroy_process_group()


def _longest(length: int, device: torch.device) -> int:
    """The greatest length on any process."""
    if not _several():
        return length
    longest = torch.tensor(length, device=device)
    distributed.all_reduce(longest, op=distributed.ReduceOp.MAX)
    return int(longest)


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
