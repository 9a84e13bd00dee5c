"""The OpenAPI document against the service: no generated request is answered by a failure of the server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from starlette.testclient import TestClient

from service.world import running
from swath.archive import Archive

PHASES = (Phase.explicit, Phase.generate)


def _contract(client: TestClient, examples: int) -> None:
    document = client.get("/api").json()
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=examples, phases=PHASES, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @_given(operation)
        def no_failure(case: schemathesis.Case) -> None:
            answer = client.request(
                case.method,
                case.formatted_path,
                params=case.query or None,
                headers={name: value for name, value in dict(case.headers or {}).items() if value.isascii()},
                **_body(case),
            )
            assert answer.status_code < 500, (case.method, case.formatted_path, case.query, case.body, answer.text)

        no_failure()


def _given(operation: schemathesis.APIOperation):  # type: ignore[no-untyped-def]
    from hypothesis import given

    return given(case=operation.as_strategy())


def _body(case: schemathesis.Case) -> dict[str, object]:
    if case.media_type == "application/json" and isinstance(case.body, (dict, list, str, int, float, bool)):
        return {"json": case.body}
    return {}


def test_generated_requests_never_fail_the_server(client: TestClient) -> None:
    _contract(client, 4)


@pytest.mark.slow
def test_many_generated_requests_never_fail_the_server(client: TestClient) -> None:
    _contract(client, 150)


@pytest.mark.slow
def test_the_official_validator(world: Archive, tmp_path: Path) -> None:
    """stac-api-validator. It reads JSON schemas from the network: where there is none, what it says of that is left out

    (test_stac.py validates items and collections against the schemas that pystac brings).
    """
    with running(world) as address:
        shape = '{"type": "Polygon", "coordinates": [[[-1, -1], [2, -1], [2, 1], [-1, 1], [-1, -1]]]}'
        command = [sys.executable, "-m", "stac_api_validator", "--root-url", address, "--collection", "world-rgb"]
        command += ["--geometry", shape, "--no-validate-pagination"]
        for name in ("core", "collections", "item-search", "features", "filter"):
            command += ["--conformance", name]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    assert "Failed.\n" not in done.stdout, done.stdout[-4000:]
    told = done.stdout.partition("Errors:")[2].splitlines()
    wrong = [line for line in told if line.startswith("- ") and "schemas.stacspec.org" not in line]
    assert told
    assert not wrong, "\n".join(wrong)[:4000]
