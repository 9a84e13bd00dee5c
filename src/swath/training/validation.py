"""Retrieval on validation data, the way a user of the model would run it."""

from __future__ import annotations

import torch

from swath.data import read_dataset
from swath.errors import DataError, RecipeError, SwathError
from swath.evaluation.relation import Relation
from swath.evaluation.retrieval import evaluate
from swath.models import DualEncoder
from swath.raster import read_chip
from swath.training.recipe import Recipe

_BATCH = 64


class Validation:
    """The validation split of a recipe, prepared once.

    Args:
        recipe: the recipe.
        model: whose preprocessing to use.
        limit: most images; None takes all.

    Raises:
        DataError: the data set or split is missing, or no image of it has captions and can be read.
    """

    def __init__(self, recipe: Recipe, model: DualEncoder, limit: int | None = None) -> None:
        settings = recipe.data.validation
        self.metric = settings.metric
        dataset = read_dataset(recipe.data.root / settings.path, sensor=settings.sensor).split(settings.split)
        self._images: list[tuple[str, torch.Tensor]] = []
        captions: list[tuple[str, ...]] = []
        for pair in dataset.pairs[:limit]:
            try:
                pixels = read_chip(pair.chip, min_valid=0.0)
            except SwathError:
                continue
            if pair.captions:
                self._images.append((pixels.sensor.name, model.prepare(pixels)))
                captions.append(pair.captions)
        if not captions:
            raise DataError(f"{settings.path}: no image of split {settings.split!r} has captions and can be read")
        self._relation = Relation.from_captions(captions)
        self._texts = [text for own in captions for text in own]

    def __call__(self, model: DualEncoder) -> dict[str, float]:
        """Metrics of `swath.evaluation.retrieval` for a model in evaluation mode.

        Raises:
            RecipeError: the metric to choose by is not among them.
        """
        vision: list[torch.Tensor] = [torch.empty(0)] * len(self._images)
        for sensor in sorted({name for name, _ in self._images}):
            rows = [row for row, (name, _) in enumerate(self._images) if name == sensor]
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                batch = torch.stack([self._images[row][1] for row in part])
                features = model.encode_images(batch, sensor, tokens=False)
                for row, vector in zip(part, features.pooled.cpu(), strict=True):
                    vision[row] = vector
        text = model.encode_texts(self._texts, truncation="count", tokens=False).pooled.cpu()
        metrics = evaluate(text @ torch.stack(vision).T, self._relation).metrics
        if self.metric not in metrics:
            raise RecipeError(f"data.validation.metric: {self.metric!r} is none of {', '.join(metrics)}")
        return metrics
