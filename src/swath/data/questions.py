"""`QuestionSet`: images with questions and answers, and what a layout of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from swath.chips import Chip
from swath.data.dataset import Failure
from swath.data.images import UnreadableImageError, image_chip
from swath.errors import DataError


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one image.

    Attributes:
        id: its name in the data set.
        image: the image's name, a key of `QuestionSet.images`.
        text: the question.
        answer: the right answer, as written.
        type: the data set's own type (``presence``, ``count``, ``comp``); ``open`` where it has none.
        split: the split's name; empty where there is none.
    """

    id: str
    image: str
    text: str
    answer: str
    type: str = "open"
    split: str = ""


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Images with questions.

    Attributes:
        name: the data set's name.
        images: chips by image name; only images that can be read and are asked about.
        questions: in the order of the file.
        failures: what was left out, and why.
    """

    name: str
    images: Mapping[str, Chip]
    questions: tuple[Question, ...]
    failures: tuple[Failure, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.questions)

    @property
    def splits(self) -> dict[str, int]:
        """Number of questions in each split, in order of appearance."""
        return dict(Counter(question.split for question in self.questions if question.split))

    @property
    def types(self) -> dict[str, int]:
        """Number of questions of each type, in order of appearance."""
        return dict(Counter(question.type for question in self.questions))

    def split(self, name: str) -> QuestionSet:
        """The questions of one split.

        Raises:
            DataError: there is no such split; the message lists those there are.
        """
        chosen = tuple(question for question in self.questions if question.split == name)
        if not name or not chosen:
            known = ", ".join(f"{split} ({count})" for split, count in self.splits.items())
            raise DataError(f"questions {self.name!r} have no split {name!r}; they have: {known or 'none'}")
        return self._of(chosen)

    def of_images(self, names: Collection[str]) -> QuestionSet:
        """The questions about some images."""
        wanted = set(names)
        return self._of(tuple(question for question in self.questions if question.image in wanted))

    def folds(self, count: int, seed: int = 0) -> list[tuple[QuestionSet, QuestionSet]]:
        """Cut into parts by image, for cross-validation: no image is ever on both sides.

        Args:
            count: number of parts.
            seed: of the order in which images are dealt out.

        Returns:
            `count` times (all other parts, one part).

        Raises:
            DataError: fewer images than parts, or fewer than two parts.
        """
        names = sorted(self.images)
        if not 2 <= count <= len(names):
            raise DataError(f"{len(names)} images of {self.name!r} cannot be cut into {count} parts")
        order = np.random.default_rng(seed).permutation(len(names))
        parts = [{names[at] for at in order[start::count]} for start in range(count)]
        return [(self.of_images(set(names) - part), self.of_images(part)) for part in parts]

    def _of(self, chosen: tuple[Question, ...]) -> QuestionSet:
        asked = {question.image for question in chosen}
        images = {name: chip for name, chip in self.images.items() if name in asked}
        return replace(self, images=images, questions=chosen)


@dataclass(frozen=True, slots=True)
class QuestionLayout:
    """One way in which questions are laid out on disk.

    Attributes:
        name: its name.
        looks_like: what a user recognises it by.
        find: the file or folder at a path, or None where this layout is not there.
        read: reads what `find` gave, with the image folder (None: beside) and the images' sensor (None: recognised).
    """

    name: str
    looks_like: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path, Path | None, str | None], QuestionSet]


def gather(
    name: str, files: Mapping[str, Path], questions: Iterable[Question], sensor: str | None, strict: bool = False
) -> QuestionSet:
    """A question set of image files; questions about an image that cannot be read are left out and reported.

    Args:
        name: the data set's name.
        files: image files by image name.
        questions: all questions.
        sensor: the images' sensor.
        strict: raise instead of reporting.

    Raises:
        DataError: no question is left; or, where strict, an image is missing or unreadable.
    """
    chips: dict[str, Chip] = {}
    failures: list[Failure] = []
    asked = list(questions)
    for image in dict.fromkeys(question.image for question in asked):
        file = files.get(image)
        try:
            if file is None:
                raise FileNotFoundError(image)
            chips[image] = image_chip(file, image, sensor)
        except FileNotFoundError:
            failures.append(Failure("missing image", image, f"there is no image {file or image}"))
        except UnreadableImageError as error:
            failures.append(Failure("unreadable image", image, str(error)))
    if failures and strict:
        raise DataError(failures[0].message)
    kept = tuple(question for question in asked if question.image in chips)
    if not kept:
        reason = failures[0].message if failures else "there is none"
        raise DataError(f"{name}: no question can be asked: {reason}")
    return QuestionSet(name, chips, kept, tuple(failures))


def text_of(value: object, where: str, what: str) -> str:
    """A text from a JSON value; numbers are written out.

    Raises:
        DataError: empty or no text.
    """
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if not text:
        raise DataError(f"{where}: {what} is empty or no text ({value!r})")
    return text
