"""MaxSim: each word looks for its best patch (ColBERT, FILIP); for comparison with the norm of `local`.

``MaxSim(P, T) = 1/M sum_m max_n cos(p_n, t_m)``. Unlike a norm it sees the sign of a cosine, but it has no form as an
inner product: every pair costs N M D multiplications.
"""

from __future__ import annotations

import torch
from torch import Tensor

from swath.errors import InputError
from swath.similarity.moments import masked, working_dtype

_BLOCK = 64 << 20  # bytes of cosines held at a time


def maxsim(
    images: Tensor, texts: Tensor, *, image_mask: Tensor | None = None, text_mask: Tensor | None = None
) -> Tensor:
    """Mean over a text's words of the best cosine with a patch.

    Args:
        images: (I, N, D) patch tokens, L2-normalised.
        texts: (T, M, D) word tokens, L2-normalised.
        image_mask: (I, N) bool, True where a token counts; None counts all.
        text_mask: (T, M) likewise.

    Returns:
        (I, T) from -1 to 1; 0 where a side has no token that counts. Differentiable.

    Raises:
        InputError: shapes or masks do not fit.
    """
    if images.ndim != 3 or texts.ndim != 3 or images.shape[-1] != texts.shape[-1]:
        raise InputError(
            f"tokens must be (I, N, D) and (T, M, D) of equal D, got {tuple(images.shape)} and {tuple(texts.shape)}"
        )
    patches = masked(images, image_mask)
    kept = torch.ones(texts.shape[:2], dtype=torch.bool, device=texts.device) if text_mask is None else text_mask
    words, owner = masked(texts, text_mask)[kept], torch.nonzero(kept)[:, 0]
    counts = kept.sum(dim=1).clamp_min(1)
    step = max(1, _BLOCK // max(1, patches.shape[1] * len(words) * working_dtype(images).itemsize))
    rows = []
    for start in range(0, len(patches), step):
        block = patches[start : start + step]
        cosines = (block.flatten(0, 1) @ words.T).view(*block.shape[:2], len(words))
        if image_mask is not None:
            cosines = cosines.masked_fill(~image_mask[start : start + step, :, None], float("-inf"))
        best = cosines.amax(dim=1)
        best = best.masked_fill(best == float("-inf"), 0.0)
        rows.append(best.new_zeros(len(block), len(texts)).index_add(1, owner, best) / counts)
    return torch.cat(rows) if rows else patches.new_zeros(0, len(texts))
