"""Retrieval on validation data, the way a user of the model would run it."""

from __future__ import annotations

import logging

import torch

from swath.data import Pair, read_dataset
from swath.data.dataset import Dataset
from swath.errors import DataError, RecipeError, SensorError, SwathError
from swath.evaluation.relation import Relation
from swath.evaluation.retrieval import evaluate
from swath.models import DualEncoder
from swath.raster import read_chip
from swath.training.caption_metrics import caption_metrics
from swath.training.recipe import Recipe

_LOG = logging.getLogger(__name__)
_BATCH = 64


def validation_split(recipe: Recipe) -> Dataset:
    """The data set that a recipe validates on.

    Raises:
        DataError: the data set or its split is missing.
    """
    settings = recipe.data.validation
    return read_dataset(recipe.data.root / settings.path, sensor=settings.sensor).split(settings.split)


class Validation:
    """The validation split of a recipe, prepared once; images of sensors that the model does not take are left out.

    Args:
        recipe: the recipe.
        model: whose preprocessing to use.
        limit: most images; None takes all.
        dataset: what `validation_split` found, where that was asked before.

    Raises:
        DataError: the data set or split is missing, or no image of it has captions and can be read.
    """

    def __init__(
        self, recipe: Recipe, model: DualEncoder, limit: int | None = None, dataset: Dataset | None = None
    ) -> None:
        settings = recipe.data.validation
        self.metric = settings.metric
        dataset = validation_split(recipe) if dataset is None else dataset
        self._images: list[tuple[str, torch.Tensor]] = []
        captions: list[tuple[str, ...]] = []
        taken = [pair for pair in dataset.pairs if _takes(model, pair)]
        for pair in taken[:limit]:
            if not pair.captions:
                continue
            try:
                pixels = read_chip(pair.chip, min_valid=0.0)
            except SwathError as error:
                _LOG.warning("left out of validation: %s", error)
                continue
            self._images.append((pixels.sensor.name, model.prepare(pixels)))
            captions.append(pair.captions)
        if not captions:
            raise DataError(
                f"{settings.path}: no image of split {settings.split!r} has captions, can be read and is of a sensor "
                f"that the model takes ({', '.join(recipe.model.sensors)})"
            )
        self._captions, self._writes = captions, recipe.objective.captioning
        self._relation = Relation.from_captions(captions)
        self._texts = [text for own in captions for text in own]

    def __call__(self, model: DualEncoder) -> dict[str, float]:
        """Metrics of a model in evaluation mode: of retrieval, and of captions where it learns to write.

        Raises:
            RecipeError: the metric to choose by is not among them.
        """
        metrics: dict[str, float] = {}
        if self._writes is None or self._writes.contrastive:
            metrics |= self._retrieval(model)
        if self._writes is not None:
            metrics |= caption_metrics(model, self._images, self._captions)
        if self.metric not in metrics:
            raise RecipeError(f"data.validation.metric: {self.metric!r} is none of {', '.join(metrics)}")
        return metrics

    def _retrieval(self, model: DualEncoder) -> dict[str, float]:
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
        return dict(evaluate(text @ torch.stack(vision).T, self._relation).metrics)


def _takes(model: DualEncoder, pair: Pair) -> bool:
    try:
        model.config.route(pair.chip.sensor)
    except SensorError:
        return False
    return True
