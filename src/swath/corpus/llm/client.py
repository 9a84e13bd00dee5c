"""`ChatClient`: one request in, one JSON document out, over any server that speaks OpenAI's chat completions.

Standard library only. A request is sent again after everything that may pass (no connection, timeouts, 408, 409, 425,
429, 5xx, an answer that is cut off, no JSON, or not to the schema); `Retry-After` is obeyed, by all threads at once.
Redirects are refused, so that a key is sent nowhere but to the address given. Answers are kept by the content of the
request.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from swath._version import __version__
from swath.corpus.llm.cache import ReplyCache
from swath.corpus.llm.errors import BusyError, LanguageModelError, UnavailableError, UnusableAnswerError, WritingError
from swath.corpus.llm.limits import Limits, Pacer, retry_after
from swath.corpus.llm.prompts import Message, Prompt
from swath.corpus.llm.usage import Usage
from swath.errors import InputError

ResponseFormat = Literal["json_schema", "json_object", "none"]

MAX_ANSWER_BYTES = 4 << 20
"""A longer answer is refused."""

_PASSING = frozenset({408, 409, 425, 429})
_CHUNK = 1 << 14

_FILTERED = ("content_filter", "content_policy", "ResponsibleAIPolicyViolation")
_TOO_LONG = ("context_length_exceeded", "maximum context length", "string_above_max_length")
"""What servers say of one request that they will not serve, though they would serve others."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Which model, where.

    Attributes:
        base_url: address up to and with ``/v1``; ``/chat/completions`` is added.
        model: the model's name at that address.
        key_variable: name of the environment variable that holds the key; no key is sent where it is not set.
        response_format: how the answer's form is asked for; older servers know only ``json_object``, or nothing.
        temperature: of sampling.
        max_tokens: longest answer.
        seed: of sampling, where the server knows one.
    """

    base_url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    response_format: ResponseFormat = "json_schema"
    temperature: float = 0.7
    max_tokens: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise InputError(
                f"{self.base_url!r} is no address of a language model; give one like https://host/v1, "
                "without user or query"
            )
        if not self.model.strip():
            raise InputError("give the name of the language model (--model)")

    @property
    def url(self) -> str:
        """Where requests are sent."""
        return self.base_url.rstrip("/") + "/chat/completions"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        document: the JSON document, valid to the schema.
        cached: whether it came from the cache.
        attempts: requests that were sent for it.
    """

    document: Any = field(hash=False)
    cached: bool
    attempts: int


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class ChatClient:
    """Asks a language model; safe to use from several threads.

    Args:
        endpoint: which model, where.
        limits: bounds of the traffic.
        cache: where answers are kept; None keeps nothing.
        usage: counts tokens and money.
        pacer: lets requests go; by default at `limits.per_minute`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        limits: Limits | None = None,
        cache: ReplyCache | None = None,
        usage: Usage | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.limits = limits or Limits()
        self.usage = usage or Usage()
        self._cache = cache
        self._pacer = pacer or Pacer(self.limits.per_minute)
        self._opener = build_opener(_NoRedirect())
        self._rng = random.Random()

    def ask(self, prompt: Prompt, data: Mapping[str, Any], extra: tuple[Message, ...] = ()) -> Reply:
        """Ask once, and again where that may help.

        Args:
            prompt: what to ask.
            data: the data that go into the prompt.
            extra: further messages after the request, for example what was wrong with an earlier answer.

        Raises:
            WritingError: the model refuses, or no answer could be used after all retries.
            UnavailableError: the server could not be reached, or had no time, after all retries.
            LanguageModelError: it denies access or does not know the model or the request.
        """
        request = self._request(prompt, data, extra)
        key = ReplyCache.key({"url": self.endpoint.url, "request": request})
        kept = self._cache.get(key) if self._cache is not None else None
        if kept is not None and _fits(kept, prompt):
            self.usage.add(cached=1)
            return Reply(kept, True, 0)
        for attempt in range(self.limits.retries + 1):
            last = attempt == self.limits.retries
            try:
                document = self._once(request, prompt)
            except BusyError as error:
                if last:
                    raise UnavailableError(f"{error}; gave up after {attempt + 1} attempts") from error
                pause = self.limits.pause(attempt, error.wait, self._rng)
                if error.wait is not None:
                    self._pacer.hold(pause)
                time.sleep(pause)
            except UnusableAnswerError as error:
                if last:
                    raise WritingError("unusable answer", f"{error} ({attempt + 1} attempts)") from error
                time.sleep(self.limits.pause(0, None, self._rng))
            else:
                if self._cache is not None:
                    self._cache.put(key, document)
                return Reply(document, False, attempt + 1)
            self.usage.add(retries=1)
        raise AssertionError("the last attempt returns or raises")

    def _request(self, prompt: Prompt, data: Mapping[str, Any], extra: tuple[Message, ...]) -> dict[str, Any]:
        endpoint = self.endpoint
        request: dict[str, Any] = {
            "model": endpoint.model,
            "messages": [*prompt.messages(data), *extra],
            "temperature": endpoint.temperature,
            "max_tokens": endpoint.max_tokens,
            "seed": endpoint.seed,
        }
        if endpoint.response_format == "json_schema":
            schema = {"name": prompt.name, "strict": True, "schema": prompt.schema}
            request["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif endpoint.response_format == "json_object":
            request["response_format"] = {"type": "json_object"}
        return request

    def _once(self, request: Mapping[str, Any], prompt: Prompt) -> Any:  # noqa: ANN401 - any JSON document
        self._pacer.wait()
        self.usage.add(requests=1)
        body = self._send(json.dumps(request).encode())
        choice, reported = _choice(body)
        # Also an answer that cannot be used was paid for.
        self.usage.add_reported(reported, json.dumps(request["messages"]), str(choice["message"].get("content") or ""))
        content = _content(choice)
        try:
            document = json.loads(_unfenced(content))
            json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no text that a file can hold
        except (ValueError, RecursionError) as error:
            raise UnusableAnswerError(f"the answer is not JSON: {content!r:.80}") from error
        if not _fits(document, prompt):
            raise UnusableAnswerError(f"the answer is not of the form asked for: {content!r:.80}")
        return document

    def _send(self, body: bytes) -> bytes:
        """Send one request; the answer's bytes."""
        headers = {"Content-Type": "application/json", "User-Agent": f"swath/{__version__}"}
        key = os.environ.get(self.endpoint.key_variable, "").strip()
        if key:
            headers["Authorization"] = f"Bearer {key}"
        url, deadline = self.endpoint.url, time.monotonic() + self.limits.timeout
        try:
            with self._opener.open(Request(url, body, headers), timeout=self.limits.timeout) as answer:  # noqa: S310
                return _read(answer, deadline)
        except HTTPError as error:
            with error:
                raise _status_error(error, url, self.endpoint) from None
        except (TimeoutError, URLError, http.client.HTTPException, OSError) as error:
            raise BusyError(f"{url}: {getattr(error, 'reason', error) or type(error).__name__}") from error


