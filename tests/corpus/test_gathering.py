from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from generate.captions import karpathy
from swath.corpus.gathering import class_name, contradicting, facts_of
from swath.data import read_dataset


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("BareLand", "bare land"),
        ("storagetanks", "storage tanks"),
        ("parkinglot", "parking lot"),
        ("baseballdiamond", "baseball diamond"),
        ("denseresidential", "dense residential area"),
        ("DenseResidential", "dense residential area"),
        ("Industrial", "industrial area"),
        ("agricultural", "agricultural area"),
        ("Playground", "playground"),
        ("Farmland", "farmland"),
        ("bare-soil", "bare soil"),
        ("Permanent_Crop", "permanent crop"),
        ("xylophone", "xylophone"),
    ],
)
def test_classes_in_words(label, name):
    assert class_name(label) == name


def test_a_pair_gives_its_facts(tmp_path):
    pair = read_dataset(karpathy(tmp_path))[0]
    chip = replace(pair.chip, scene=replace(pair.chip.scene, datetime=datetime(2020, 10, 5, tzinfo=UTC)))
    pair = replace(pair, chip=chip, captions=("  a  plane .", " . ", "planes"), location=(9.9, 53.5))
    facts = facts_of(pair)
    assert [(fact.kind, fact.value, fact.source) for fact in facts] == [
        ("caption", "a plane", "captions[0]"),
        ("caption", "planes", "captions[2]"),
        ("class", "airport", "labels[0]"),
        ("location", (9.9, 53.5), "location"),
        ("date", "2020-10-05T00:00:00+00:00", "datetime"),
    ]
    assert not facts_of(pair, {pair.name}).of("caption")
    assert facts_of(replace(pair, labels=("a", "b"))).of("label")


@pytest.mark.data
def test_wrong_farmland_captions_of_ucm_are_no_facts(shared_data):
    found = contradicting(read_dataset(shared_data / "ucm"))
    assert len(found) == 11
    assert set(found.values()) == {"agricultural"}
