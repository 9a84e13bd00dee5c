from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.fakes import START, filled, grid, make_chip
from swath.archive import Archive
from swath.archive.where import compile_where, properties_in
from swath.chips import Chip
from swath.errors import QueryError

CHIPS = grid(60)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return filled(tmp_path_factory.mktemp("where") / "archive", CHIPS)


def p(chip: Chip, name: str) -> Any:
    return chip.scene.properties[name]


def sensor(chip: Chip) -> str:
    return chip.scene.sensor


def box(chip: Chip) -> tuple[float, float, float, float]:
    return chip.footprint.bbox


def days(chip: Chip) -> int:
    return (chip.scene.datetime - START).days


CASES: list[tuple[str, Callable[[Chip], Any]]] = [
    ("sensor = 's2-l2a'", lambda c: sensor(c) == "s2-l2a"),
    ("sensor <> 'rgb' AND family != 's1'", lambda c: sensor(c) == "s2-l2a"),
    ("'rgb' == sensor", lambda c: sensor(c) == "rgb"),
    ("SENSOR in ('rgb', 's1-grd')", lambda c: sensor(c) in ("rgb", "s1-grd")),
    ("sensor NOT IN ('rgb')", lambda c: sensor(c) != "rgb"),
    ("properties.cloud < 10", lambda c: p(c, "cloud") < 10),
    ("10 > properties.cloud", lambda c: p(c, "cloud") < 10),
    ("properties['cloud'] BETWEEN 2.5e1 AND +50", lambda c: 25 <= p(c, "cloud") <= 50),
    ("properties.cloud NOT BETWEEN 25 AND 50", lambda c: not 25 <= p(c, "cloud") <= 50),
    ("properties.even = true", lambda c: p(c, "even")),
    ("properties.even != TRUE", lambda c: not p(c, "even")),
    ("properties.name LIKE 'n1%'", lambda c: p(c, "name").startswith("n1")),
    ("properties.name ILIKE 'N1_'", lambda c: re.fullmatch("n1.", p(c, "name"))),
    ("properties.name IN ('n1', 'n2')", lambda c: p(c, "name") in ("n1", "n2")),
    ("properties.nothing IS NULL", lambda c: True),
    ("properties.nothing IS NOT NULL", lambda c: False),
    ("minx IS NULL", lambda c: c.footprint is None),
    ("miny > -10 AND maxy <= 10.5", lambda c: c.footprint and box(c)[1] > -10 and box(c)[3] <= 10.5),
    ("minx > maxx", lambda c: False),
    ("datetime >= '2021'", lambda c: c.scene.datetime is not None and c.scene.datetime.year >= 2021),
    ("datetime IS NULL OR datetime < '2020-02-01T00:00:00Z'", lambda c: not c.scene.datetime or days(c) < 31),
    ("NOT (sensor = 'rgb' OR sensor = 's1-grd')", lambda c: sensor(c) == "s2-l2a"),
    ("NOT NOT sensor = 'rgb'", lambda c: sensor(c) == "rgb"),
    ("sensor = 'rgb' OR sensor = 's2-l2a' AND properties.even = true",
     lambda c: sensor(c) == "rgb" or (sensor(c) == "s2-l2a" and p(c, "even"))),
    ("(sensor = 'rgb' OR sensor = 's2-l2a') AND properties.even = true",
     lambda c: sensor(c) in ("rgb", "s2-l2a") and p(c, "even")),
]  # fmt: skip


@pytest.mark.parametrize(("where", "keeps"), CASES, ids=[where for where, _ in CASES])
def test_filters_keep_what_they_say(archive: Archive, where: str, keeps: Callable[[Chip], Any]) -> None:
    found = {hit.id for hit in archive.browse(where=where, limit=1000)}
    assert found == {chip.id for chip in CHIPS if keeps(chip)}
    assert archive.count(where=where) == len(found)


HOSTILE = [
    "sensor = 'rgb'; DROP TABLE chips",
    "1 = 1",
    "'a' = 'a'",
    "sensor = 'rgb' -- comment",
    "sensor = 'rgb' /* comment */",
    "sleep(10) = 1",
    "length(href) > 3",
    "regexp_match(href, '(a+)+$') IS NOT NULL",
    "id IN (SELECT id FROM meta)",
    "sensor = (SELECT 1)",
    "EXISTS (SELECT 1)",
    "sensor = 'rgb' UNION SELECT 1",
    "CAST(sensor AS INT) = 1",
    "vector IS NOT NULL",
    "_rowid = 1",
    "scalars IS NOT NULL",
    "meta.value = 'x'",
    'sensor = "rgb"',
    "sensor = `rgb`",
    "sensor = $$rgb$$",
    "sensor = 'rgb",
    "sensor = 'rgb' OR",
    "sensor",
    "= 3",
    "NOT",
    "()",
    "",
    "   ",
    "sensor = 5",
    "minx = 'five'",
    "minx < true",
    "datetime > 'tomorrow'",
    "datetime > 5",
    "sensor IN ()",
    "sensor IN ('a', 1)",
    "sensor IN ('a'",
    "minx BETWEEN 1",
    "minx LIKE 'a%'",
    "sensor IS 5",
    "sensor NOT = 'rgb'",
    "properties = 3",
    "properties. = 3",
    "properties.a = properties.b",
    "minx < 1e999",
    "sensor = 'a\0b'",
    "(" * 200 + "minx < 1" + ")" * 200,
    "minx < 1 OR " * 2000 + "minx < 1",
]


@pytest.mark.parametrize("where", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_filter_is_refused_and_quoted(where: str) -> None:
    with pytest.raises(QueryError, match=r"where filter|compare|column|date|value"):
        compile_where(where)


def test_the_message_shows_the_place_and_the_columns() -> None:
    with pytest.raises(QueryError, match=r"no column 'cloud_cover'.*properties\.NAME") as caught:
        compile_where("sensor = 'rgb' AND cloud_cover < 10")
    assert "at 'cloud_cover < 10'" in str(caught.value)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30), min_size=1))
def test_any_text_is_matched_exactly(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    """Quotes, backslashes, percent signs and any Unicode, in values and in property names."""
    chips = [make_chip(n, properties={"v": name, f"k {name}": n}) for n, name in enumerate(names)]
    archive = filled(tmp_path_factory.mktemp("text") / "archive", chips)
    for number, name in enumerate(names):
        quoted = name.replace("'", "''")
        same = {chip.id for chip, other in zip(chips, names, strict=True) if other == name}
        assert {hit.id for hit in archive.browse(where=f"properties.v = '{quoted}'")} == same
        assert {hit.id for hit in archive.browse(where=f"properties['k {quoted}'] = {number}")} == {chips[number].id}


def test_properties_that_a_filter_names() -> None:
    text = "properties.eo:cloud_cover < 5 AND properties['it''s'] = 'properties.x' OR properties.eo:cloud_cover > 9"
    assert properties_in(text) == ["eo:cloud_cover", "it's"]
