"""The language-model writer: facts to fluent paragraphs, through any OpenAI-compatible server."""

from __future__ import annotations

import json
from collections.abc import Sequence

from swath.corpus.checker import Finding
from swath.corpus.facts import Facts
from swath.corpus.llm.client import ChatClient
from swath.corpus.llm.errors import WritingError
from swath.corpus.llm.prompts import Message, Prompt
from swath.corpus.sentences import mend
from swath.corpus.writers.base import Sentence


class LanguageModelWriter:
    """Asks a language model for a paragraph.

    Args:
        client: the model.
        prompt: what it is asked; must answer with ``{"sentences": [{"text", "sources"}]}``.
    """

    name = "llm"

    def __init__(self, client: ChatClient, prompt: Prompt | None = None) -> None:
        self._client = client
        self._prompt = prompt or Prompt.load("long_caption")

    @property
    def model(self) -> str:
        """The model's name."""
        return self._client.endpoint.model

    @property
    def workers(self) -> int:
        """Requests at the same time."""
        return self._client.limits.concurrency

    @property
    def settings(self) -> dict[str, object]:
        """Everything the texts depend on beside the facts; the address is where, not what, and no part of it."""
        endpoint = self._client.endpoint
        return {
            "writer": self.name,
            "model": endpoint.model,
            "temperature": endpoint.temperature,
            "seed": endpoint.seed,
            "instruction": self._prompt.instruction,
            "request": self._prompt.request,
        }

    def write(self, facts: Facts, rejected: Sequence[Finding] = ()) -> tuple[Sentence, ...]:
        """A paragraph; empty where there are no facts.

        Raises:
            WritingError: a refusal, no usable answer, or a sentence that names no fact as its source.
            LanguageModelError: the model cannot be reached.
        """
        if not len(facts):
            return ()
        sources = {f"F{number}": fact.source for number, fact in enumerate(facts, 1)}
        data = {
            "facts": [
                {
                    "id": key,
                    **{name: value for name, value in fact.to_dict().items() if name != "source" and value != ""},
                }
                for key, fact in zip(sources, facts, strict=True)
            ]
        }
        reply = self._client.ask(self._prompt, data, _complaint(rejected))
        written = []
        for entry in reply.document["sentences"]:
            text = mend(entry["text"])
            named = tuple(dict.fromkeys(sources[key] for key in entry["sources"] if key in sources))
            if not text or not named:
                raise WritingError("unusable answer", f"a sentence without text or source: {entry!r:.120}")
            written.append(Sentence(text + ".", named))
        return tuple(written)


def _complaint(rejected: Sequence[Finding]) -> tuple[Message, ...]:
    """What to say about a rejected attempt: the claims at fault, as data."""
    if not rejected:
        return ()
    claims = json.dumps([{"kind": finding.reason, "words": finding.phrase} for finding in rejected], ensure_ascii=False)
    return (
        {
            "role": "user",
            "content": "An earlier paragraph made these claims, which the facts do not support (or said a sentence "
            f"twice): {claims}\nWrite it anew without them.",
        },
    )
