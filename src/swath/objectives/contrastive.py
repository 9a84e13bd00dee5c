"""Symmetric InfoNCE over a batch of images and texts, with any number of positives a row, on one or many processes.

With cosines s_ij between image i and text j, scale a (the inverse temperature) and positives P (0 or 1, or graded):

    L = 1/2 [ mean_i  - sum_j  P_ij / |P_i.|  log softmax_j(a s_ij)
            + mean_j  - sum_i  P_ij / |P_.j|  log softmax_i(a s_ij) ]

With P the identity this is CLIP's loss (Radford et al. 2021, figure 3; van den Oord et al. 2018, equation 4); with
several positives it is the supervised contrastive form L_out (Khosla et al. 2020, equation 2), which does not punish
an image for being close to a caption that it shares with another image. |P_i.| is the sum of a row, so grades of 0 or
more, such as the overlap of two label sets, are soft targets.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, distributed
from torch.nn import functional as F

from swath.errors import InputError

Reduction = Literal["mean", "sum"]
"""Of the two directions: their ``mean``, as CLIP has it, or their ``sum``, as EBAKER's code has it."""

NO_CAPTION = -1
"""Fills up rows of caption ids where an image has fewer captions than another."""


def contrastive_loss(
    images: Tensor,
    texts: Tensor,
    scale: Tensor | float,
    positives: Tensor | None = None,
    *,
    keep_images: Tensor | None = None,
    keep_texts: Tensor | None = None,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The loss L above, from vectors.

    Args:
        images: (B, D), L2-normalised.
        texts: (T, D), L2-normalised.
        scale: the inverse temperature, learned or constant.
        positives: (B, T) bool, True where text j describes image i, or grades of 0 or more; None pairs row with row
            and needs B = T.
        keep_images: see `contrastive_loss_of`.
        keep_texts: see `contrastive_loss_of`.
        reduction: see `contrastive_loss_of`.
        label_smoothing: see `contrastive_loss_of`.

    Returns:
        a scalar. Images and texts without any positive add nothing to the sums and are not counted in the means.

    Raises:
        InputError: shapes that do not fit, or no positive at all.
    """
    if positives is None:
        if len(images) != len(texts):
            raise InputError(f"{len(images)} images and {len(texts)} texts cannot be paired row by row: give positives")
        positives = torch.eye(len(images), dtype=torch.bool, device=images.device)
    logits = scale * images @ texts.T
    return contrastive_loss_of(
        logits,
        positives,
        keep_images=keep_images,
        keep_texts=keep_texts,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def contrastive_loss_of(
    logits: Tensor,
    positives: Tensor,
    *,
    keep_images: Tensor | None = None,
    keep_texts: Tensor | None = None,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The loss L above, from scores of any kind, such as local similarities.

    A row that is not kept is no query of its direction; as a column it stays, as a negative or positive of the other
    direction's queries (EBAKER, section 3.3: of N x N scores, (N - M) x N count).

    Args:
        logits: (B, T) scores of every image with every text, already multiplied by the inverse temperature.
        positives: (B, T) bool, True where text j describes image i, or grades of 0 or more.
        keep_images: (B,) bool, False where an image is not to be a query; None keeps all.
        keep_texts: (T,) bool, likewise.
        reduction: see `Reduction`.
        label_smoothing: share of each row's target that is spread evenly over all its columns.

    Returns:
        a scalar.

    Raises:
        InputError: shapes that do not fit, or no positive in a row that is kept.
    """
    if positives.shape != logits.shape:
        raise InputError(f"positives must be {tuple(logits.shape)}, not {tuple(positives.shape)}")
    for name, keep, rows in (("keep_images", keep_images, len(logits)), ("keep_texts", keep_texts, logits.shape[1])):
        if keep is not None and (keep.shape != (rows,) or keep.dtype != torch.bool):
            raise InputError(f"{name} must be bool ({rows},), not {keep.dtype} {tuple(keep.shape)}")
    both = _cross_entropy(logits, positives, keep_images, label_smoothing)
    both = both + _cross_entropy(logits.T, positives.T, keep_texts, label_smoothing)
    return both if reduction == "sum" else both / 2


def _cross_entropy(logits: Tensor, positives: Tensor, keep: Tensor | None, smoothing: float) -> Tensor:
    """Mean over the kept rows of the cross-entropy against the shares of the positives."""
    grades = positives.to(logits.dtype)
    if keep is not None:
        grades = grades * keep[:, None]
    totals = grades.sum(dim=1, keepdim=True)
    asked = totals > 0
    share = grades / torch.where(asked, totals, 1)
    if smoothing:
        share = (1 - smoothing) * share + smoothing / share.shape[1] * asked
    rows = int(asked.sum())
    if rows == 0:
        raise InputError(
            "no text in the batch describes any image in it" + (" that is kept" if keep is not None else "")
        )
    return -(share * F.log_softmax(logits, dim=1)).sum() / rows


def shared_captions(image_captions: Tensor, text_caption: Tensor) -> Tensor:
    """Positives by caption: text j describes image i if its caption is one of the image's.

    Args:
        image_captions: (B, C) ids of every caption of each image, filled up with `NO_CAPTION`.
        text_caption: (T,) id of each text's caption; equal texts have equal ids.

    Returns:
        (B, T) bool.
    """
    return (image_captions[:, :, None] == text_caption[None, None, :]).any(dim=1)


def gather(local: Tensor) -> Tensor:
    """Rows of all processes, in rank order, with gradient through every one; on one process the tensor itself.

    Every process then computes the loss of the whole batch. Gathering adds up their gradients and data-parallel
    training divides by their number, so parameters get exactly the gradient of the whole batch on one process.

    Args:
        local: (B, ...), of the same shape on every process.
    """
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return local
    if torch.is_grad_enabled() and local.is_floating_point() and not local.requires_grad:
        # Another process's rows may need a gradient where these do not; all must come to the backward pass.
        local = local.detach().requires_grad_()
    gathered: Tensor = _Gather.apply(local)  # type: ignore[no-untyped-call]
    return gathered


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:  # noqa: ANN401, ARG004 - torch's signature
        parts = [torch.empty_like(local) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, local.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401, ARG004 - torch's signature
        total = gradient.clone(memory_format=torch.contiguous_format)  # it may be another operation's gradient too
        distributed.all_reduce(total)
        return total.chunk(distributed.get_world_size())[distributed.get_rank()]
