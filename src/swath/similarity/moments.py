"""Second-moment matrices of token sets: what turns local similarity into one inner product.

For patches P (N, D) and words T (M, D): ``||P T^T||_F^2 = tr(P^T P T^T T) = <P^T P, T^T T>``. A token set is therefore
described, whatever its size, by one symmetric D x D matrix, and masked tokens are simply absent from the sum.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from swath.errors import InputError

STRIPE = 64
"""Rows of the upper triangle computed at a time by `stripe`."""

_CHUNK = 64 << 20  # bytes of whole moments that `packed_moment` makes at a time


def second_moment(tokens: Tensor, mask: Tensor | None = None) -> Tensor:
    """``X^T X`` of each token set.

    Args:
        tokens: (B, N, D).
        mask: (B, N) bool, True where a token counts; None counts all.

    Returns:
        (B, D, D), symmetric and positive semi-definite; zero where no token counts. Differentiable.

    Raises:
        InputError: the shapes do not fit.
    """
    kept = masked(tokens, mask)
    return kept.mT @ kept


def packed_moment(tokens: Tensor, mask: Tensor | None = None) -> Tensor:
    """`second_moment` as one vector a token set, so that inner products of vectors are Frobenius inner products.

    The upper triangle row by row, entries off the diagonal times the square root of 2.

    Returns:
        (B, D (D + 1) / 2).
    """
    size = tokens.shape[-1]
    row, column = torch.triu_indices(size, size, device=tokens.device)
    weight = torch.where(row == column, 1.0, math.sqrt(2.0)).to(working_dtype(tokens))
    step = max(1, _CHUNK // (size * size * working_dtype(tokens).itemsize))
    parts = []
    for start in range(0, max(len(tokens), 1), step):
        own = None if mask is None else mask[start : start + step]
        moment = second_moment(tokens[start : start + step], own)
        parts.append(moment.flatten(1).index_select(1, row * size + column) * weight)
    return torch.cat(parts)


def stripe(tokens: Tensor, start: int, out: Tensor) -> Tensor:
    """A stripe of each second moment: rows `start` to ``start + STRIPE``, from the diagonal block to the right edge.

    The stripes of a symmetric matrix hold everything: ``<A, B>`` is the sum over stripes of the inner products, where
    what lies right of the diagonal block counts twice. Made one after the other, they need an eighth of the memory of
    the moments for D = 512, and the blocks below the diagonal are never computed.

    Args:
        tokens: (B, N, D), those that do not count set to zero.
        start: first row, a multiple of `STRIPE`.
        out: scratch space of at least B x width x (D - start) numbers, contiguous, of the tokens' type; overwritten.

    Returns:
        (B, width, D - start), a view of `out`.
    """
    width, right = min(STRIPE, tokens.shape[-1] - start), tokens.shape[-1] - start
    view = out[: len(tokens) * width * right].view(len(tokens), width, right)
    return torch.bmm(tokens[:, :, start : start + width].mT, tokens[:, :, start:], out=view)


def masked(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Tokens in working precision, those that do not count set to zero.

    Raises:
        InputError: tokens are not (B, N, D) or the mask is not (B, N).
    """
    if tokens.ndim != 3:
        raise InputError(f"tokens must be (B, N, D), got shape {tuple(tokens.shape)}")
    kept = tokens.to(working_dtype(tokens))
    if mask is None:
        return kept
    if mask.shape != tokens.shape[:2] or mask.dtype != torch.bool:
        raise InputError(
            f"the mask of tokens {tuple(tokens.shape)} must be bool {tuple(tokens.shape[:2])}, "
            f"got {mask.dtype} {tuple(mask.shape)}"
        )
    return kept.masked_fill(~mask[..., None], 0.0)


def working_dtype(tokens: Tensor) -> torch.dtype:
    """float64 stays; everything else is computed in float32."""
    return torch.float64 if tokens.dtype == torch.float64 else torch.float32
