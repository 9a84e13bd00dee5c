"""Tokens and money: what requests have used."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

CHARACTERS_PER_TOKEN = 4
"""The usual estimate for English, where a server does not report tokens."""


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens; zero for a model of one's own."""

    prompt: float = 0.0
    completion: float = 0.0


class Usage:
    """A running count, safe to add to from several threads."""

    def __init__(self, prices: Prices | None = None) -> None:
        self._prices = prices or Prices()
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(
            ("requests", "retries", "cached", "prompt_tokens", "completion_tokens", "estimated"), 0
        )

    def add(self, **counts: int) -> None:
        """Add to the counts, by name (see `to_dict`)."""
        with self._lock:
            for name, number in counts.items():
                self._counts[name] += number

    def add_reported(self, reported: object, prompt: str, completion: str) -> None:
        """Add one answer's tokens: as the server reports them (OpenAI's ``usage``), or estimated from characters."""
        if isinstance(reported, Mapping):
            asked, answered = reported.get("prompt_tokens"), reported.get("completion_tokens")
            if isinstance(asked, int) and isinstance(answered, int) and min(asked, answered) >= 0:
                self.add(prompt_tokens=asked, completion_tokens=answered)
                return
        self.add(
            prompt_tokens=-(-len(prompt) // CHARACTERS_PER_TOKEN),
            completion_tokens=-(-len(completion) // CHARACTERS_PER_TOKEN),
            estimated=1,
        )

    @property
    def cost(self) -> float:
        """US dollars at the given prices."""
        with self._lock:
            counts = dict(self._counts)
        return (
            counts["prompt_tokens"] * self._prices.prompt + counts["completion_tokens"] * self._prices.completion
        ) / 1e6

    def to_dict(self) -> dict[str, float]:
        """The counts and the cost, as JSON values; ``estimated`` answers came without a count of tokens."""
        with self._lock:
            counts: dict[str, float] = dict(self._counts)
        return counts | {"cost_usd": round(self.cost, 6)}
