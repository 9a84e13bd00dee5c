"""Cached-gradient batches (GradCache, Gao et al. 2021): the whole batch's loss, the activations of one chunk.

A chunk's vectors are kept and its activations dropped; when the loss has given their gradient, the chunk is encoded
again and the gradient goes on into the weights. Loss and gradients are those of the plain batch. Random numbers of the
first encoding, such as dropout's, are drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar, TypeVarTuple, Unpack, cast

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

P = TypeVarTuple("P")
R = TypeVar("R")


def replayed(function: Callable[[Unpack[P]], R], module: nn.Module) -> Callable[[Unpack[P]], R]:
    """A function that is run again in the backward pass instead of keeping its activations.

    Args:
        function: encodes one chunk; the same arguments must give the same numbers.
        module: what it runs; running statistics of batch norms in it are updated the first time only.
    """

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _settled(module)

    def call(*args: *P) -> R:
        found = checkpoint(function, *args, use_reentrant=False, context_fn=contexts)
        return cast(R, found)

    return call


@contextmanager
def _settled(module: nn.Module) -> Iterator[None]:
    """Batch norms normalise by the chunk as before and learn nothing about its statistics."""
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.training]
    before = [norm.momentum for norm in norms]
    counts = [None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone() for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, before, counts, strict=True):
            norm.momentum = momentum
            if count is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(count)
