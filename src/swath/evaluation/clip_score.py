"""CLIPScore and RefCLIPScore (Hessel et al. 2021): how well captions fit their images, in the eyes of a dual encoder.

No references are needed for the first. Numbers of different encoders cannot be compared with each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from swath.errors import EvaluationError

WEIGHT = 2.5
"""The paper's factor, which brings CLIP ViT-B/32's cosines to between 0 and 1; its equation 1."""


def clip_scores(images: Tensor, captions: Tensor, weight: float = WEIGHT) -> NDArray[np.float64]:
    """CLIPScore of each caption: ``weight * max(cos(image, caption), 0)``.

    Args:
        images: (N, D) L2-normalised image vectors.
        captions: (N, D) L2-normalised vectors of the captions, row by row.
        weight: the factor.

    Returns:
        (N,) scores.

    Raises:
        EvaluationError: the shapes differ.
    """
    if images.shape != captions.shape or images.ndim != 2:
        raise EvaluationError(
            f"CLIPScore needs (N, D) images and captions; got {tuple(images.shape)}, {tuple(captions.shape)}"
        )
    cosines: NDArray[np.float64] = (images.double() * captions.double()).sum(dim=1).cpu().numpy()
    return weight * np.maximum(cosines, 0.0)


def ref_clip_scores(scores: NDArray[np.float64], captions: Tensor, references: Sequence[Tensor]) -> NDArray[np.float64]:
    """RefCLIPScore: harmonic mean of CLIPScore and the best cosine to a reference caption; the paper's equation 2.

    Args:
        scores: (N,) CLIPScores.
        captions: (N, D) L2-normalised vectors of the captions.
        references: for each caption (R, D) L2-normalised vectors of its references.

    Returns:
        (N,) scores; 0 where either part is 0.

    Raises:
        EvaluationError: a caption has no reference, or the numbers differ.
    """
    if not len(scores) == len(captions) == len(references):
        raise EvaluationError(f"{len(scores)} scores, {len(captions)} captions, {len(references)} lists of references")
    bare = next((row for row, own in enumerate(references) if not len(own)), None)
    if bare is not None:
        raise EvaluationError(f"caption number {bare} has no reference: leave RefCLIPScore out")
    best = np.array(
        [float((own.double() @ captions[row].double()).max().clamp(min=0)) for row, own in enumerate(references)]
    )
    total = scores + best
    means: NDArray[np.float64] = np.divide(2 * scores * best, total, out=np.zeros_like(total), where=total > 0)
    return means
