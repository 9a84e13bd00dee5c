"""Conditions made by programs keep what they say; a value of any content is only a value."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.fakes import START, filled, grid
from swath.archive import Archive
from swath.archive import conditions as made
from swath.archive.conditions import Condition, Name
from swath.chips import Chip
from swath.errors import QueryError

CHIPS = grid(40)
CLOUD, TITLE, EVEN = (Name(name, is_property=True) for name in ("cloud", "name", "even"))
SENSOR, TIME, MINX = Name("sensor"), Name("datetime"), Name("minx")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return filled(tmp_path_factory.mktemp("conditions") / "archive", CHIPS)


def kept(archive: Archive, condition: Condition) -> set[str]:
    return {hit.id for hit in archive.browse(where=condition, limit=1000)}


def p(chip: Chip, name: str) -> Any:
    return chip.scene.properties[name]


CASES: list[tuple[Condition, Callable[[Chip], Any]]] = [
    (made.always(True), lambda c: True),
    (made.always(False), lambda c: False),
    (made.compare(SENSOR, "=", "rgb"), lambda c: c.scene.sensor == "rgb"),
    (made.compare(SENSOR, ">", "rgb"), lambda c: c.scene.sensor > "rgb"),
    (made.compare(CLOUD, "<", 10), lambda c: p(c, "cloud") < 10),
    (made.compare(CLOUD, ">=", 33.25), lambda c: p(c, "cloud") >= 33.25),
    (made.compare(EVEN, "=", True), lambda c: p(c, "even")),
    (made.compare(EVEN, "!=", True), lambda c: not p(c, "even")),
    (made.compare(MINX, "<", 0), lambda c: c.footprint and c.footprint.bbox[0] < 0),
    (made.compare(TIME, ">=", datetime(2021, 1, 1, tzinfo=UTC)),
     lambda c: c.scene.datetime and c.scene.datetime.year >= 2021),
    (made.compare(TIME, ">=", datetime(2021, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))),
     lambda c: c.scene.datetime and c.scene.datetime.year >= 2021),
    (made.compare_names(Name("miny"), "<", Name("maxy")), lambda c: c.footprint),
    (made.compare_names(Name("miny"), ">", Name("maxy")), lambda c: False),
    (made.compare_folded(TITLE, "=", "N12"), lambda c: p(c, "name") == "n12"),
    (made.one_of(SENSOR, ["rgb", "s1-grd"]), lambda c: c.scene.sensor in ("rgb", "s1-grd")),
    (made.one_of(SENSOR, []), lambda c: False),
    (made.one_of(TITLE, ["n1", "n2", "x"]), lambda c: p(c, "name") in ("n1", "n2")),
    (made.like(TITLE, "n1_"), lambda c: re.fullmatch("n1.", p(c, "name"))),
    (made.like(TITLE, "N1%"), lambda c: False),
    (made.like(TITLE, "N1%", fold=True), lambda c: p(c, "name").startswith("n1")),
    (made.is_null(TIME), lambda c: c.scene.datetime is None),
    (made.is_null(Name("nothing", is_property=True)), lambda c: True),
    (made.negated(made.compare(SENSOR, "=", "rgb")), lambda c: c.scene.sensor != "rgb"),
    # What is unknown stays unknown.
    (made.negated(made.compare(MINX, "<", 0)), lambda c: c.footprint and c.footprint.bbox[0] >= 0),
    (made.negated(made.where_known(TIME, made.always(False))), lambda c: c.scene.datetime is not None),
    (made.where_known(TIME, made.always(True)), lambda c: c.scene.datetime is not None),
    (made.all_of([]), lambda c: True),
    (made.any_of([]), lambda c: False),
    (made.all_of([made.compare(SENSOR, "=", "rgb"), made.any_of([made.compare(CLOUD, "<", 20), made.compare(CLOUD, ">",
     80)])]), lambda c: c.scene.sensor == "rgb" and not 20 <= p(c, "cloud") <= 80),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "keeps"), CASES, ids=range(len(CASES)))
def test_conditions_keep_what_they_say(archive: Archive, condition: Condition, keeps: Callable[[Chip], Any]) -> None:
    assert kept(archive, condition) == {chip.id for chip in CHIPS if keeps(chip)}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40))
def test_any_text_is_only_a_value(archive: Archive, text: str) -> None:
    known = {p(chip, "name") for chip in CHIPS}
    for condition in (made.compare(TITLE, "=", text), made.one_of(TITLE, [text, text + "'"])):
        assert len(kept(archive, condition)) == (text in known)
    assert kept(archive, made.compare(Name(text, is_property=True), "=", "no such value")) == set()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Name("nothing"),
        lambda: Name("id; DROP TABLE chips"),
        lambda: Name("a\0b", is_property=True),
        lambda: Name("x" * 257, is_property=True),
        lambda: made.compare(SENSOR, "OR 1=1 --", "x"),  # type: ignore[arg-type]
        lambda: made.compare_folded(SENSOR, "~", "x"),  # type: ignore[arg-type]
        lambda: made.compare(SENSOR, "=", 1.0),
        lambda: made.compare(MINX, "=", "1"),
        lambda: made.compare(MINX, "=", True),
        lambda: made.compare(TIME, "=", "2020"),
        lambda: made.compare(CLOUD, "=", float("nan")),
        lambda: made.compare(CLOUD, "=", float("inf")),
        lambda: made.compare(TITLE, "=", "a\0b"),
        lambda: made.one_of(CLOUD, [1, "a"]),
        lambda: made.one_of(TITLE, ["a", True]),
        lambda: made.compare_names(MINX, "<", TIME),
        lambda: made.compare_names(CLOUD, "<", CLOUD),
        lambda: made.contains_term("  ", captioned=False),
    ],
    ids=range(18),
)
def test_what_does_not_compare_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(QueryError):
        make()


def test_large_and_small_numbers_keep_their_value(archive: Archive) -> None:
    exact = p(CHIPS[7], "cloud")
    assert kept(archive, made.compare(CLOUD, "=", exact)) == {CHIPS[7].id}
    for number in (2.0**60, -1e-300, 1e300, -0.0):
        assert len(kept(archive, made.compare(CLOUD, ">", number))) == sum(p(c, "cloud") > number for c in CHIPS)
    assert START.tzinfo is UTC
