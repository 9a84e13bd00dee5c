"""The OpenAPI document says everything: routes, parameters, bodies, answers and errors, with examples that hold."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from service.world import settings
from swath.archive import Archive
from swath.service import Catalog, create_app

_HIDDEN = {"/api", "/api.html", "/static"}


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return client.get("/api").json()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By method and path."""
    return {f"{method} {path}": each for path, all_ in document["paths"].items() for method, each in all_.items()}


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """That a value satisfies a schema of the document."""
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def test_every_route_is_told(client: TestClient, document: dict[str, Any]) -> None:
    app: Any = client.app
    served = {route.path for route in app.routes if getattr(route, "path", None)}
    assert served - _HIDDEN <= set(document["paths"]) | {"/api"}
    for name, operation in operations(document).items():
        assert operation.get("summary"), name
        assert f"<code>{name.split(' ')[0].upper()} {name.split(' ')[1]}</code>" in client.get("/api.html").text


def test_every_parameter_has_a_description_and_an_example_that_fits(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        for each in operation.get("parameters", ()):
            assert each.get("description"), (name, each["name"])
            assert "example" in each, (name, each["name"])
            check(document, each["schema"], each["example"])


def test_every_body_has_examples_that_are_answered(client: TestClient, document: dict[str, Any]) -> None:
    bodies = {
        name: operation["requestBody"]["content"]
        for name, operation in operations(document).items()
        if "requestBody" in operation
    }
    assert set(bodies) == {
        "post /search", "post /semantic-search", "post /collections/{collection_id}/items/{item_id}/ask",
    }  # fmt: skip
    for name, kinds in bodies.items():
        for kind, content in kinds.items():
            assert content["examples"], (name, kind)
            for example in content["examples"].values():
                assert example["summary"]
                check(document, content["schema"], example["value"])
    for example in bodies["post /search"]["application/json"]["examples"].values():
        assert client.post("/search", json=example["value"]).status_code == 200


def test_every_answer_has_an_example_that_fits(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        for kind, content in operation["responses"]["200"]["content"].items():
            if kind.endswith("json"):
                assert "example" in content, (name, kind)
                check(document, content.get("schema", {}), content["example"])


def test_every_refusal_is_a_problem(client: TestClient, document: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for name, operation in operations(document).items():
        wanted = {"400", "401", "429", "503"} | ({"404"} if "{" in name else set())
        assert wanted <= set(operation["responses"]), name
        for status, answer in operation["responses"].items():
            if status >= "400" and (name, status) != ("get /readyz", "503"):
                assert answer["content"]["application/json"]["schema"] == problem, (name, status)
    assert "HTTPValidationError" not in str(document)
    for path in ("/search?limit=x", "/collections/none", "/nowhere"):
        check(document, problem, client.get(path).json())


def test_a_token_is_told_of(world: Archive, document: dict[str, Any]) -> None:
    assert "security" not in document
    own = create_app(settings(token="t" * 20), Catalog({"world": world})).openapi()
    assert own["security"] == [{"token": []}]
    assert own["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_what_is_answered_is_what_was_said(client: TestClient, document: dict[str, Any], item: str) -> None:
    of_item = "/collections/{collection_id}/items/{item_id}"
    for path, address in {
        "/page-settings": "/page-settings", "/healthz": "/healthz", "/readyz": "/readyz", "/": "/",
        "/models/{archive}": "/models/world", f"{of_item}/embedding": f"{item}/embedding", of_item: item,
        f"{of_item}/tilejson.json": f"{item}/tilejson.json", "/collections": "/collections", "/search": "/search",
        "/semantic-search": "/semantic-search?text=harbour",
    }.items():  # fmt: skip
        answer = client.get(address, headers={"Accept": "application/json"})
        contents = document["paths"][path]["get"]["responses"]["200"]["content"]
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in contents, (path, kind)
        check(document, contents[kind].get("schema", {}), answer.json())
