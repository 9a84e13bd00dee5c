"""The service that hostile clients meet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from service.world import build, settings
from swath.archive import Archive
from swath.service import Catalog, create_app


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return build(tmp_path_factory.mktemp("attacked"))


@pytest.fixture(scope="session")
def client(attacked: Archive) -> Iterator[TestClient]:
    limits = settings(max_upload_bytes=200_000, max_upload_pixels=1_000_000, max_body_bytes=100_000)
    with TestClient(create_app(limits, Catalog({"world": attacked})), raise_server_exceptions=False) as made:
        yield made
