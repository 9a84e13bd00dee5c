"""Long and short texts of the same images: two contrastive terms in one loss (Long-CLIP, section 3.2; LRSCLIP).

    L = w_long L(images, long texts) + w_short L(images', short texts)

where images' are the image vectors themselves (LRSCLIP) or what is left of them when only the batch's first principal
components are kept (Long-CLIP's primary component matching): a short text tells the main things only, so it is compared
with these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from swath.errors import InputError
from swath.objectives.contrastive import Reduction, contrastive_loss

WeightSchedule = Literal["fixed", "linear", "curriculum"]
"""Of the long term's weight over a run: ``fixed``; ``linear``: from 0 up to it; ``curriculum``: 0 in the first third,
up to it by half a cosine in the second, whole in the last. The short term's weight stays."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts of one kind beside the images of a batch.

    Attributes:
        vectors: (T, D), L2-normalised.
        positives: (B, T) bool, True where text j describes image i.
        keep_images: (B,) bool, images that are queries; None keeps all.
        keep_texts: (T,) bool, texts that are queries; None keeps all.
    """

    vectors: Tensor
    positives: Tensor
    keep_images: Tensor | None = None
    keep_texts: Tensor | None = None


class DualTextLoss(NamedTuple):
    """The loss and its two terms, not yet weighted."""

    loss: Tensor
    long: Tensor
    short: Tensor


def dual_text_loss(
    images: Tensor,
    long: Texts,
    short: Texts,
    scale: Tensor | float,
    weights: tuple[float, float] = (1.0, 1.0),
    *,
    components: int | None = None,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> DualTextLoss:
    """The loss L above.

    Args:
        images: (B, D), L2-normalised; of all processes, as the texts (see `swath.objectives.contrastive.gather`).
        long: the long texts.
        short: the short texts.
        scale: the inverse temperature.
        weights: (w_long, w_short).
        components: principal components of `images` that short texts are compared with; None compares with all.
        label_smoothing: of both terms.
        reduction: of the two directions of each term.

    Raises:
        InputError: shapes that do not fit, no positive, or fewer than one component.
    """
    coarse = images if components is None else primary_components(images, components)
    terms = [
        contrastive_loss(
            vectors,
            texts.vectors,
            scale,
            texts.positives,
            keep_images=texts.keep_images,
            keep_texts=texts.keep_texts,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
        for vectors, texts in ((images, long), (coarse, short))
    ]
    return DualTextLoss(weights[0] * terms[0] + weights[1] * terms[1], *terms)


def primary_components(vectors: Tensor, keep: int) -> Tensor:
    """Vectors with only their batch's first principal components: centre, SVD, keep, put together, add the mean.

    The components are constants of the backward pass: the gradient of a singular vector grows without bound where two
    singular values meet, which a batch of few images makes them do.

    Args:
        vectors: (B, D).
        keep: number of components; with B - 1 or more the vectors stay as they are.

    Returns:
        (B, D), not normalised again, as in Long-CLIP.

    Raises:
        InputError: `keep` is below 1.
    """
    if keep < 1:
        raise InputError(f"at least one principal component must be kept, not {keep}")
    mean = vectors.mean(dim=0)
    centred = vectors - mean
    with torch.no_grad():
        basis: Tensor = torch.linalg.svd(centred, full_matrices=False).Vh[:keep]
    return centred @ basis.T @ basis + mean


def text_weights(schedule: WeightSchedule, progress: float, long: float, short: float) -> tuple[float, float]:
    """The weights (w_long, w_short) at a moment of a run.

    Args:
        schedule: how the long term's weight comes up.
        progress: share of the run that is done, 0 to 1.
        long: the long term's highest weight.
        short: the short term's weight.
    """
    if schedule == "fixed":
        return long, short
    if schedule == "linear":
        return long * progress, short
    rise = min(1.0, max(0.0, 3 * progress - 1))
    return long * 0.5 * (1 - math.cos(math.pi * rise)), short
