"""The service over one small archive, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.world import build, settings
from swath.archive import Archive
from swath.service import Catalog, create_app


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """50 chips; tests only read it."""
    return build(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def client(world: Archive) -> Iterator[TestClient]:
    with TestClient(create_app(settings(), Catalog({"world": world})), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="session")
def item(client: TestClient) -> str:
    """The path of an item whose scene can be read."""
    found = client.get("/search", params={"filter": "title = 'Airport'", "limit": 1}).json()["features"][0]
    return f"/collections/world-rgb/items/{found['id']}"


@pytest.fixture
def growing(tmp_path: Path) -> Archive:
    """An archive of a test's own."""
    return build(tmp_path)
