from __future__ import annotations

import pytest

from swath.corpus.landmark import read_system, system_names, vocabulary
from swath.errors import DataError

UNIFIED = vocabulary()
CORINE = read_system("corine", UNIFIED)


def test_the_twelve_labels():
    assert len(UNIFIED.labels) == 12
    assert UNIFIED.ordered({"Burned Area", "Trees"}) == ("Trees", "Burned Area")


@pytest.mark.parametrize("name", system_names())
def test_every_table_is_valid(name):
    labels = {entry.label for entry in read_system(name, UNIFIED).classes}
    assert labels & set(UNIFIED.labels)


def test_corine_has_44_classes_and_the_published_choices():
    assert sum(len(entry.code) == 3 and entry.code != "999" for entry in CORINE.classes) == 44
    published = {
        "Burnt areas": "Burned Area",
        "Rice fields": "Flooded Vegetation",
        "Agro-forestry areas": "Trees",
        "Salines": "Bare",
        "Intertidal flats": "Bare",
        "Green urban areas": "Grass",
    }
    assert {name: CORINE.find(name).label for name in published} == published


def test_levels_are_derived():
    assert CORINE.level("312", 1).name == "Forest and semi-natural areas"
    assert CORINE.level("Coniferous forest", 2).name == "Forests"
    assert CORINE.find("Forests").label == "Trees"
    assert CORINE.find("Urban fabric").label == "Built"
    assert CORINE.find("Artificial surfaces").label == ""


def test_bigearthnet_of_43_classes_is_corine_in_other_words():
    classes = read_system("bigearthnet43", UNIFIED).classes
    assert {entry.code: entry.label for entry in classes} == {
        code: CORINE.find(code).label
        for code in (entry.code for entry in CORINE.classes if len(entry.code) == 3)
        if code not in ("335", "999")
    }
    assert len(classes) == 43
    assert {entry.name for entry in classes if CORINE.maybe(entry.name) is None} == {
        "Natural grassland",
        "Transitional woodland/shrub",
        "Bare rock",
        "Peatbogs",
    }


def test_rasters_that_number_the_classes_from_1_are_not_mistaken_for_levels():
    """41 is a level-2 code (inland wetlands), and the number of water bodies in Copernicus' rasters."""
    grid = read_system("corine_grid", UNIFIED)
    assert not set(CORINE.by_code) & {entry for entry in grid.by_code if grid.by_code[entry].label != "nodata"}
    assert grid.by_code[41].name == "Water bodies"
    assert {entry.name: entry.label for entry in CORINE.by_code.values() if entry.label != "nodata"} == {
        entry.name: entry.label for entry in grid.classes if entry.label != "nodata"
    }


def test_names_are_found_in_any_case():
    assert CORINE.find("  broad-leaved  FOREST ").code == "311"


def test_unknown_label_offers_similar_ones():
    with pytest.raises(DataError, match=r"unknown label 'Conifer forest' .* did you mean: Coniferous forest"):
        CORINE.find("Conifer forest")


def test_own_table_and_own_label(tmp_path):
    words = tmp_path / "words.csv"
    words.write_text("label,phrase\nLandslide,landslides\n")
    table = tmp_path / "slides.csv"
    table.write_text("code,name,label\n0,Stable,\n1,Slide,Landslide\n9,Unknown,nodata\n")
    with pytest.raises(DataError, match="line 3: label 'Landslide' is none of Trees"):
        read_system(str(table), UNIFIED)
    system = read_system(str(table), UNIFIED.extended(words))
    assert (system.name, system.find("slide").label) == ("slides", "Landslide")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,label\n1,Trees\n", r"lacks the column\(s\) name"),
        ("code,name,label\n", "has no rows"),
        ("code,name,label\none,Wood,Trees\n", "line 2: code 'one' must be a whole number"),
        ("code,name,label\n1,Wood,Trees\n1,Oak,Trees\n", "line 3: code '1'"),
        ("code,name,label\n1,,Trees\n", "class 1 has no name"),
        ("code,name,label\n--5,Wood,Trees\n", "line 2: code '--5' must be a whole number"),
        ("code,name,label\n1,Wood,Trees\n01,Field,Crops\n", "line 3: code '01' .* only once"),
        ("code,name,label\n3,Forests,children\n41,Wood,Trees\n", r"class 3 \(Forests\) .* no other code begins with 3"),
        (f"code,name,label\n1,{'W' * 140_000},Trees\n", "is no table of comma-separated values: field larger"),
    ],
)
def test_broken_tables(tmp_path, text, message):
    table = tmp_path / "mine.csv"
    table.write_text(text)
    with pytest.raises(DataError, match=message):
        read_system(str(table), UNIFIED)


def test_unknown_system():
    with pytest.raises(DataError, match=r"unknown label system 'corin'; known: .*corine"):
        read_system("corin", UNIFIED)
    with pytest.raises(DataError, match="cannot be read"):
        read_system("absent.csv", UNIFIED)
