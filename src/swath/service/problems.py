"""Errors as answers: JSON with a code and a description, 4xx for what a client can mend, and nothing of the inside."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match, Mount

from swath.errors import ArchiveError, EmptyChipError, InputError, MissingExtraError, SourceError, SwathError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import ExceptionHandler

logger = logging.getLogger("swath.service")

_PATH = re.compile(r"(?:[A-Za-z][\w+.-]*://|(?<![\w.])/)[^\s'\",;:()]*[^\s'\",;:().]")
_CODES = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
    406: "NotAcceptable", 409: "Conflict", 413: "ContentTooLarge", 414: "UriTooLong", 415: "UnsupportedMediaType",
    422: "Unprocessable", 429: "TooManyRequests", 431: "HeadersTooLarge", 503: "Unavailable",
}  # fmt: skip

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""What requests may ask for."""


class RequestError(SwathError):
    """A request that is answered with an error.

    Attributes:
        status: HTTP status.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.headers = headers or {}


def answer(status: int, description: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer to a request that failed."""
    body = {"code": _CODES.get(status, "Error"), "description": description}
    return JSONResponse(body, status_code=status, headers=headers)


def without_paths(message: str) -> str:
    """A message in which paths and addresses of this machine are replaced by what they are."""
    return _PATH.sub("<file>", message)


def add_handlers(app: FastAPI) -> None:
    """Answer every exception with JSON."""
    handlers: list[tuple[type[Exception], ExceptionHandler]] = [
        (RequestError, _problem),
        (SwathError, _swath),
        (RequestValidationError, _invalid),
        (HTTPException, _http),
        (Exception, _unexpected),
    ]
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)


def _problem(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - the signature is Starlette's
    problem = error if isinstance(error, RequestError) else RequestError(400, str(error))
    return answer(problem.status, str(problem), problem.headers)


def _swath(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, MissingExtraError):
        logger.error("a part is not installed", exc_info=error)
        return answer(422, "this service lacks an optional part that the request needs")
    if isinstance(error, InputError):
        return answer(400, without_paths(str(error)))
    if isinstance(error, EmptyChipError):
        return answer(422, without_paths(str(error)))
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    if isinstance(error, ArchiveError):
        return answer(503, "the archive cannot be read at the moment; its keeper finds why in the log")
    if isinstance(error, SourceError):
        return answer(409, "the scene's file cannot be read any more; its keeper finds why in the log")
    return answer(422, without_paths(str(error)))


def _invalid(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001 - the signature is Starlette's
    found = error.errors() if isinstance(error, RequestValidationError) else []
    return answer(400, "; ".join(map(_told, found[:5])) or "the request cannot be read")


def _told(found: Any) -> str:  # noqa: ANN401 - pydantic's error
    place = ".".join(str(part) for part in found.get("loc", ()) if part not in ("body", "query", "path"))
    said = str(found.get("msg", "cannot be read"))
    if found.get("type") == "string_pattern_mismatch" and found.get("ctx", {}).get("pattern") == r"\S":
        said = "must not be blank"
    return f"{place[:200]}: {said[:300]}".removeprefix(": ")


def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return _unexpected(request, error)
    detail = error.detail if isinstance(error.detail, str) else "the request cannot be answered"
    if error.status_code == 404 and detail == "Not Found":
        detail = "there is nothing at this address"
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(allowed := _allowed(request))
        detail = f"{request.method} cannot be used here; {' or '.join(allowed)} can"
    return answer(error.status_code, detail[:1000], headers)


def _allowed(request: Request) -> list[str]:
    """Methods of all routes at the address of a request; Starlette names those of the first one only."""
    routes = [route for route in request.app.router.routes if not isinstance(route, Mount)]
    found = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in routes)
    ]
    return found or ["GET", "HEAD"]  # files


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return answer(500, "an unexpected failure; its keeper finds why in the log")
