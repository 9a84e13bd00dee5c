"""The terms over several sensors and over places, as a recipe wants them: from a batch's vectors to losses."""

from __future__ import annotations

import torch
from torch import Tensor

from swath.objectives.bridge import bridge_loss, bridge_targets, paired_loss
from swath.training.image_facts import ImageFacts
from swath.training.objective import ObjectiveRecipe

_OUT = -1
"""Number of no sensor: a row so marked takes no part."""


class Bridge:
    """A batch of all processes, for the terms of an objective.

    Args:
        settings: the objective.
        facts: of all B images.
        places: (B, D) vectors of the images' places, L2-normalised; rows of unknown places are not looked at. None
            where there is no term over places.
        owners: (T,) the image that each text was drawn for.
        described: (T,) bool, False where a text only fills the place of an image that has none.
        shared: (B, T) bool, True where the caption of text j is a caption of image i.
        scale: the inverse temperature.
    """

    def __init__(
        self,
        settings: ObjectiveRecipe,
        facts: ImageFacts,
        places: Tensor | None,
        owners: Tensor,
        described: Tensor,
        shared: Tensor,
        scale: Tensor,
    ) -> None:
        self.settings, self.facts, self.places, self.owners, self.scale = settings, facts, places, owners, scale
        # Without the bridge, all sensors are in one term, as in the plain contrastive loss.
        self.sensor = facts.sensor if settings.bridge is not None else torch.zeros_like(facts.sensor)
        self.text_sensor = torch.where(described, self.sensor[owners], _OUT)
        own = owners[None] == torch.arange(len(facts.sensor), device=owners.device)[:, None]
        if settings.bridge is None:
            self.targets = shared.float()
        else:
            self.targets = bridge_targets(settings.bridge.targets, own & described, shared, facts.labels, owners)

    def text_terms(self, images: Tensor, texts: Tensor) -> dict[str, Tensor]:
        """``loss`` and its parts: ``contrastive`` over images and texts, ``paired`` over partners where it is wanted.

        Args:
            images: (B, D), L2-normalised.
            texts: (T, D), L2-normalised.
        """
        assert self.settings.bridge is not None  # noqa: S101 - the caller has looked
        reduction = self.settings.reduction
        found = bridge_loss(images, texts, self.sensor, self.text_sensor, self.scale, self.targets, reduction=reduction)
        losses = {"loss": found, "contrastive": found.detach()}
        weight = self.settings.bridge.paired
        if weight:
            term = paired_loss(images, self.sensor, self.facts.group, self.scale, reduction=reduction)
            losses |= {"loss": found + weight * term, "paired": term.detach()}
        return losses

    def place_terms(self, images: Tensor, texts: Tensor) -> Tensor:
        """The terms of places and images and of places and texts, added up and not yet weighted.

        A place stands for its image: it is in the same sensor's term, and texts are its own where they are the image's.

        Args:
            images: (B, D), L2-normalised.
            texts: (T, D), L2-normalised.
        """
        settings = self.settings.location
        assert settings is not None  # noqa: S101 - the caller has looked
        assert self.places is not None  # noqa: S101 - given wherever the recipe has the term
        scale = self.scale if settings.scale == "shared" else settings.scale
        located = self.facts.located
        sensor = torch.where(located, self.sensor, _OUT)
        text_sensor = torch.where(located[self.owners], self.text_sensor, _OUT)
        same = self._same_places(settings.same_place).float() * located[:, None]
        terms = [(images, sensor, same)] if settings.images else []
        if settings.texts:
            described = torch.maximum(same[:, self.owners], self.targets) * located[:, None]
            terms.append((texts, text_sensor, described))
        total = torch.zeros((), device=images.device)
        for vectors, kinds, targets in terms:
            total = total + bridge_loss(
                self.places, vectors, sensor, kinds, scale, targets, reduction=self.settings.reduction
            )
        return total

    def _same_places(self, equal: bool) -> Tensor:
        """(B, B) bool: row's place is column's own, or one equal to it."""
        places = self.facts.places
        itself = torch.eye(len(places), dtype=torch.bool, device=places.device)
        return itself | (places[:, None] == places[None]).all(dim=2) if equal else itself