def _read(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """Read an answer that may arrive drop by drop, but not for ever."""
    parts, size = [], 0
    while part := answer.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise UnusableAnswerError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("the answer took too long")
    if answer.length:
        raise UnusableAnswerError(f"the answer was cut off, {answer.length} bytes are missing")
    return b"".join(parts)


def _status_error(error: HTTPError, url: str, endpoint: Endpoint) -> Exception:
    try:
        said = " ".join(error.read(4000).decode("utf-8", errors="replace").split())
    except (http.client.HTTPException, OSError) as broken:
        said = f"(nothing more: {broken or type(broken).__name__})"
    message = f"{url} answered {error.code}: {said:.300}"
    if error.code in (400, 413, 422):
        # What concerns one request alone must not end the run.
        if any(word in said for word in _FILTERED):
            return WritingError("refusal", message)
        if error.code == 413 or any(word in said for word in _TOO_LONG):
            return WritingError("unusable answer", message)
    if error.code in _PASSING or error.code >= 500:
        return BusyError(message, retry_after(error.headers.get("Retry-After")))
    if error.code in (401, 403):
        return LanguageModelError(f"{message}; put a valid key into the environment variable {endpoint.key_variable}")
    if error.code in (400, 422) and endpoint.response_format == "json_schema":
        message += "; a server without JSON schemas needs --response-format json_object or none"
    if 300 <= error.code < 400:
        message += "; redirects are not followed: give the final address"
    return LanguageModelError(message)


def _choice(body: bytes) -> tuple[Mapping[str, Any], object]:
    """The first choice of an answer, which has a message, and what the server says of tokens.

    Raises:
        UnusableAnswerError: not a chat completion.
    """
    try:
        answer = json.loads(body)
        choice = answer["choices"][0]
        choice["message"].get("content")
        return choice, answer.get("usage")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableAnswerError(f"the answer is no chat completion: {body[:80]!r}") from error


def _content(choice: Mapping[str, Any]) -> str:
    """The text of an answer.

    Raises:
        UnusableAnswerError: cut off, or without text.
        WritingError: the model refuses.
    """
    content, refusal = choice["message"].get("content"), choice["message"].get("refusal")
    reason = choice.get("finish_reason")
    if refusal or reason == "content_filter":
        raise WritingError("refusal", f"the model refuses: {refusal or reason!s:.200}")
    if reason == "length":
        raise UnusableAnswerError("the answer was cut off at the longest length allowed")
    if not isinstance(content, str):
        raise UnusableAnswerError("the answer has no text")
    return content


def _unfenced(content: str) -> str:
    """A JSON text without the code fence that some models put around it."""
    text = content.strip()
    if text.startswith("```"):
        text = text.removeprefix("```json").removeprefix("```").removesuffix("```")
    return text


def _fits(document: object, prompt: Prompt) -> bool:
    from jsonschema import Draft202012Validator

    return bool(Draft202012Validator(prompt.schema).is_valid(document))
