"""A split, encoded: every image once, every distinct text once, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from swath.chips import Chip, Pixels
from swath.data import Dataset, Pair
from swath.errors import EvaluationError, SensorError, SwathError
from swath.evaluation.relation import Relation
from swath.features import Features
from swath.raster import read_chip
from swath.similarity.local import Route, content_mask, local_similarity
from swath.similarity.pooled import global_similarity

Captions = Literal["short", "long"]
Progress = Callable[[int, int], None]
"""Called with (done, total) images."""

_READERS = 4
_TEXTS = 2048  # encoded at a time: their word vectors are used and dropped


class Encoder(Protocol):
    """What evaluation asks of a model; `swath.models.DualEncoder` is one."""

    @property
    def model_id(self) -> str:
        """The model's name and digest."""
        ...

    def encode_pixels(self, chips: Sequence[Pixels], *, batch_size: int = 32, tokens: bool = True) -> Features:
        """Features of images."""
        ...

    def encode_texts(self, texts: Sequence[str], *, pad_to_context: bool = False, tokens: bool = True) -> Features:
        """Features of texts."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """The images of a split with their captions.

    Attributes:
        pairs: I pairs whose image could be read and that have captions.
        images: their features.
        relation: which caption row belongs to which image.
        texts: U distinct texts, as written.
        rows: (T,) the text of each caption row.
        failures: messages about images that were left out.
    """

    pairs: tuple[Pair, ...]
    images: Features
    relation: Relation
    texts: tuple[str, ...]
    rows: NDArray[np.int64]
    failures: tuple[str, ...]

    def expand(self, scores: Tensor) -> Tensor:
        """(T, I) scores of caption rows from (U, I) scores of texts: equal texts get the very same scores."""
        return scores[torch.from_numpy(self.rows).to(scores.device)]

    def row_by_row(self) -> Gallery:
        """The same captions with an image each: one with several captions is there as often, and each counts alone.

        Some published retrieval code reads tables this way, where every row is a pair of its own.
        """
        owner = self.relation.caption_image
        images = self.images.select(torch.from_numpy(owner).to(self.images.pooled.device))
        relation = Relation(np.arange(len(owner), dtype=np.int64), self.relation.text, len(owner))
        pairs = tuple(self.pairs[image] for image in owner)
        return Gallery(pairs, images, relation, self.texts, self.rows, self.failures)


def encode_split(
    model: Encoder,
    dataset: Dataset,
    split: str | None,
    *,
    captions: Captions = "short",
    tokens: bool = True,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> Gallery:
    """Read and encode a split's images. One that cannot be read is left out and reported; nothing else is lost.

    Args:
        model: the encoder.
        dataset: the data set.
        split: its split; None takes all of it.
        captions: which captions count.
        tokens: whether to keep patch tokens.
        batch_size: images read and encoded at a time.
        progress: told after every batch.

    Raises:
        DataError: there is no such split.
        SensorError: the model takes no images of this sensor.
        EvaluationError: no image can be read, or none has captions.
    """
    whole = dataset if split is None else dataset.split(split)
    failures = [f"{failure.name}: {failure.message}" for failure in whole.failures]
    asked = [pair for pair in whole.pairs if _texts_of(pair, captions)]
    kept, images, unread = encode_pictures(model, asked, tokens=tokens, batch_size=batch_size, progress=progress)
    failures += unread
    if not kept:
        reason = failures[0] if failures else f"no image has {captions} captions"
        part = f"split {split!r} of " if split else ""
        raise EvaluationError(f"nothing to evaluate in {part}{dataset.name}: {reason}")
    texts: dict[str, int] = {}
    own = [_texts_of(pair, captions) for pair in kept]
    rows = np.array([texts.setdefault(text, len(texts)) for texts_ in own for text in texts_], dtype=np.int64)
    relation = Relation.from_captions(own)
    return Gallery(tuple(kept), images, relation, tuple(texts), rows, tuple(failures))


def encode_pictures(
    model: Encoder,
    pairs: Sequence[Pair],
    *,
    tokens: bool = True,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> tuple[list[Pair], Features, list[str]]:
    """Read and encode images. One that cannot be read is left out and reported.

    Args:
        model: the encoder.
        pairs: whose images.
        tokens: whether to keep patch tokens.
        batch_size: images read and encoded at a time.
        progress: told after every batch.

    Returns:
        the pairs whose image could be read, their features, and messages about the others.

    Raises:
        SensorError: the model takes no images of this sensor.
    """
    kept: list[Pair] = []
    parts: list[Features] = []
    failures: list[str] = []
    for done, good, unread in read_pictures(pairs, batch_size):
        failures += unread
        if good:
            pixels = [found for _, found in good]
            parts.append(model.encode_pixels(pixels, batch_size=batch_size, tokens=tokens))
            kept += [pair for pair, _ in good]
        if progress is not None:
            progress(done, len(pairs))
    if not parts:
        nothing = Features(torch.zeros(0, 1), torch.zeros(0, 0, 1), torch.zeros(0, 0, dtype=torch.bool))
        return kept, nothing, failures
    return kept, Features.cat(parts), failures


def read_pictures(pairs: Sequence[Pair], batch_size: int) -> Iterator[tuple[int, list[tuple[Pair, Pixels]], list[str]]]:
    """Read images a batch at a time.

    Yields:
        how many pairs are done with this batch, its pairs whose image could be read with their pixels, and messages
        about the others.
    """
    with ThreadPoolExecutor(_READERS) as pool:
        for start in range(0, len(pairs), batch_size):
            batch = pairs[start : start + batch_size]
            read = list(pool.map(_read, [pair.chip for pair in batch]))
            good = [(pair, found) for pair, found in zip(batch, read, strict=True) if isinstance(found, Pixels)]
            unread = [f"{pair.name}: {why}" for pair, why in zip(batch, read, strict=True) if isinstance(why, str)]
            yield start + len(batch), good, unread


def text_similarities(
    model: Encoder,
    images: Features,
    texts: Sequence[str],
    *,
    local: bool,
    padding: bool = False,
    ends: bool = True,
    normalise: bool = False,
    route: Route = "auto",
) -> tuple[Tensor, Tensor | None]:
    """Encode texts and compare them with encoded images, a few thousand at a time.

    Args:
        model: the encoder.
        images: I encoded images.
        texts: U texts.
        local: whether to compute local similarity.
        padding: count every text position up to the context length, as EBAKER's code does (slow).
        ends: whether start and end tokens count.
        normalise: whether local similarity is divided by the square root of the counts.
        route: see `swath.similarity.local_similarity`.

    Returns:
        global and (or None) local similarities, both (U, I).
    """
    pooled = images.pooled.new_empty(len(texts), len(images))
    nearby = images.pooled.new_empty(len(texts), len(images)) if local else None
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))  # equal lengths together: little padding
    for start in range(0, len(order), _TEXTS):
        members = order[start : start + _TEXTS]
        found = model.encode_texts([texts[at] for at in members], pad_to_context=padding, tokens=local)
        rows = torch.tensor(members, device=pooled.device)
        pooled[rows] = global_similarity(images.pooled, found.pooled).T
        if nearby is not None:
            mask = None if padding else found.mask if ends else content_mask(found.mask)
            scores = local_similarity(
                images.tokens,
                found.tokens,
                image_mask=None if bool(images.mask.all()) else images.mask,
                text_mask=mask,
                normalise=normalise,
                route=route,
            )
            nearby[rows] = scores.T
    return pooled, nearby


def _texts_of(pair: Pair, captions: Captions) -> tuple[str, ...]:
    return pair.captions if captions == "short" else pair.long_captions


def _read(chip: Chip) -> Pixels | str:
    try:
        return read_chip(chip, min_valid=0.0)
    except SensorError:
        raise
    except SwathError as error:
        return str(error)
