"""`TrainingModel`: the encoder with everything that only training needs; one forward pass gives the losses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from swath.errors import InputError
from swath.features import Features
from swath.models import DualEncoder
from swath.models.reasoner import KeywordReasoner
from swath.objectives.contrastive import contrastive_loss, contrastive_loss_of, gather, shared_captions
from swath.objectives.dual_text import Texts, dual_text_loss, text_weights
from swath.objectives.elimination import keep_masks
from swath.objectives.keywords import NOT_MASKED, keyword_loss
from swath.similarity.local import local_similarity_of
from swath.training.bridging import Bridge
from swath.training.captioning import caption_term
from swath.training.encoding import BatchEncoder, pooled_features, token_features
from swath.training.freezing import freeze, quieten, under
from swath.training.image_facts import ImageFacts
from swath.training.long_texts import LongTexts
from swath.training.objective import CaptioningRecipe, ObjectiveRecipe
from swath.training.processes import first_row, gather_features, shared_count
from swath.training.rows import Rows, Seen
from swath.training.texts import NO_TEXT
from swath.training.tokens import clip_tokenizer


class TrainingModel(nn.Module):
    """A dual encoder, the layers that are trained beside it and thrown away, and the loss.

    Args:
        encoder: the model to train.
        objective: the loss.
        classes: number of class names; 0 where there are none.
        vocabulary: (V,) the tokens that the keyword term chooses from; None chooses from all.
        cached: images or texts whose activations are in memory at a time (see `swath.training.replay`).
        frozen: parts of the encoder that are not trained (see `swath.training.freezing`).

    Raises:
        RecipeError: the keyword term is wanted of a text tower without CLIP's tokenizer.
    """

    classes_of_tokens: Tensor | None

    def __init__(
        self,
        encoder: DualEncoder,
        objective: ObjectiveRecipe,
        classes: int,
        vocabulary: Tensor | None = None,
        cached: int | None = None,
        frozen: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.frozen = tuple(frozen)
        self.objective = objective
        self._batch = BatchEncoder(encoder, cached)
        with_classes = classes > 0 and objective.class_weight > 0
        self.classify = nn.Linear(encoder.dim, classes) if with_classes else None
        self.reasoner = None
        lookup = None
        if objective.keywords is not None:
            tokens = clip_tokenizer(encoder).vocab_size
            choices = tokens if vocabulary is None else len(vocabulary)
            self.reasoner = KeywordReasoner(encoder.dim, choices, objective.keywords.reasoner)
            if vocabulary is not None:
                lookup = torch.full((tokens,), NOT_MASKED)
                lookup[vocabulary] = torch.arange(len(vocabulary))
        self.register_buffer("classes_of_tokens", lookup, persistent=False)
        if not any(under("logit_scale", part) for part in self.frozen):
            with torch.no_grad():
                encoder.logit_scale.fill_(math.log(1 / objective.temperature))
        encoder.logit_scale.requires_grad_(objective.learn_temperature)
        freeze(encoder, self.frozen)

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation; frozen parts stay in evaluation."""
        super().train(mode)
        quieten(self.encoder, self.frozen)
        return self

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
        long: LongTexts | None = None,
        facts: ImageFacts | None = None,
        looked: dict[str, Tensor] | None = None,
        thresholds: Mapping[str, float] | None = None,
        progress: float = 0.0,
    ) -> tuple[dict[str, Tensor], Seen]:
        """The losses of a batch; the arguments but for the last two are the fields of `Batch`, `masked` as two.

        `thresholds` are the similarities at or under which pairs are eliminated, by name; None eliminates nothing.
        `progress` is the share of the run that is done.

        Returns:
            scalars: ``loss`` (what to minimise), ``contrastive``, ``temperature``, and where they are used ``local``,
            ``long``, ``paired``, ``location``, ``keywords``, ``classes``, ``captioning`` (a token) and ``eliminated``
            (share of the pairs); and the pairs that were seen.
        """
        local = self.objective.local
        captioning = self.objective.captioning
        if captioning is not None and not captioning.contrastive:
            return self._write(captioning, images, looked, ids, mask, text_caption, owners), Seen(gather(pairs), {})
        self._hold_temperature()
        tokens = local is not None or self.objective.keywords is not None
        raw, vision, contexts = self._batch.images(images, tokens=tokens, looks=captioning is not None)
        context = local is not None and local.positions == "context"
        text = self._batch.texts(ids, mask, tokens=local is not None, context=context)
        described = None if long is None else self._long_texts(long)
        captions = gather(text_caption)
        rows = Rows(shared_captions(gather(image_captions), captions))
        owner = gather(owners + first_row(len(raw)))
        with torch.autocast(raw.device.type, enabled=False):  # half precision would blur the softmax and places
            bridge = self._bridge(facts, rows, owner, captions != NO_TEXT)
            losses, similarity = self._contrastive(vision, text, described, rows, owner, bridge, thresholds, progress)
        if self.classify is not None:
            found = self._class_loss(raw, classes)
            losses["loss"] = losses["loss"] + self.objective.class_weight * found
            losses["classes"] = found.detach()
        if self.objective.keywords is not None and masked_ids is not None and targets is not None:
            found = self._keyword_loss(vision.select(owners), masked_ids, mask, targets)
            losses["loss"] = losses["loss"] + self.objective.keywords.weight * found
            losses["keywords"] = found.detach()
        if captioning is not None:
            found = caption_term(self._batch, contexts, ids, mask, owners, text_caption != NO_TEXT, captioning)
            losses["loss"] = captioning.contrastive * losses["loss"] + captioning.weight * found
            losses["captioning"] = found.detach()
        return losses, Seen(gather(pairs), similarity)

    def _write(
        self,
        settings: CaptioningRecipe,
        images: dict[str, Tensor],
        looked: dict[str, Tensor] | None,
        ids: Tensor,
        mask: Tensor,
        text_caption: Tensor,
        owners: Tensor,
    ) -> dict[str, Tensor]:
        """The losses where captions alone are learned; images that have been looked at are not encoded again."""
        if looked is not None:
            contexts = list(looked.values())
        else:
            _, _, contexts = self._batch.images(images, tokens=False, looks=True)
        found = caption_term(self._batch, contexts, ids, mask, owners, text_caption != NO_TEXT, settings)
        return {"loss": settings.weight * found, "captioning": found.detach()}

    def _scale(self) -> Tensor:
        """The inverse temperature."""
        return self.encoder.logit_scale.float().clamp(max=self._ceiling).exp()

    @property
    def _ceiling(self) -> float:
        """The logarithm of the highest inverse temperature."""
        return math.log(1 / self.objective.min_temperature)

    def _hold_temperature(self) -> None:
        """Bound the weight of the temperature, once a batch and before anything needs it for its gradient.

        As in CLIP, the weight itself is held back: beyond a ceiling in the graph it would lose its gradient for good.
        """
        if self.encoder.logit_scale.requires_grad:
            with torch.no_grad():
                self.encoder.logit_scale.clamp_(max=self._ceiling)

    def _bridge(self, facts: ImageFacts | None, rows: Rows, owner: Tensor, described: Tensor) -> Bridge | None:
        """What the terms over sensors and places need, of all processes; None where there are no such terms."""
        if not self.objective.needs_facts:
            return None
        if facts is None:
            raise InputError("the terms bridge and location need the facts of the images (Batch.facts)")
        places = None
        if self.objective.location is not None:
            places = gather(self._batch.places(facts.places, facts.located))
        return Bridge(self.objective, facts.gathered(), places, owner, described, rows.positives, self._scale())

    def _contrastive(
        self,
        vision: Features,
        text: Features,
        long: Texts | None,
        rows: Rows,
        owner: Tensor,
        bridge: Bridge | None,
        thresholds: Mapping[str, float] | None,
        progress: float,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The contrastive terms over all processes, and the similarity of each text's own pair."""
        settings, scale = self.objective, self._scale()
        if settings.local is not None:
            vision, text = gather_features(vision), gather_features(text)
        else:
            vision, text = pooled_features(gather(vision.pooled)), pooled_features(gather(text.pooled))
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
        if settings.bridge is not None and bridge is not None:
            losses |= bridge.text_terms(vision.pooled, text.pooled)
        else:
            losses |= self._global_loss(vision.pooled, text.pooled, long, scale, left["global"], progress)
        if settings.location is not None and bridge is not None:
            term = bridge.place_terms(vision.pooled, text.pooled)
            losses |= {"loss": losses["loss"] + settings.location.weight * term, "location": term.detach()}
        if settings.local is not None and local is not None:
            term = self._local_loss(local, scale, left["local"])
            losses |= {"loss": losses["loss"] + settings.local.weight * term, "local": term.detach()}
        return losses, similarity

    def _global_loss(
        self, images: Tensor, texts: Tensor, long: Texts | None, scale: Tensor, rows: Rows, progress: float
    ) -> dict[str, Tensor]:
        """``loss`` and its terms: over the texts, and over the long texts where there are some."""
        settings, dual = self.objective, self.objective.dual_text
        if dual is None or long is None:
            found = contrastive_loss(
                images,
                texts,
                scale,
                rows.positives,
                keep_images=rows.keep_images,
                keep_texts=rows.keep_texts,
                reduction=settings.reduction,
            )
            return {"loss": found, "contrastive": found.detach()}
        both = dual_text_loss(
            images,
            long,
            Texts(texts, rows.positives, rows.keep_images, rows.keep_texts),
            scale,
            text_weights(dual.schedule, progress, dual.long, dual.short),
            components=dual.components,
            label_smoothing=dual.label_smoothing,
            reduction=settings.reduction,
        )
        return {"loss": both.loss, "contrastive": both.short.detach(), "long": both.long.detach()}

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

    def _long_texts(self, long: LongTexts) -> Texts:
        """The long texts of all processes."""
        found = self._batch.texts(long.ids, long.mask, tokens=False)
        positives = shared_captions(gather(long.image_caption)[:, None], gather(long.text_caption))
        return Texts(gather(found.pooled), positives)

    def _keyword_loss(self, vision: Features, ids: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of the hidden words, of one image a text; the mean over those of all processes."""
        step = self._batch.chunk or len(ids)
        reason = self._batch.cached(self._keyword_sum, self)
        parts = [slice(start, start + step) for start in range(0, len(ids), step)]
        sums = [
            reason(vision.pooled[part], vision.tokens[part], vision.mask[part], ids[part], mask[part], targets[part])
            for part in parts
        ]
        return torch.stack(sums).sum() / shared_count((targets != NOT_MASKED).sum())

    def _keyword_sum(
        self, pooled: Tensor, patches: Tensor, known: Tensor, ids: Tensor, mask: Tensor, targets: Tensor
    ) -> Tensor:
        assert self.reasoner is not None  # noqa: S101 - built wherever the recipe has the term
        hidden = targets != NOT_MASKED
        pooled_texts, words = self.encoder.text(ids, mask)
        text = token_features(pooled_texts, words, mask)
        logits = self.reasoner(text, Features(pooled, patches, known), hidden)
        wanted = targets[hidden]
        if self.classes_of_tokens is not None:
            wanted = self.classes_of_tokens[wanted]
        return keyword_loss(logits, wanted, reduction="sum")

    def _class_loss(self, raw: Tensor, classes: Tensor) -> Tensor:
        """Cross-entropy of the class names; the mean over the images of all processes that have one."""
        assert self.classify is not None  # noqa: S101 - the caller has looked
        labelled = classes.sum(dim=1) > 0
        target = classes[labelled]
        smooth = self.objective.label_smoothing
        target = target * (1 - smooth) + smooth / target.shape[1]
        logits = self.classify(raw[labelled]).float()
        return -(target * F.log_softmax(logits, dim=1)).sum() / shared_count(labelled.sum())


def _eliminated(name: str) -> str:
    return "eliminated" if name == "global" else f"eliminated_{name}"
