"""The OpenAPI document: what the routes declare, completed by errors, authorisation and examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from swath.service import semantic_models
from swath.service.documents import HeatOverlay
from swath.service.examples import ANSWERS, BODIES, PARAMETERS

if TYPE_CHECKING:
    from fastapi import FastAPI

_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "Why a request was refused, or could not be answered",
    "properties": {
        "code": {"type": "string", "description": "Kind of problem", "examples": ["NotFound"]},
        "description": {
            "type": "string",
            "description": "What is wrong, and what to do",
            "examples": ["there is no collection 'coast-s3'"],
        },
    },
    "required": ["code", "description"],
    "additionalProperties": False,
}
_EVERYWHERE = {
    "400": "The request cannot be used; the description says why",
    "401": "A token is needed",
    "414": "The address is too long",
    "429": "Too many requests; `Retry-After` says when to try again",
    "500": "An unexpected failure",
    "503": "Not ready, took too long, or an archive cannot be read",
}
_OF_BODIES = {"413": "The body is too large", "415": "The body is of a type that is not read"}


def describing(app: FastAPI, has_token: bool) -> Callable[[], dict[str, Any]]:
    """What makes the application's OpenAPI document, once.

    Args:
        app: the application with its routes.
        has_token: whether requests need a token.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            components = made.setdefault("components", {})
            schemas = components.setdefault("schemas", {})
            # Bodies are read by the routes themselves, where JSON is not the only type.
            query = semantic_models.SemanticQuery.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= query.pop("$defs", {})
            schemas |= {"SemanticQuery": query, "Problem": _PROBLEM, "HeatOverlay": HeatOverlay.model_json_schema()}
            for path, operations in made["paths"].items():
                for method, operation in operations.items():
                    _complete(path, method, operation)
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            if has_token:
                components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                made["security"] = [{"token": []}]
            app.openapi_schema = made
        return app.openapi_schema

    return document


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Errors and examples of one operation."""
    for each in operation.get("parameters", ()):
        about = PARAMETERS.get(each["name"])
        if about is not None:
            each.setdefault("description", about.description)
            each["example"] = about.example
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        content.setdefault("examples", BODIES.get((path, kind), {}))
    answers = operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    told = dict(_EVERYWHERE)
    if "{" in path:
        told["404"] = "There is no such thing"
    if method == "post":
        told |= _OF_BODIES
    for status, description in told.items():
        answers.setdefault(status, {"description": description})
    for status, found in answers.items():
        if status >= "400":
            found.setdefault("content", {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
    for kind, content in answers["200"].get("content", {}).items():
        example = ANSWERS.get((method, path))
        if example is not None and kind.endswith("json"):
            content.setdefault("example", example)
    operation["responses"] = dict(sorted(answers.items()))
