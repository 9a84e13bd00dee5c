"""Listings: one order over several archives, pages that stay, and places that are found again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from archive.fakes import filled, grid, make_chip, units
from swath.archive import Archive, Query
from swath.archive.conditions import Name
from swath.archive.listing import NEWEST, Listing, Order, listing
from swath.errors import QueryError

CHIPS = grid(40)
CLOUD = Name("cloud", is_property=True)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> list[Archive]:
    """One world in two archives."""
    folder = tmp_path_factory.mktemp("listing")
    return [filled(folder / "even", CHIPS[::2], units(20)), filled(folder / "odd", CHIPS[1::2], units(20, seed=1))]


def ids(found: Listing, size: int = 7) -> list[str]:
    """All pages."""
    return [hit.id for start in range(0, len(found), size) for _, hit in found.page(start, size)]


def test_newest_first_and_what_has_no_time_last(pair: list[Archive]) -> None:
    found = listing(pair, [Query(), Query()], NEWEST)
    dated = sorted((c for c in CHIPS if c.scene.datetime), key=lambda c: c.scene.datetime, reverse=True)
    rest = sorted(c.id for c in CHIPS if c.scene.datetime is None)
    assert ids(found) == [*(c.id for c in dated), *rest]
    for start in (0, 13, 39, 40):
        for place, (number, hit) in enumerate(found.page(start, 5), start):
            assert hit.rank == place + 1
            assert hit.score is None
            assert hit.id in {c.id for c in CHIPS[number::2]}


@pytest.mark.parametrize("descending", [False, True])
def test_numbers_among_properties_are_ordered_as_numbers(pair: list[Archive], descending: bool) -> None:
    found = listing(pair, [Query(), Query()], [Order(CLOUD, descending)])
    wanted = sorted(CHIPS, key=lambda c: c.scene.properties["cloud"], reverse=descending)
    assert ids(found) == [c.id for c in wanted]


def test_texts_and_further_keys(pair: list[Archive]) -> None:
    found = listing(pair, [Query(), Query()], [Order(Name("sensor"), True), Order(Name("name", is_property=True))])
    by_name = sorted(CHIPS, key=lambda c: c.scene.properties["name"])
    assert ids(found) == [c.id for c in sorted(by_name, key=lambda c: c.scene.sensor, reverse=True)]


def test_a_key_that_few_have(pair: list[Archive]) -> None:
    found = listing(pair, [Query(), Query()], [Order(Name("nothing", is_property=True), True)])
    assert ids(found) == sorted(c.id for c in CHIPS)


def test_filters_hold_for_each_archive(pair: list[Archive]) -> None:
    found = listing(pair, [Query(sensor="s2"), Query(bbox=(0, -90, 180, 90))], numbers=[5, 9])
    east = {c.id for c in CHIPS[1::2] if c.footprint and c.footprint.bbox[2] >= 0}
    assert set(ids(found)) == east | {c.id for c in CHIPS[::2] if c.scene.sensor == "s2-l2a"}
    assert {number for number, _ in found.page(0, 100)} == {5, 9}


def test_nothing_to_list(pair: list[Archive]) -> None:
    assert len(listing([], [])) == 0
    empty = listing(pair, [Query(where="sensor = 'none'")] * 2)
    assert len(empty) == 0
    assert empty.page(0, 10) == []
    assert empty.place_of(0, CHIPS[0].id) is None


def test_places_are_found_again(pair: list[Archive]) -> None:
    found = listing(pair, [Query(sensor="rgb"), Query()], numbers=[3, 4])
    for place, (number, hit) in enumerate(found.page(0, 100)):
        assert found.place_of(number, hit.id) == place
        assert found.place_of(7 - number, hit.id) is None, "it is of the other archive"
    assert found.place_of(3, "0" * 32) is None
    assert found.place_of(9, CHIPS[0].id) is None
    left_out = next(c.id for c in CHIPS[::2] if c.scene.sensor != "rgb")
    assert found.place_of(3, left_out) is None


@pytest.mark.filterwarnings("ignore:optimize")
def test_a_listing_belongs_to_a_version(tmp_path: Path) -> None:
    archive = filled(tmp_path / "archive", CHIPS[:10], units(10))
    first = listing([archive], [Query()])
    archive.add([make_chip(99)], units(1))
    archive.delete([CHIPS[3].id])
    assert len(ids(first)) == 10
    again = listing([archive], [Query()], versions=first.versions)
    assert ids(again) == ids(first)
    assert again.versions == first.versions
    newest = listing([archive], [Query()])
    assert set(ids(newest)) == {c.id for c in CHIPS[:10]} - {CHIPS[3].id} | {make_chip(99).id}
    archive.optimize(keep=timedelta(0))
    with pytest.raises(QueryError, match="not kept any more"):
        listing([archive], [Query()], versions=first.versions)
