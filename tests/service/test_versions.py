"""The service while maintenance removes the version that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from archive.fakes import make_chip, units
from service.world import settings
from swath.archive import Archive, Hit
from swath.service import Catalog, create_app
from swath.service.catalog import Collection

pytestmark = pytest.mark.filterwarnings("ignore:optimize")


@pytest.fixture
def client(growing: Archive) -> Iterator[TestClient]:
    with TestClient(create_app(settings(), Catalog({"world": growing})), raise_server_exceptions=False) as made:
        yield made


def replace(uri: str) -> None:
    """What another process may do: add a chip, compact, and remove every version but the newest."""
    other = Archive.open(uri)
    other.add([make_chip(500)], units(1))
    other._store.chips.optimize(cleanup_older_than=timedelta(0))


def test_pages_go_on_where_they_were_though_their_version_is_gone(client: TestClient, growing: Archive) -> None:
    parts = {"limit": 20, "sortby": "id"}
    page = client.get("/search", params=parts).json()
    seen = [item["id"] for item in page["features"]]
    replace(growing.uri)
    while links := [link["href"] for link in page["links"] if link["rel"] == "next"]:
        answer = client.get(links[0])
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += [item["id"] for item in page["features"]]
    assert seen == sorted(set(seen))
    everything = {name.decode() for name in growing.present_ids()}
    assert len(everything) == 51
    assert everything - set(seen) <= {make_chip(500).id}


def test_an_item_that_is_deleted_while_it_is_asked_for_is_not_there(
    client: TestClient, growing: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip = client.get("/search", params={"limit": 1}).json()["features"][0]
    look_up = Catalog.item

    def and_delete(self: Catalog, collection: str, name: str) -> tuple[Collection, Hit]:
        found = look_up(self, collection, name)
        growing.delete([name])
        return found

    monkeypatch.setattr(Catalog, "item", and_delete)
    answer = client.get(f"/collections/{chip['collection']}/items/{chip['id']}/embedding")
    assert answer.status_code == 404, answer.text
