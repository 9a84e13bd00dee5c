"""Fewer dimensions for local similarity, with the error stated.

With an orthonormal basis V (D, r) of the directions that tokens mostly lie in, ``||P V V^T T^T||_F`` replaces
``||P T^T||_F``: r^2 / 2 multiplications a pair, and packed moments of r (r + 1) / 2 numbers, short enough for a vector
index. Since ``P T^T = P V V^T T^T + P W W^T T^T`` with W the directions left out, the two norms differ by at most
``||P W||_F ||T W||_F``: `Projection.error_bound`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from swath.errors import InputError
from swath.similarity.moments import masked, second_moment


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """An orthonormal basis, learned from tokens.

    Attributes:
        basis: (D, r), orthonormal columns, the most telling first.
        lost: share of the tokens' energy (squared length) that the basis leaves out, 0 to 1, on the tokens it was
            learned from.
    """

    basis: Tensor
    lost: float

    @classmethod
    def fit(
        cls,
        *sides: tuple[Tensor, Tensor | None],
        rank: int | None = None,
        lost: float | None = None,
    ) -> Projection:
        """The best basis for some token sets: principal directions, not centred, each side weighing the same.

        Args:
            sides: (tokens (B, N, D), mask (B, N) or None): images, and texts; leaving one out serves the other badly.
            rank: r, the number of directions; or
            lost: the largest share of energy that may be left out, of which r follows.

        Raises:
            InputError: no tokens, or not exactly one of `rank` and `lost`, or out of range.
        """
        if not sides or (rank is None) == (lost is None):
            raise InputError("a projection needs tokens and exactly one of rank and lost")
        size = sides[0][0].shape[-1]
        if (rank is not None and not 1 <= rank <= size) or (lost is not None and not 0.0 <= lost < 1.0):
            raise InputError(f"rank must be 1 to {size} and lost 0 to 1, got rank={rank}, lost={lost}")
        total = torch.zeros(size, size, dtype=torch.float64, device=sides[0][0].device)
        for tokens, mask in sides:
            flat = masked(tokens, mask).flatten(0, 1)[None]
            moment = second_moment(flat)[0].double()
            energy = moment.trace()
            if not energy > 0:
                raise InputError("a projection cannot be learned: no token counts")
            total += moment / energy / len(sides)
        values, vectors = torch.linalg.eigh(total)
        left = 1.0 - values.flip(0).clamp_min(0).cumsum(0)
        if lost is not None:
            rank = int((left > lost).sum()) + 1
        chosen = min(rank or 1, size)
        basis = vectors.flip(1)[:, :chosen].to(sides[0][0].dtype).contiguous()
        return cls(basis, max(0.0, float(left[chosen - 1])) if chosen < size else 0.0)

    def apply(self, tokens: Tensor) -> Tensor:
        """(B, N, r) coordinates of (B, N, D) tokens; no longer of unit length. For `local_similarity` as they are."""
        return tokens @ self.basis.to(tokens.dtype)

    def error_bound(
        self, images: Tensor, texts: Tensor, image_mask: Tensor | None = None, text_mask: Tensor | None = None
    ) -> Tensor:
        """(I, T): how far, at most, each projected local similarity is from the exact one."""
        return self._outside(images, image_mask)[:, None] * self._outside(texts, text_mask)

    def _outside(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        kept = masked(tokens, mask)
        basis = self.basis.to(kept.dtype)
        return (kept - kept @ basis @ basis.T).square().sum(dim=(1, 2)).sqrt()
