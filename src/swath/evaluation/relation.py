"""Which caption belongs to which image, and which captions say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError


def normalise_caption(text: str) -> str:
    """Lower case, without full stops and outer spaces: captions equal under this count as the same text.

    It is the rule under which the shared captions of the benchmarks were counted (RSICD test: 3,331 distinct texts).
    """
    return text.lower().replace(".", "").strip()


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """The captions of a test set: T captions of I images.

    Attributes:
        caption_image: (T,) index of the image that each caption belongs to.
        text: (T,) index of the distinct text that each caption has, under `normalise_caption`.
        images: I, the number of images; every image has at least one caption.
    """

    caption_image: NDArray[np.int64]
    text: NDArray[np.int64]
    images: int

    def __post_init__(self) -> None:
        if self.caption_image.ndim != 1 or self.caption_image.shape != self.text.shape or not len(self.text):
            raise EvaluationError(
                "a relation needs one image and one text index for each of at least one caption; "
                f"got shapes {self.caption_image.shape} and {self.text.shape}"
            )
        if self.caption_image.min() < 0 or self.caption_image.max() >= self.images:
            raise EvaluationError(
                f"caption_image holds {self.caption_image.min()} to {self.caption_image.max()}, but images are "
                f"numbered 0 to {self.images - 1}"
            )
        bare = np.flatnonzero(np.bincount(self.caption_image, minlength=self.images) == 0)
        if len(bare):
            raise EvaluationError(f"image number {bare[0]} has no caption ({len(bare)} such images): leave them out")

    @classmethod
    def from_captions(cls, captions: Sequence[Sequence[str]]) -> Relation:
        """The relation of images given by their lists of captions; caption rows are numbered image by image.

        Raises:
            EvaluationError: an image has no caption.
        """
        image = np.repeat(np.arange(len(captions)), [len(own) for own in captions]).astype(np.int64)
        return cls.from_rows([text for own in captions for text in own], image, len(captions))

    @classmethod
    def from_rows(
        cls, captions: Sequence[str], caption_image: Sequence[int] | NDArray[np.int64], images: int | None = None
    ) -> Relation:
        """The relation of T captions, each with the index of its image.

        Args:
            captions: T texts.
            caption_image: (T,) image of each.
            images: I; by default one more than the largest index.

        Raises:
            EvaluationError: the lengths differ, an index is out of range, or an image has no caption.
        """
        image = np.asarray(caption_image, dtype=np.int64)
        known: dict[str, int] = {}
        text = np.fromiter(
            (known.setdefault(normalise_caption(caption), len(known)) for caption in captions),
            dtype=np.int64,
            count=len(captions),
        )
        return cls(image, text, int(image.max(initial=-1)) + 1 if images is None else images)

    @property
    def captions(self) -> int:
        """T, the number of caption rows."""
        return len(self.caption_image)

    @property
    def texts(self) -> int:
        """The number of distinct texts."""
        return int(self.text.max()) + 1

    @property
    def shared(self) -> float:
        """Share of caption rows whose text another image carries too, 0 to 1."""
        pairs = np.unique(np.stack([self.text, self.caption_image]), axis=1)
        carriers = np.bincount(pairs[0], minlength=self.texts)
        return float((carriers[self.text] > 1).mean())
