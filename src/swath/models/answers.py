"""`Answerer`: what answers questions about images, whichever way it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from swath.chips import Pixels
from swath.errors import InputError


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one question.

    Attributes:
        text: the answer.
        confidence: 0 to 1, the model's own: the probability of the answer, or of its words (geometric mean).
        type: what was asked for: ``count``, ``area``, ``whether``, ``more``, ``fewer``, ``equal`` or ``open``.
    """

    text: str
    confidence: float
    type: str

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"answer": self.text, "confidence": self.confidence, "type": self.type}


class Answerer(Protocol):
    """A model that answers questions about images."""

    @property
    def model_id(self) -> str:
        """The model's name and digest."""
        ...

    def answer(self, images: Sequence[Pixels], questions: Sequence[str]) -> list[Answer]:
        """Answer question i about image i.

        Raises:
            InputError: an empty question, an image without a valid pixel, or not as many questions as images.
        """
        ...


def check_request(images: Sequence[Pixels], questions: Sequence[str]) -> None:
    """Refuse what no model could answer.

    Raises:
        InputError: see `Answerer.answer`; the message names the position.
    """
    if len(images) != len(questions):
        raise InputError(f"{len(questions)} questions about {len(images)} images: give one image for each question")
    if not images:
        raise InputError("there is no question to answer")
    for number, (image, question) in enumerate(zip(images, questions, strict=True)):
        if not isinstance(question, str) or not question.strip():
            raise InputError(f"question {number} is empty ({question!r}); ask something, such as 'how many ships?'")
        if not image.valid.any():
            raise InputError(f"image {number} has no valid pixel (all NaN or no data); there is nothing to ask about")
