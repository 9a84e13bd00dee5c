"""`TrainingModel`: the encoder with everything that only training needs; one forward pass gives the losses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.errors import ModelError, RecipeError
from swath.features import Features
from swath.models import DualEncoder
from swath.models.reasoner import KeywordReasoner
from swath.models.tokenizer import Tokenizer
from swath.models.towers import TextTower
from swath.objectives.contrastive import contrastive_loss, contrastive_loss_of, gather, shared_captions
from swath.objectives.elimination import keep_masks
from swath.objectives.keywords import keyword_loss
from swath.similarity.local import local_similarity_of
from swath.training.objective import ObjectiveRecipe
from swath.training.processes import first_row, gather_features

_TEXTS = 128
"""Texts encoded at once. They come sorted by length, so each group is only as wide as its longest text."""


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


class TrainingModel(nn.Module):
    """A dual encoder, the layers that are trained beside it and thrown away, and the loss.

    Args:
        encoder: the model to train.
        objective: the loss.
        classes: number of class names; 0 where there are none.

    Raises:
        RecipeError: the keyword term is wanted of a text tower without CLIP's tokenizer.
    """

    def __init__(self, encoder: DualEncoder, objective: ObjectiveRecipe, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.objective = objective
        with_classes = classes > 0 and objective.class_weight > 0
        self.classify = nn.Linear(encoder.dim, classes) if with_classes else None
        self.reasoner = None
        if objective.keywords is not None:
            vocabulary = clip_tokenizer(encoder).vocab_size
            self.reasoner = KeywordReasoner(encoder.dim, vocabulary, objective.keywords.reasoner)
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
        owners: Tensor,
        pairs: Tensor,
        masked_ids: Tensor | None = None,
        targets: Tensor | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> tuple[dict[str, Tensor], Seen]:
        """The losses of a batch; the arguments but for the last are the fields of `Batch`, `masked` as its two parts.

        `thresholds` are the similarities at or under which pairs are eliminated, by name; None eliminates nothing.

        Returns:
            scalars: ``loss`` (what to minimise), ``contrastive``, ``temperature``, and where they are used ``local``,
            ``keywords``, ``classes`` and ``eliminated`` (share of the pairs); and the pairs that were seen.
        """
        raw, vision = self._images(images)
        text = self._texts(ids, mask, tokens=self.objective.local is not None)
        rows = Rows(shared_captions(gather(image_captions), gather(text_caption)))
        owner = gather(owners + first_row(len(raw)))
        with torch.autocast(raw.device.type, enabled=False):  # half precision would blur the softmax
            losses, similarity = self._contrastive(vision, text, rows, owner, thresholds)
        if self.classify is not None:
            found = self._class_loss(raw, classes)
            losses["loss"] = losses["loss"] + self.objective.class_weight * found
            losses["classes"] = found.detach()
        if self.objective.keywords is not None and masked_ids is not None and targets is not None:
            found = self._keyword_loss(vision.select(owners), masked_ids, mask, targets)
            losses["loss"] = losses["loss"] + self.objective.keywords.weight * found
            losses["keywords"] = found.detach()
        return losses, Seen(gather(pairs), similarity)

    def _contrastive(
        self, vision: Features, text: Features, rows: Rows, owner: Tensor, thresholds: Mapping[str, float] | None
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The contrastive terms over all processes, and the similarity of each text's own pair."""
        settings = self.objective
        ceiling = math.log(1 / settings.min_temperature)
        scale = self.encoder.logit_scale.float().clamp(max=ceiling).exp()
        if settings.local is not None:
            vision, text = gather_features(vision), gather_features(text)
        else:
            vision, text = _pooled(gather(vision.pooled)), _pooled(gather(text.pooled))
        similarity = {"global": (vision.pooled[owner] * text.pooled).sum(dim=1).detach()}
        local = None
        if settings.local is not None:
            local = local_similarity_of(vision, text, normalise=settings.local.normalise)
            similarity["local"] = local.detach()[owner, torch.arange(len(owner), device=owner.device)]
        left = dict.fromkeys(similarity, rows)
        losses = {"temperature": 1 / scale.detach()}
        if settings.elimination is not None and thresholds is not None:
            keep = keep_masks(similarity, thresholds, settings.elimination.scheme)
            left = {name: rows.without(keep[name], owner) for name in similarity}
            losses |= {_eliminated(name): 1 - keep[name].float().mean() for name in thresholds}
        kept = left["global"]
        found = contrastive_loss(
            vision.pooled,
            text.pooled,
            scale,
            kept.positives,
            keep_images=kept.keep_images,
            keep_texts=kept.keep_texts,
            reduction=settings.reduction,
        )
        losses |= {"loss": found, "contrastive": found.detach()}
        if settings.local is not None and local is not None:
            term = self._local_loss(local, scale, left["local"])
            losses |= {"loss": found + settings.local.weight * term, "local": term.detach()}
        return losses, similarity

    def _local_loss(self, local: Tensor, scale: Tensor, rows: Rows) -> Tensor:
        assert self.objective.local is not None  # noqa: S101 - the caller has looked
        chosen = self.objective.local.scale
        return contrastive_loss_of(
            local * (scale if chosen == "shared" else chosen),
            rows.positives,
            keep_images=rows.keep_images,
            keep_texts=rows.keep_texts,
            reduction=self.objective.reduction,
        )

    def _images(self, images: dict[str, Tensor]) -> tuple[Tensor, Features]:
        """Pooled vectors (B, D) as the towers give them, and features; their tokens only where a term needs them."""
        needed = self.objective.local is not None or self.objective.keywords is not None
        found = {name: self.encoder.towers[name](batch) for name, batch in images.items()}
        raw = torch.cat([pooled for pooled, _ in found.values()]).float()
        if not needed:
            return raw, _pooled(F.normalize(raw, dim=-1))
        parts = []
        for name, (pooled, tokens) in found.items():
            if not tokens.shape[1]:
                raise ModelError(f"tower {name!r} gives no patch tokens, which the terms local and keywords need")
            mask = torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
            parts.append(_features(pooled, tokens, mask))
        return raw, Features.cat(parts)

    def _texts(self, ids: Tensor, mask: Tensor, *, tokens: bool) -> Features:
        """Features of texts; with `tokens`, their positions as the local term counts them."""
        every = tokens and self.objective.local is not None and self.objective.local.positions == "context"
        if every:
            missing = self.encoder.config.text.context_length - ids.shape[1]
            ids = F.pad(ids, (0, missing), value=cast(TextTower, self.encoder.text).pad_id)
            mask = F.pad(mask, (0, missing))
        parts = []
        for start in range(0, len(ids), _TEXTS):
            group = slice(start, start + _TEXTS)
            ragged = self.encoder.text.ragged and not every
            width = int(mask[group].sum(dim=1).max()) if ragged else mask.shape[1]
            real = mask[group, :width]
            pooled, words = self.encoder.text(ids[group, :width], real)
            shown = torch.ones_like(real) if every else real
            parts.append(_features(pooled, words, shown) if tokens else _pooled(F.normalize(pooled.float(), dim=-1)))
        return Features.cat(parts)

    def _keyword_loss(self, vision: Features, ids: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of the hidden words, of one image a text."""
        assert self.reasoner is not None  # noqa: S101 - built wherever the recipe has the term
        pooled, words = self.encoder.text(ids, mask)
        logits = self.reasoner(_features(pooled, words, mask), vision)
        return keyword_loss(logits, targets)

    def _class_loss(self, raw: Tensor, classes: Tensor) -> Tensor:
        """Cross-entropy of the class names over the images that have one."""
        assert self.classify is not None  # noqa: S101 - the caller has looked
        labelled = classes.sum(dim=1) > 0
        target = classes[labelled]
        smooth = self.objective.label_smoothing
        target = target * (1 - smooth) + smooth / target.shape[1]
        logits = self.classify(raw[labelled]).float()
        return -(target * F.log_softmax(logits, dim=1)).sum() / max(1, len(target))


def clip_tokenizer(encoder: DualEncoder) -> Tokenizer:
    """The tokenizer whose words can be masked.

    Raises:
        RecipeError: the text tower has another kind.
    """
    tokenizer = getattr(encoder.text, "tokenizer", None)
    if not isinstance(tokenizer, Tokenizer):
        raise RecipeError(
            f"objective.keywords needs a text tower with CLIP's tokenizer; {encoder.config.text.type!r} has another"
        )
    return tokenizer


def _features(pooled: Tensor, tokens: Tensor, mask: Tensor) -> Features:
    tokens = F.normalize(tokens.float(), dim=-1) * mask[..., None]
    return Features(F.normalize(pooled.float(), dim=-1), tokens, mask)


def _pooled(vectors: Tensor) -> Features:
    """Features without tokens."""
    none = vectors.new_empty(len(vectors), 0, vectors.shape[1])
    return Features(vectors, none, torch.ones(len(vectors), 0, dtype=torch.bool, device=vectors.device))


def _eliminated(name: str) -> str:
    return "eliminated" if name == "global" else f"eliminated_{name}"
