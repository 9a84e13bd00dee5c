from __future__ import annotations

import pytest

from swath.corpus.counting import settle
from swath.corpus.facts import Fact, Facts
from swath.corpus.writers import GrammarWriter
from swath.errors import DataError


def facts(*captions: str, more: tuple[Fact, ...] = ()) -> Facts:
    items = [Fact("caption", "", text, f"captions[{number}]") for number, text in enumerate(captions)]
    return Facts("image", (*items, *more))


def written(known: Facts) -> str:
    return " ".join(sentence.text for sentence in GrammarWriter().write(known)).lower()


def test_a_majority_of_distinct_captions_wins():
    known = facts("two planes are white", "there are two planes in an airport", "three planes near a terminal")
    assert settle(known).exact == {("airplane", frozenset()): frozenset({2})}
    assert "three" not in written(known)
    assert "two planes" in written(known)


def test_a_repeated_caption_is_one_voice():
    known = facts("two planes are white", "two planes are white .", "three planes near a terminal")
    assert settle(known).disputed == {("airplane", frozenset()): frozenset({2, 3})}


def test_disputed_numbers_are_told_as_what_all_allow():
    text = written(facts("three planes are parked at a terminal", "five planes are near a road"))
    assert "several planes" in text
    assert "three" not in text
    assert "five" not in text


def test_a_number_that_others_call_one_is_left_out():
    text = written(facts("one plane is parked at a terminal", "two planes are near a road"))
    assert "one plane" not in text
    assert "two planes" not in text


def test_vague_amounts_that_a_number_excludes_are_left_out():
    text = written(facts("two planes are parked at a terminal", "many planes are near a road"))
    assert "two planes" in text
    assert "many planes" not in text
    assert "some planes" in written(facts("two planes are parked at a terminal", "some planes are near a road"))


def test_boxes_settle_what_captions_dispute():
    known = facts("two planes are near a road", "three planes", more=(Fact("count", "airplane", 3, "boxes"),))
    assert settle(known).exact[("airplane", frozenset())] == {3}
    assert "two planes" not in written(known)
    assert "three" in written(known)


def test_other_words_about_a_thing_are_another_statement():
    known = facts("five big storage tanks and a small one", "there are six storage tanks")
    assert not settle(known).disputed


@pytest.mark.parametrize("number", [-1, 1.5])
def test_a_count_must_be_a_whole_number(number):
    with pytest.raises(DataError, match="no whole number"):
        settle(facts(more=(Fact("count", "ship", number, "boxes"),)))


def test_words_about_an_annotated_thing_are_counted_with_it():
    known = Facts("image", (Fact("count", "small vehicle", 3, "boxes"), Fact("count", "large vehicle", 5, "boxes")))
    told = written(known)
    assert "three small vehicles" in told
    assert "five large vehicles" in told


def test_two_names_of_one_thing_are_counted_together():
    known = Facts("image", (Fact("count", "plane", 3, "boxes"), Fact("count", "airplane", 2, "boxes")))
    assert settle(known).annotated == {"airplane": 5}
    assert written(known) == ""
