"""A client for OpenAI-compatible language models: JSON answers to a schema, retries, limits, a cache and a bill."""

from __future__ import annotations

from swath.corpus.llm.cache import ReplyCache
from swath.corpus.llm.client import ChatClient, Endpoint, Reply
from swath.corpus.llm.errors import LanguageModelError, UnavailableError, WritingError
from swath.corpus.llm.limits import Limits
from swath.corpus.llm.prompts import Prompt
from swath.corpus.llm.usage import Prices, Usage

__all__ = [
    "ChatClient",
    "Endpoint",
    "LanguageModelError",
    "Limits",
    "Prices",
    "Prompt",
    "Reply",
    "ReplyCache",
    "UnavailableError",
    "Usage",
    "WritingError",
]
