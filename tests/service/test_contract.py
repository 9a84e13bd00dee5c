"""The OpenAPI document against the service: generated requests are answered as it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from starlette.testclient import TestClient

from service.world import running
from swath.archive import Archive

_VALIDATOR = """
import json, runpy
from importlib.resources import files
from pathlib import Path
import jsonschema
import requests

known = {file.name: file.read_bytes() for file in Path(str(files("pystac.validation") / "jsonschemas")).rglob("*.json")}
known["schema"] = json.dumps(jsonschema.Draft7Validator.META_SCHEMA).encode()

def get(url, *args, get=requests.get, **settings):
    host, _, path = url.partition("://")[2].rstrip("#").partition("/")
    if host not in ("schemas.stacspec.org", "geojson.org", "json-schema.org"):
        return get(url, *args, **settings)
    made = requests.Response()
    made.status_code, made._content = 200, known[path.rpartition("/")[2]]
    return made

requests.get = get
runpy.run_module("stac_api_validator", run_name="__main__")
"""
"""stac-api-validator, which then reads schemas from what pystac and jsonschema bring, not from the network."""

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"
PHASES = (Phase.explicit, Phase.generate)


def test_answers_are_what_the_document_says(client: TestClient, item: str) -> None:
    """All checks of schemathesis, on few requests; half of them about what is there."""
    config = schemathesis.Config.from_path(CONFIG)
    names = dict(zip(("collection_id", "item_id"), item.split("/")[2::2], strict=True))
    for found in schemathesis.openapi.from_dict(client.get("/api").json(), config=config).get_all_operations():
        operation = found.ok()
        takes = operation.definition.raw
        # Any text is a good id.
        fallible = "requestBody" in takes or any(
            each["schema"].get("type") != "string" for each in takes.get("parameters", [])
        )
        modes = schemathesis.GenerationMode if fallible else [schemathesis.GenerationMode.POSITIVE]
        for mode in modes:

            @settings(
                max_examples=3, phases=PHASES, deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode), there=booleans())
            def holds(case: schemathesis.Case, there: bool) -> None:
                if there:
                    case.path_parameters.update({name: names[name] for name in names & case.path_parameters.keys()})
                made = requests.Request(**case.as_transport_kwargs("http://testserver")).prepare()
                answer = client.request(made.method, made.url, content=made.body, headers=made.headers)
                case.validate_response(answer)

            holds()


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_schemathesis_runs_clean(world: Archive, item: str, tmp_path: Path) -> None:
    """All checks and phases of its command, as anybody runs it."""
    _, _, collection, _, name = item.split("/")
    config = tmp_path / "schemathesis.toml"
    known = {"collection_id": collection, "item_id": name, "archive": "world"}
    lines = [f'"path.{name}" = "{value}"' for name, value in known.items()]
    config.write_text("\n".join(["[parameters]", *lines, CONFIG.read_text(encoding="utf-8")]), encoding="utf-8")
    # A machine so busy that the service gives a request up and answers 503 says nothing of the service.
    with running(world, request_seconds=600) as address:
        command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"]
        command += [f"{address}/api", "--max-examples", "150", "--generation-deterministic", "--continue-on-failure"]
        command += ["--request-timeout", "630"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1400, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-8000:]


@pytest.mark.slow
def test_the_official_validator(world: Archive, tmp_path: Path) -> None:
    """All that stac-api-validator tests, pages too."""
    with running(world) as address:
        shape = '{"type": "Polygon", "coordinates": [[[-1, -1], [2, -1], [2, 1], [-1, 1], [-1, -1]]]}'
        command = [sys.executable, "-c", _VALIDATOR, "--root-url", address, "--collection", "world-rgb"]
        command += ["--geometry", shape]
        for name in ("core", "collections", "item-search", "features", "filter"):
            command += ["--conformance", name]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    assert done.stdout.rstrip().endswith("Errors: none"), (done.stdout[-4000:], done.stderr[-2000:])
    assert done.returncode == 0
