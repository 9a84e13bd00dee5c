"""Where was an image taken? Its vector is compared with those of places, or of images whose places are known.

- *location*: the model's location tower encodes a gallery of places (`swath.evaluation.galleries`), and the nearest one
  is the answer, as in GeoCLIP.
- *neighbours*, for models without a location tower: the nearest images of the train split vote: of their places, the
  one with the least sum of distances to all of them, weighted by similarity. This measures image retrieval; reports
  name it, so that it is not taken for the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from swath.data import Dataset, Pair
from swath.errors import EvaluationError
from swath.evaluation.encoding import Encoder, Progress, encode_pictures
from swath.evaluation.galleries import PlaceGallery, best_constant, voted
from swath.evaluation.geolocation import EARTH_RADIUS_KM, THRESHOLDS_KM, evaluate_geolocation

Method = Literal["location", "neighbours"]

_BLOCK = 256  # images compared with the whole gallery at a time


class PlaceEncoder(Encoder, Protocol):
    """A model with a location tower."""

    def encode_locations(self, lonlat: ArrayLike) -> Tensor:
        """(N, D) vectors of places, longitude before latitude."""
        ...


@dataclass(frozen=True, slots=True)
class GeolocationReport:
    """How far off a model's places are.

    Attributes:
        model: its id.
        dataset: the data set's name; `split`: the split, None for all of it.
        method: ``location`` (places encoded by the model) or ``neighbours`` (image retrieval; no place was encoded).
        gallery: what places there were to choose from, and how many.
        images: images measured.
        metrics: ``median_km`` and ``accuracy_<T>km`` in per cent; ``constant_...``, the same of the best constant
            guess; ``gallery_median_km``, the error left if always the nearest place of the gallery were chosen.
        intervals: 95 % bootstrap intervals over images.
        errors_km: the error of each image, by its name.
        failures: images that could not be read or have no place.
    """

    model: str
    dataset: str
    split: str | None
    method: Method
    gallery: dict[str, Any]
    images: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    errors_km: dict[str, float]
    failures: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "failures": list(self.failures),
        }


def evaluate_image_geolocation(
    model: Encoder | PlaceEncoder,
    dataset: Dataset,
    split: str | None = "test",
    gallery: PlaceGallery | None = None,
    *,
    method: Method | None = None,
    train_split: str = "train",
    neighbours: int = 10,
    thresholds_km: Sequence[float] = THRESHOLDS_KM,
    rounds: int = 2000,
    seed: int = 0,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> GeolocationReport:
    """Guess the place of every image of a split and measure the errors.

    Args:
        model: the encoder.
        dataset: images with places (`Pair.location`).
        split: the split that is measured; None takes everything.
        gallery: the places to choose from with a location tower; by default those of `train_split`.
        method: None takes ``location`` where the model has a location tower.
        train_split: the images (or places) that are known.
        neighbours: images that vote.
        thresholds_km: distances within which a guess is right.
        rounds: bootstrap resamples.
        seed: of the resamples.
        batch_size: images read and encoded at a time.
        progress: told after every batch.

    Raises:
        DataError: there is no such split.
        InputError: `method` is ``location`` and the model has no location tower.
        EvaluationError: no image has a place, or a number that cannot be used.
    """
    if neighbours < 1:
        raise EvaluationError(f"at least one neighbour must vote, got {neighbours}")
    chosen: Method = method or ("location" if getattr(model, "location", None) is not None else "neighbours")
    whole = dataset if split is None else dataset.split(split)
    asked, failures = _placed(whole, split)
    known = _known(dataset, train_split, split) if chosen == "neighbours" or gallery is None else []
    kept, images, unread = encode_pictures(model, asked, tokens=False, batch_size=batch_size, progress=progress)
    if not kept:
        raise EvaluationError(f"no image of {whole.name!r}, split {split!r}, can be read: {unread[0]}")
    if chosen == "location":
        choice = gallery or PlaceGallery(np.unique(_places(known), axis=0), f"places of split {train_split!r}")
        guess = _nearest_places(model, images.pooled, choice)
    else:
        guess = _voted_places(model, images.pooled, known, train_split, neighbours, batch_size)
    truth = _places(kept)
    found = evaluate_geolocation(guess.predicted, truth, thresholds_km, rounds, seed)
    metrics = found.metrics | _constant_metrics(truth, guess.places, thresholds_km)
    if chosen == "location":
        metrics["gallery_median_km"] = float(np.median(_least_errors(truth, guess.places)))
    errors = dict(zip((pair.name for pair in kept), found.errors_km.tolist(), strict=True))
    left_out = (*failures, *unread, *guess.failures)
    return GeolocationReport(
        model.model_id, whole.name, split, chosen, guess.gallery, len(kept), metrics, found.intervals, errors, left_out
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Guess:
    """The places that one method gives.

    Attributes:
        predicted: (N, 2) the place of each image.
        places: (M, 2) those there were to choose from.
        gallery: see `GeolocationReport`.
        failures: images whose places were known, and that could not be read.
    """

    predicted: NDArray[np.float64]
    places: NDArray[np.float64]
    gallery: dict[str, Any]
    failures: list[str]


def _nearest_places(model: Encoder | PlaceEncoder, images: Tensor, gallery: PlaceGallery) -> _Guess:
    """The method ``location``."""
    places = gallery.places
    predicted = places[_nearest(images, _encoded(model, gallery))]
    return _Guess(predicted, places, {"origin": gallery.origin, "places": len(places)}, [])


def _voted_places(
    model: Encoder, images: Tensor, known: Sequence[Pair], train_split: str, neighbours: int, batch_size: int
) -> _Guess:
    """The method ``neighbours``."""
    read, teachers, unread = encode_pictures(model, known, tokens=False, batch_size=batch_size)
    if not read:
        raise EvaluationError(f"no image of split {train_split!r} can be read, and none can vote: {unread[0]}")
    places = _places(read)
    told = {"origin": f"images of split {train_split!r}", "places": len(places), "neighbours": neighbours}
    return _Guess(_votes(images, teachers.pooled, places, neighbours), places, told, unread)


def _constant_metrics(
    truth: NDArray[np.float64], places: NDArray[np.float64], thresholds_km: Sequence[float]
) -> dict[str, float]:
    """The metrics of the best guess that is the same for all images; a floor."""
    guess = best_constant(truth, np.concatenate([truth, places]))
    found = evaluate_geolocation(np.repeat(guess[None], len(truth), axis=0), truth, thresholds_km, rounds=1)
    return {f"constant_{name}": value for name, value in found.metrics.items()}


def _placed(whole: Dataset, split: str | None) -> tuple[list[Pair], list[str]]:
    """The images whose places are known, and a message about each of the others."""
    asked = [pair for pair in whole.pairs if pair.location is not None]
    if not asked:
        raise EvaluationError(
            f"none of the {len(whole)} images of {whole.name!r}, split {split!r}, has a place (lon, lat)"
        )
    return asked, [f"{pair.name}: it has no place" for pair in whole.pairs if pair.location is None]


def _known(dataset: Dataset, train_split: str, split: str | None) -> list[Pair]:
    """Images of the train split with places; never those that are measured."""
    if split is None or split == train_split:
        raise EvaluationError(
            f"places are learnt from split {train_split!r}, which is measured, too; measure another split, or give a "
            "gallery of places (for models with a location tower)"
        )
    found = [pair for pair in dataset.split(train_split).pairs if pair.location is not None]
    if not found:
        raise EvaluationError(f"no image of split {train_split!r} of {dataset.name!r} has a place; give a gallery")
    return found


def _places(pairs: Sequence[Pair]) -> NDArray[np.float64]:
    return np.array([pair.location for pair in pairs if pair.location is not None], dtype=np.float64).reshape(-1, 2)


def _encoded(model: Encoder | PlaceEncoder, gallery: PlaceGallery) -> Tensor:
    encode = getattr(model, "encode_locations", None)
    if encode is None:
        raise EvaluationError(f"model {model.model_id} encodes no places; use the method neighbours")
    vectors: Tensor = encode(gallery.places)
    return vectors


def _nearest(images: Tensor, places: Tensor) -> NDArray[np.int64]:
    """(N,) the best place of each image."""
    found = [
        (images[at : at + _BLOCK].float() @ places.float().T).argmax(dim=1) for at in range(0, len(images), _BLOCK)
    ]
    return torch.cat(found).cpu().numpy()


def _votes(images: Tensor, known: Tensor, places: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
    rows = []
    for start in range(0, len(images), _BLOCK):
        scores = images[start : start + _BLOCK].float() @ known.float().T
        best = scores.topk(min(neighbours, len(known)), dim=1)
        for values, index in zip(best.values.cpu().numpy(), best.indices.cpu().numpy(), strict=True):
            rows.append(voted(places[index], np.maximum(values.astype(np.float64), 0.0)))
    return np.stack(rows)


def _least_errors(truth: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) km from each place to the nearest of a gallery."""
    a, b = _unit(truth), _unit(places)
    apart = [1.0 - (a[at : at + _BLOCK] @ b.T).max(axis=1) for at in range(0, len(a), _BLOCK)]
    chord = np.sqrt(np.clip(2.0 * np.concatenate(apart), 0.0, 4.0))
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(chord / 2.0), dtype=np.float64)


def _unit(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = np.radians(lonlat).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
