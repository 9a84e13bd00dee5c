from __future__ import annotations

import json

import pytest

from benchmarks import narrator_oracle as oracle
from generate import narrator
from swath.corpus.checker import Checker
from swath.corpus.narrate import open_route
from swath.corpus.narrate.records_route import material_of
from swath.corpus.narrate.ships import read_ship
from swath.corpus.narrate.writing import StatementWriter, paragraph
from swath.errors import DataError


def texts(material, count=12):
    captions = [one.text for one in StatementWriter(material.statements, count).write(material.facts)]
    return [*captions, *(one.text for one in paragraph(material.statements, material.facts.name))]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"length_m": "0", "width_m": "0"},
        {"length_m": "45", "width_m": "9", "elaborated_type": "LPG Tanker", "ship_class": "Tanker"},
        {"length_m": "333", "width_m": "60", "elaborated_type": "NA"},
        {"utc": "2016/5/3.1:5:0", "lon": "-71.5", "lat": "-12.25"},
        {"elaborated_type": "Tug", "ship_class": "Tug", "pol": "vv"},
    ],
)
def test_says_what_the_record_says(changes):
    record = narrator.ship(3, **changes)
    material = material_of("x", read_ship(record, "here"))
    checks = oracle.ship_checks(record)
    for text in texts(material):
        assert oracle.errors(text, checks) == []
        assert Checker().check(text, material.facts) == ()
    joined = " ".join(texts(material, 20)).lower()
    assert ("metres" in joined) == (float(record["length_m"]) > 0)
    assert ("large" in joined) == (float(record["length_m"]) >= 200)


def test_planted_errors_are_found_by_both_readings():
    record = narrator.ship(3)
    material, checks = material_of("x", read_ship(record, "here")), oracle.ship_checks(record)
    caption = "A bulk carrier 130 metres long and 20 metres wide."
    assert oracle.errors(caption, checks) == []
    assert Checker().check(caption, material.facts) == ()
    for old, new in (("130", "140"), ("20 metres", "25 metres"), ("bulk carrier", "tanker")):
        assert oracle.errors(caption.replace(old, new), checks)
        assert Checker().check(caption.replace(old, new), material.facts)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"length_m": "9000"}, "length_m"),
        ({"length_m": "10", "width_m": "20"}, "exceeds"),
        ({"utc": "yesterday"}, "time"),
        ({"elaborated_type": "Spaceship", "ship_class": "Spaceship"}, "no known type"),
        ({"pol": "zz"}, "polarisation"),
        ({"incidence": "400"}, "incidence"),
    ],
)
def test_a_field_that_cannot_be_is_noted_and_not_told(changes, words):
    ship = read_ship(narrator.ship(2, **changes), "here")
    assert any(words in note for note in ship.notes)
    said = " ".join(texts(material_of("x", ship)))
    assert not any(f"{value} metres" in said or f"angle of {value}" in said for value in changes.values())


def test_records_of_one_ship_are_one_unit(tmp_path):
    route = open_route("records", str(narrator.ships(tmp_path)))
    assert len(route.items) == 8
    assert len({item.unit for item in route.items}) == 4
    assert [item.chip.scene.sensor for item in route.items[:2]] == ["s1-vv-8bit", "s1-vh-8bit"]


def test_bad_records_do_not_end_the_run(tmp_path):
    path = narrator.ships(tmp_path, 3)
    records = json.loads(path.read_text())
    records += [narrator.ship(9), narrator.ship(1), {"ship_class": "Tug"}, narrator.ship(0, file="ship2.png", lat="99")]
    path.write_text(json.dumps(records))
    route = open_route("records", str(path))
    assert len(route.items) == 3
    failures = " | ".join(route.failures)
    assert all(part in failures for part in ("does not exist", "listed twice", "names no image", "listed twice"))


@pytest.mark.parametrize("text", ["", "[", "{}", "[]", "[1]"])
def test_broken_or_empty_records(text, tmp_path):
    (tmp_path / "records.json").write_text(text)
    with pytest.raises(DataError, match=r"records\.json"):
        open_route("records", str(tmp_path / "records.json"))
