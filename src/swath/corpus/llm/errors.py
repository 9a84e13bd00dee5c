"""What can go wrong with a language model: with one answer, or with all of them."""

from __future__ import annotations

from typing import Literal

from swath.errors import SwathError

WritingReason = Literal["refusal", "unusable answer"]


class LanguageModelError(SwathError):
    """A language model cannot be reached or will not serve: every further request would fail, too."""


class UnavailableError(LanguageModelError):
    """One request failed again and again for reasons that may pass; the server may serve others, or later."""


class WritingError(SwathError):
    """A language model has no usable answer to one request; others may well succeed.

    Attributes:
        reason: a refusal, or answers that stayed unusable after every retry (no JSON, cut off, not to the schema).
    """

    def __init__(self, reason: WritingReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BusyError(SwathError):
    """A request failed in a way that may pass: no connection, a timeout, 429, a server error.

    Attributes:
        wait: seconds that the server asked to wait; None where it did not say.
    """

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class UnusableAnswerError(SwathError):
    """An answer came that cannot be used: no JSON, cut off, not to the schema. Asking again may help."""
