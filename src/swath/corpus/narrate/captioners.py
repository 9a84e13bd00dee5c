"""Who captions the optical partner of a radar chip: a captioning model, or the nearest captions of a bank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from swath.chips import Pixels
from swath.corpus.language import claims_of, lexicon
from swath.corpus.narrate.tables import read_text
from swath.corpus.sentences import mend
from swath.data import read_dataset
from swath.data.words import normalised
from swath.errors import DataError, InputError

if TYPE_CHECKING:
    from swath.models import DualEncoder


SUPPORT = 0.3
"""A thing counts as seen if so large a part of the nearest captions name it."""


class Captioner(Protocol):
    """Captions optical images; `swath.models.captioner.Captioner` is one."""

    @property
    def id(self) -> str:
        """What provenance calls it: which model, and how it finds its words."""
        ...

    def caption(self, pixels: Sequence[Pixels], /) -> list[str]:
        """A text of one or several sentences for each image, in order."""
        ...


class RetrievalCaptioner:
    """Gives an image the captions of a bank that lie nearest to it and agree with each other.

    Of the `neighbours` nearest captions, those are taken that share most of what they name with the others (consensus
    captioning: Devlin et al., "Exploring Nearest Neighbor Approaches for Image Captioning", 2015), and only captions of
    which every thing is named by a good part of them. A caption of another image cannot know how many things there are
    here, nor where: captions with numbers or positions are not used. Nothing is written that is not in the bank; what
    it says of the image is a guess of the encoder, and provenance says so.

    Args:
        encoder: an encoder of optical images and texts.
        bank: captions; repeated ones count once.
        count: sentences for an image.
        neighbours: nearest captions that vote.

    Raises:
        InputError: the bank is empty, or a number cannot be meant.
    """

    def __init__(self, encoder: DualEncoder, bank: Sequence[str], count: int = 3, neighbours: int = 15) -> None:
        texts = list({normalised(text): mend(text) for text in bank if mend(text) and _general(text)}.values())
        if not texts:
            raise InputError("a caption bank needs captions without numbers, positions and negations; it has none")
        if not 1 <= count <= neighbours:
            raise InputError(f"{count} sentences of {neighbours} neighbours cannot be chosen")
        self._encoder, self._texts, self._count, self._neighbours = encoder, texts, count, neighbours
        self._vectors = encoder.encode_texts(texts, truncation="count", tokens=False).pooled.cpu().numpy()
        self._things = [frozenset(claims_of(text).objects) for text in texts]

    @property
    def id(self) -> str:
        """``retrieval of 3 from 9000 captions by MODEL``."""
        return f"retrieval of {self._count} from {len(self._texts)} captions by {self._encoder.model_id}"

    def caption(self, images: Sequence[Pixels]) -> list[str]:
        """The captions chosen for each image, one sentence each."""
        if not images:
            return []
        pooled = self._encoder.encode_pixels(images, tokens=False).pooled.cpu().numpy()
        near = np.argsort(-(pooled @ self._vectors.T), axis=1, kind="stable")[:, : self._neighbours]
        return [self._text(row.tolist()) for row in near]

    def _text(self, near: Sequence[int]) -> str:
        """The captions that agree best, in the order of their nearness."""
        named = Counter(one for index in near for one in _with_general(self._things[index]))
        sure = [
            index
            for index in near
            if self._things[index] and all(named[one] >= SUPPORT * len(near) for one in self._things[index])
        ]
        votes = {index: sum(_agreement(self._things[index], self._things[other]) for other in near) for index in sure}
        chosen = sorted(sure, key=lambda index: -votes[index])[: self._count]
        kept = (self._texts[index] for index in near if index in chosen)
        return " ".join(f"{text[0].upper()}{text[1:]}." for text in kept)


def _general(caption: str) -> bool:
    """Whether a caption says nothing that only its own image can know: no numbers, no positions, no denials."""
    claims = claims_of(caption)
    exact = any(count.exact and count.least > 1 for count in claims.counts)
    return not (exact or claims.absent or claims.positions or claims.measures or claims.times)


def _with_general(things: frozenset[str]) -> frozenset[str]:
    """Things and everything that they are a kind of."""
    return frozenset(one for name in things for one in lexicon().general(name))


def _agreement(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of the things of two captions that both name (Jaccard)."""
    return len(one & other) / len(one | other) if one | other else 0.0


def read_bank(sources: Sequence[str]) -> list[str]:
    """Captions of data sets and text files, for `RetrievalCaptioner`.

    Args:
        sources: folders or annotation files of image-text pairs, or ``.txt`` files with a caption a line.

    Raises:
        DataError: one cannot be read, or has no captions.
    """
    found: list[str] = []
    for source in sources:
        path = Path(source)
        if path.suffix.lower() == ".txt":
            texts = [line for line in read_text(path).splitlines() if line.strip()]
        else:
            texts = read_dataset(source).captions()[0]
        if not texts:
            raise DataError(f"{source} has no captions")
        found += texts
    return found
