"""Unpaired images of several sensors in one space, with text as the bridge between them (CLOSP), and their partners.

With the images V_k of sensor k in a batch, the texts T_k drawn for them, L of `swath.objectives.contrastive` with its
scale a, and targets P_k:

    L_bridge = 1/K sum_k L(V_k, T_k, P_k)

Images of one sensor are never negatives of another sensor's: nothing but the texts, which all sensors share, brings
the sensors together. Targets, row by row brought to the sum 1 (own_ij: text j was drawn for image i):

    diagonal    P_ij = own_ij, as in CLOSP's code: an equal caption drawn for another image is a negative
    equal       P_ij = 1 where own_ij, equal captions, or equal label sets that are not empty; else 0
    jaccard     P_ij = 1 where own_ij or equal captions; else the Jaccard index of the two images' label sets

Where images g of one place and time are in the batch, seen by sensors k and l, they attract each other. Over the pairs
of sensors k < l that have such partners (their number is M):

    L_paired = 1/M sum_(k,l) L(V_k, V_l, [g_i = g_j])

An image without a partner is a negative of the others and no query.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from swath.errors import InputError
from swath.objectives.contrastive import Reduction, contrastive_loss

Targets = Literal["diagonal", "equal", "jaccard"]
"""Which texts count as an image's own; see above."""

NO_GROUP = -1
"""Stands for the group of an image that has none."""


def bridge_targets(
    kind: Targets, own: Tensor, shared: Tensor | None = None, labels: Tensor | None = None, owners: Tensor | None = None
) -> Tensor:
    """The targets P above, before rows are brought to the sum 1.

    Args:
        kind: see `Targets`.
        own: (B, T) bool, True where text j was drawn for image i.
        shared: (B, T) bool, True where the caption of text j is a caption of image i, too.
        labels: (B, K) bool, the label set of each image.
        owners: (T,) the image that each text was drawn for.

    Returns:
        (B, T) float32, 0 to 1.

    Raises:
        InputError: what the kind needs is missing, or shapes do not fit.
    """
    if kind == "diagonal":
        return own.float()
    if shared is None or labels is None or owners is None:
        raise InputError(f"targets {kind!r} need shared captions, label sets and the owner of each text")
    if shared.shape != own.shape or labels.shape[:1] != own.shape[:1] or owners.shape != own.shape[1:]:
        raise InputError(
            f"targets of {tuple(own.shape)} do not fit shared captions {tuple(shared.shape)}, "
            f"label sets {tuple(labels.shape)} and owners {tuple(owners.shape)}"
        )
    similarity = label_overlap(labels.bool(), labels.bool()[owners])
    graded = similarity if kind == "jaccard" else (similarity == 1).float()
    return torch.where(own | shared, 1.0, graded)


def label_overlap(first: Tensor, second: Tensor) -> Tensor:
    """Jaccard similarity |A & B| / |A | B| of label sets; 0 where both are empty.

    Args:
        first: (B, K) bool.
        second: (T, K) bool.

    Returns:
        (B, T) float32, 0 to 1; exactly 1 where two sets are equal and not empty.
    """
    one, other = first.float(), second.float()
    both = one @ other.T
    either = one.sum(dim=1)[:, None] + other.sum(dim=1)[None] - both
    return both / either.clamp(min=1)


def bridge_loss(
    images: Tensor,
    texts: Tensor,
    image_sensor: Tensor,
    text_sensor: Tensor,
    scale: Tensor | float,
    targets: Tensor,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """The loss L_bridge above; 0 where no sensor has a text.

    Args:
        images: (B, D), L2-normalised; of all processes, as the texts (see `swath.objectives.contrastive.gather`).
        texts: (T, D), L2-normalised.
        image_sensor: (B,) number of each image's sensor.
        text_sensor: (T,) number of the sensor of the image that each text was drawn for.
        scale: the inverse temperature, learned or constant.
        targets: (B, T), from `bridge_targets`.
        reduction: of the two directions of each term.

    Returns:
        a scalar, the mean over the sensors that have a target.

    Raises:
        InputError: shapes that do not fit.
    """
    if targets.shape != (len(images), len(texts)):
        raise InputError(f"targets must be {(len(images), len(texts))}, not {tuple(targets.shape)}")
    terms = []
    for sensor in torch.unique(image_sensor).tolist():
        rows, columns = image_sensor == sensor, text_sensor == sensor
        own = targets[rows][:, columns]
        if own.any():
            terms.append(contrastive_loss(images[rows], texts[columns], scale, own, reduction=reduction))
    return _mean(terms, images, texts)


def paired_loss(
    images: Tensor, sensor: Tensor, group: Tensor, scale: Tensor | float, *, reduction: Reduction = "mean"
) -> Tensor:
    """The loss L_paired above; 0 where no image has a partner.

    Args:
        images: (B, D), L2-normalised, of all processes.
        sensor: (B,) number of each image's sensor.
        group: (B,) number of each image's group, `NO_GROUP` where it has none.
        scale: the inverse temperature.
        reduction: of the two directions of each term.

    Returns:
        a scalar, the mean over the pairs of sensors that have partners.
    """
    sensors = torch.unique(sensor).tolist()
    terms = []
    for place, first in enumerate(sensors):
        for second in sensors[place + 1 :]:
            one, other = sensor == first, sensor == second
            partners = (group[one][:, None] == group[other][None]) & (group[one] != NO_GROUP)[:, None]
            if partners.any():
                terms.append(contrastive_loss(images[one], images[other], scale, partners, reduction=reduction))
    return _mean(terms, images)


def _mean(terms: Sequence[Tensor], *inputs: Tensor) -> Tensor:
    """The mean; without any term a zero that still depends on the inputs, so that a backward pass finds them."""
    if terms:
        return torch.stack(list(terms)).mean()
    return torch.stack([0.0 * value.sum() for value in inputs]).sum()
