"""A local server that speaks OpenAI's chat completions and misbehaves on demand."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[[BaseHTTPRequestHandler, "ChatServer"], None]
"""Answers one request wrongly."""

_DATA = re.compile(r"<facts>\n(.*)\n</facts>", re.DOTALL)


def faithful(data: dict[str, Any]) -> dict[str, Any]:
    """The answer of an honest model: every caption as a sentence, or the class."""
    facts = data["facts"]
    told = {fact["value"].lower(): fact for fact in facts if fact["kind"] == "caption"}
    if not told:
        told = {f"the image shows {fact['value']}": fact for fact in facts if fact["kind"] in ("class", "label")}
    return {"sentences": [{"text": text, "sources": [fact["id"]]} for text, fact in told.items()]}


class ChatServer:
    """What the server has seen and what it will do.

    Attributes:
        faults: fault for the n-th request (from 0); requests beyond are answered by `answer`.
        answer: data of the prompt in, JSON document out.
        requests: every request's JSON, in order of arrival.
        keys: the Authorization header of each.
        answered: how many requests are answered at most; others wait for `released`, then get none.
        released: ends their waiting.
    """

    def __init__(self) -> None:
        self.faults: list[Fault | None] = []
        self.answer: Callable[[dict[str, Any]], Any] = faithful
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.answered: int | None = None
        self.released = threading.Event()
        self.url = ""
        self.lock = threading.Lock()

    @property
    def prompts(self) -> Counter[str]:
        """How often each prompt was asked."""
        return Counter(request["messages"][1]["content"] for request in self.requests)


def complete(handler: BaseHTTPRequestHandler, content: object, **choice: object) -> None:
    """Send a chat completion whose message has `content` (a text, or a JSON document)."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": choice.pop("refusal", None)}
    first = {"index": 0, "message": message, "finish_reason": "stop", **choice}
    usage = {"prompt_tokens": 100, "completion_tokens": 20}
    send(handler, 200, json.dumps({"choices": [first], "usage": usage}).encode())


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, length: int | None = None, **headers: str) -> None:
    """Send an answer; `length` may claim more bytes than there are."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def status(code: int, **headers: str) -> Fault:
    """Answer with an error."""
    return lambda handler, server: send(handler, code, b'{"error": "no"}', **headers)


def body(data: bytes) -> Fault:
    """Answer with these bytes."""
    return lambda handler, server: send(handler, 200, data)


def content(document: object, **choice: object) -> Fault:
    """Answer with a chat completion of this content."""
    return lambda handler, server: complete(handler, document, **choice)


def truncated(handler: BaseHTTPRequestHandler, server: ChatServer) -> None:
    """Close the connection in the middle of the answer."""
    send(handler, 200, b'{"choices": [{"message": {"con', length=4000)
    handler.close_connection = True


def stalled(code: int, seconds: float) -> Fault:
    """Promise an error's text, and say nothing for so long."""

    def wait(handler: BaseHTTPRequestHandler, server: ChatServer) -> None:
        send(handler, code, b"", length=100)
        handler.wfile.flush()
        time.sleep(seconds)
        handler.close_connection = True

    return wait


def hung_up(handler: BaseHTTPRequestHandler, server: ChatServer) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def silent(seconds: float) -> Fault:
    """Say nothing for so long, then hang up."""

    def wait(handler: BaseHTTPRequestHandler, server: ChatServer) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return wait


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server at `ChatServer.url` for as long as the context lasts."""
    state = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state.lock:
                number = len(state.requests)
                state.requests.append(request)
                state.keys.append(self.headers.get("Authorization"))
            fault = state.faults[number] if number < len(state.faults) else None
            if fault is not None:
                fault(self, state)
                return
            if state.answered is not None and number >= state.answered:
                state.released.wait()
                self.close_connection = True
                return
            found = _DATA.search(request["messages"][1]["content"])
            assert found is not None
            complete(self, state.answer(json.loads(found[1])))

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()
