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
_ITEM_OF_FIELDS = {
    "type": "object",
    "title": "ItemOfFields",
    "description": "An item with those fields alone that the request's `fields` asks for",
    "properties": {"type": {"type": "string", "const": "Feature"}, "id": {"type": "string"}},
    "required": ["type", "id"],
}
_TERMS = {
    "type": "array", "minItems": 1, "maxItems": 20,
    "items": {"type": "string", "maxLength": 200, "pattern": r"\S"},
}  # fmt: skip
_EVERYWHERE = {
    "400": "The request cannot be used; the description says why",
    "401": "A token is needed",
    "414": "The address is too long",
    "429": "Too many requests; `Retry-After` says when to try again",
    "500": "An unexpected failure",
    "503": "Not ready, took too long, or an archive cannot be read",
}
_OF_ITEM = "/collections/{collection_id}/items/{item_id}"
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
            schemas["ItemOfFields"] = _ITEM_OF_FIELDS
            pages = schemas["ItemCollection"]["properties"]["features"]
            pages["items"] = {"anyOf": [pages["items"], {"$ref": "#/components/schemas/ItemOfFields"}]}
            schemas["SearchPostRequest"]["properties"]["q"]["anyOf"][0] = _TERMS
            schemas |= {"SemanticQuery": query, "Problem": _PROBLEM, "HeatOverlay": HeatOverlay.model_json_schema()}
            for path, operations in made["paths"].items():
                for method, operation in operations.items():
                    _complete(path, method, operation)
            _link(made["paths"])
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            _simplify(made)
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
            each.pop("examples", None)  # one excludes the other
        kinds = each["schema"].get("anyOf", [])
        if {"type": "null"} in kinds:  # an address holds no null: what is not given is left out
            kinds.remove({"type": "null"})
            if len(kinds) == 1:
                each["schema"] |= each["schema"].pop("anyOf")[0]
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


def _link(paths: dict[str, Any]) -> None:
    """Say that what a search finds can be asked for: the first item of its answer, as an example."""
    first = "$response.body#/features/0"
    given = {"collection_id": f"{first}/collection", "item_id": f"{first}/id"}
    links = {
        found["operationId"]: {"operationId": found["operationId"], "parameters": given}
        for path, operations in paths.items()
        if path.startswith(_OF_ITEM)
        for found in operations.values()
    }
    for path in ("/search", "/semantic-search"):
        for operation in paths[path].values():
            operation["responses"]["200"]["links"] = links


def _simplify(node: Any) -> None:  # noqa: ANN401 - any JSON value
    """Say in fewer words what many tools misread, in place.

    A tuple of equal parts is a list of so many; sets are read from lists with repetitions too.
    """
    if isinstance(node, dict):
        parts = node.get("prefixItems")
        if isinstance(parts, list) and all(part == parts[0] for part in parts):
            del node["prefixItems"]
            node["items"] = parts[0]
        if node.get("uniqueItems") is True:
            del node["uniqueItems"]
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _simplify(each)
