"""Second-moment matrices of token sets: what turns local similarity into one inner product.

For patches P (N, D) and words T (M, D): ``||P T^T||_F^2 = tr(P^T P T^T T) = <P^T P, T^T T>``. A token set is therefore
described, whatever its size, by one symmetric D x D matrix, and masked tokens are simply absent from the sum.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from swath.errors import InputError

_STRIPE = 64  # columns of the upper triangle computed at a time
_CPU_CHUNK, _GPU_CHUNK = 2 << 20, 256 << 20  # bytes of moments held while packing: fit the cache, fill the device


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
    step = chunk_rows(size * size, tokens)
    parts = []
    for start in range(0, max(len(tokens), 1), step):
        own = None if mask is None else mask[start : start + step]
        moment = second_moment(tokens[start : start + step], own)
        parts.append(moment.flatten(1).index_select(1, row * size + column) * weight)
    return torch.cat(parts)


def half_length(size: int) -> int:
    """Length of the vectors that `half_moments` fills for D = `size`."""
    return sum(min(_STRIPE, size - start) * (size - start) for start in range(0, size, _STRIPE))


@torch.no_grad()
def half_moments(tokens: Tensor, mask: Tensor | None, out: Tensor) -> None:
    """Fill `out` (B, `half_length`) with moments whose inner products are Frobenius inner products; no gradient.

    Like `packed_moment`, but the triangle is cut in stripes of whole blocks. It is up to an eighth longer for common
    sizes and twice as fast to make, since the lower blocks are never computed: made to be used at once, not stored.
    """
    size = tokens.shape[-1]
    step = chunk_rows(half_length(size), tokens)
    for begin in range(0, len(tokens), step):
        kept = masked(*trimmed(tokens[begin : begin + step], None if mask is None else mask[begin : begin + step]))
        offset = 0
        for start in range(0, size, _STRIPE):
            width = min(_STRIPE, size - start)
            stripe = kept[:, :, start : start + width].mT @ kept[:, :, start:]
            stripe[:, :, width:] *= math.sqrt(2.0)
            length = width * (size - start)
            out[begin : begin + step, offset : offset + length] = stripe.flatten(1)
            offset += length


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


def trimmed(tokens: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Without the positions after the last that counts in any row."""
    if mask is None:
        return tokens, None
    used = torch.nonzero(mask.any(dim=0))
    last = int(used[-1]) + 1 if len(used) else 0
    return tokens[:, :last], mask[:, :last]


def working_dtype(tokens: Tensor) -> torch.dtype:
    """float64 stays; everything else is computed in float32."""
    return torch.float64 if tokens.dtype == torch.float64 else torch.float32


def chunk_rows(numbers: int, tokens: Tensor) -> int:
    """How many rows of so many numbers to compute at a time on the device of `tokens`."""
    limit = _CPU_CHUNK if tokens.device.type == "cpu" else _GPU_CHUNK
    return max(1, limit // (numbers * working_dtype(tokens).itemsize))
