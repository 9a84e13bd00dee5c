"""`TrainingModel`: the encoder with everything that only training needs; one forward pass gives the losses."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.models import DualEncoder
from swath.objectives.contrastive import contrastive_loss, gather, shared_captions
from swath.training.objective import ObjectiveRecipe

_TEXTS = 128
"""Texts encoded at once. They come sorted by length, so each group is only as wide as its longest text."""


class TrainingModel(nn.Module):
    """A dual encoder, the layer that predicts class names in training, and the loss.

    Args:
        encoder: the model to train.
        objective: the loss.
        classes: number of class names; 0 where there are none.
    """

    def __init__(self, encoder: DualEncoder, objective: ObjectiveRecipe, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.objective = objective
        with_classes = classes > 0 and objective.class_weight > 0
        self.classify = nn.Linear(encoder.dim, classes) if with_classes else None
        with torch.no_grad():
            encoder.logit_scale.fill_(math.log(1 / objective.temperature))
        encoder.logit_scale.requires_grad_(objective.learn_temperature)

    def forward(
        self,
        images: dict[str, Tensor],
        ids: Tensor,
        mask: Tensor,
        image_captions: Tensor,
        text_caption: Tensor,
        classes: Tensor,
    ) -> dict[str, Tensor]:
        """The losses of a batch; arguments are the fields of `Batch`.

        Returns:
            scalars: ``loss`` (what to minimise), ``contrastive``, ``classes`` where it is used, and ``temperature``.
        """
        raw = torch.cat([self.encoder.towers[name](batch)[0] for name, batch in images.items()]).float()
        vision = gather(F.normalize(raw, dim=-1))
        text = gather(F.normalize(self._texts(ids, mask).float(), dim=-1))
        positives = shared_captions(gather(image_captions), gather(text_caption))
        ceiling = math.log(1 / self.objective.min_temperature)
        scale = self.encoder.logit_scale.float().clamp(max=ceiling).exp()
        with torch.autocast(vision.device.type, enabled=False):  # half precision would blur the softmax
            contrastive = contrastive_loss(vision, text, scale, positives)
        losses = {"loss": contrastive, "contrastive": contrastive.detach(), "temperature": 1 / scale.detach()}
        if self.classify is not None:
            found = self._class_loss(raw, classes)
            losses["loss"] = contrastive + self.objective.class_weight * found
            losses["classes"] = found.detach()
        return losses

    def _texts(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Pooled vectors (T, D)."""
        parts = []
        for start in range(0, len(ids), _TEXTS):
            group = slice(start, start + _TEXTS)
            width = int(mask[group].sum(dim=1).max()) if self.encoder.text.ragged else mask.shape[1]
            parts.append(self.encoder.text(ids[group, :width], mask[group, :width])[0])
        return torch.cat(parts)

    def _class_loss(self, raw: Tensor, classes: Tensor) -> Tensor:
        """Cross-entropy of the class names over the images that have one."""
        assert self.classify is not None  # noqa: S101 - the caller has looked
        labelled = classes.sum(dim=1) > 0
        target = classes[labelled]
        smooth = self.objective.label_smoothing
        target = target * (1 - smooth) + smooth / target.shape[1]
        logits = self.classify(raw[labelled]).float()
        return -(target * F.log_softmax(logits, dim=1)).sum() / max(1, len(target))
