"""What of a batch the loss counts, and what the similarity banks are told."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Seen:
    """The pairs of a batch over all processes, for the similarity banks.

    Attributes:
        pairs: (T,) numbers of the pairs.
        similarity: (T,) of each pair's own image and text, by name: ``global``, and ``local`` where it is a term.
    """

    pairs: Tensor
    similarity: dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Rows:
    """What of a batch a contrastive term counts: arguments of `contrastive_loss_of`.

    Attributes:
        positives: (B, T) bool.
        keep_images: (B,) bool; None keeps all.
        keep_texts: (T,) bool; None keeps all.
    """

    positives: Tensor
    keep_images: Tensor | None = None
    keep_texts: Tensor | None = None

    def without(self, keep: Tensor, owner: Tensor) -> Rows:
        """The rows left when pairs are eliminated; an image stays a query as long as one of its pairs is kept.

        Args:
            keep: (T,) bool, whether each text's own pair is kept.
            owner: (T,) the image of each text's own pair.
        """
        positives = self.positives.clone()
        positives[owner[~keep], (~keep).nonzero()[:, 0]] = False
        images = torch.zeros(len(positives), dtype=torch.bool, device=keep.device)
        images[owner[keep]] = True
        return Rows(positives, images, keep)
