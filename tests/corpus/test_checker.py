from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.corpus.checker import Checker, Finding
from swath.corpus.facts import Fact, Facts
from swath.corpus.writers import GrammarWriter

NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
THINGS = ("airplane", "ship", "storage tank", "house", "tennis court", "tree", "bridge")
COLOURS = ("red", "white", "green", "blue", "gray")
RELATIONS = ("near", "around", "next to", "surrounded by", "in front of", "behind")


def facts(*captions: str, more: tuple[Fact, ...] = ()) -> Facts:
    items = [Fact("caption", "", text, f"captions[{number}]") for number, text in enumerate(captions)]
    return Facts("image", (*items, *more))


def reasons(text: str, known: Facts) -> set[str]:
    return {finding.reason for finding in Checker().check(text, known)}


TANKS = facts(
    "Six storage tanks are on the ground with some buildings beside .",
    "There are five big storage tanks and a small one near the red buildings .",
    more=(
        Fact("class", "", "storage tanks", "labels[0]"),
        Fact("date", "", "2020-10-05T10:00:00", "date"),
        Fact("location", "", (-118.2, 34.05), "location"),
        Fact("sensor", "", "Sentinel-2 L2A", "sensor"),
        Fact("share", "grass", 0.421, "shares"),
        Fact("count", "car", 14, "boxes"),
        Fact("position", "car", "upper left", "boxes[0]"),
    ),
)


@pytest.mark.parametrize(
    "text",
    [
        "Six storage tanks stand on the ground, with buildings beside them.",
        "In the upper left there are 14 cars.",
        "Fourteen automobiles and six oil tanks can be seen.",
        "About 42 percent of the image is grass.",
        "The scene was imaged by Sentinel-2 in October 2020, in autumn, at 34.05 degrees north.",
        "Five big storage tanks lie near the red buildings.",
        "There are vehicles and constructions.",
    ],
)
def test_supported_texts_pass(text):
    assert Checker().check(text, TANKS) == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Seven storage tanks stand on the ground.", "count"),
        ("There are 15 cars.", "count"),
        ("There are two cars.", "count"),
        ("A river runs beside the storage tanks.", "object"),
        ("The buildings have blue roofs.", "colour"),
        ("The white buildings are large.", "colour"),
        ("The buildings surround the storage tanks.", "relation"),
        ("The cars are in the lower right.", "position"),
        ("About 57 percent of the image is grass.", "number"),
        ("The image was taken in July 2020.", "time"),
        ("The image was taken in October 2019.", "time"),
        ("It is a sunny day.", "time"),
        ("The tanks lie in the harbour district of Hamburg.", "place"),
        ("The scene was taken by Landsat.", "sensor"),
        ("There are six storage tanks. There are six storage tanks.", "repeat"),
        ("The scene lies at 35.05 degrees north.", "number"),
    ],
)
def test_invented_claims_are_found(text, reason):
    assert reason in reasons(text, TANKS)


def test_a_relation_is_directed_where_the_words_are():
    known = facts("many trees are around a pond")
    assert reasons("The pond is surrounded by trees.", known) == set()
    assert reasons("The trees are near the pond.", known) == set()
    assert reasons("The trees are surrounded by the pond.", known) == {"relation"}


def test_a_colour_is_not_taken_from_another_thing():
    known = facts("white airplanes are parked near green trees")
    assert reasons("The trees are green and the airplanes are white.", known) == set()
    assert reasons("The trees are white.", known) == {"colour"}
    ground = facts("the ground is green and the road is white .")
    assert reasons("The road is green.", ground) == {"colour"}


def test_what_is_special_does_not_follow_from_what_is_general():
    assert reasons("A ferry leaves.", facts("a ship leaves .")) == {"object"}
    assert reasons("A ship leaves.", facts("a ferry leaves .")) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("There are no trees beside the road.", {"object"}),
        ("The image shows two houses without a road.", {"object"}),
        ("There is no car on the road.", {"object"}),
        ("No ships can be seen.", set()),
        ("The houses stand without any boats or vessels.", set()),
        ("There are no vehicles.", {"object"}),  # more than is said: only of ships nothing is there
        ("The road is no longer than the houses.", set()),
        ("There is no gap between the two houses.", set()),
        ("There is no space for the trees.", set()),
    ],
)
def test_what_is_said_to_be_absent(text, found):
    known = facts("two houses and trees beside a road", "there are no ships", more=(Fact("count", "tank", 0, "boxes"),))
    assert reasons(text, known) == found
    assert reasons("There are no tanks.", known) == set()
    assert reasons("The image shows ships.", known) == {"object"}


def test_nothing_is_there_of_a_share_of_zero():
    assert reasons("The image shows water.", facts(more=(Fact("share", "water", 0.0, "shares"),))) == {"object"}


def test_what_one_caption_denies_and_another_names_is_not_denied():
    known = facts("a desert without trees", "some trees are in the desert")
    assert reasons("The trees are in the desert.", known) == set()
    assert reasons("There are no trees in the desert.", known) == {"object"}


def test_a_position_is_not_taken_from_another_thing():
    more = (Fact("position", "ship", "upper left", "boxes[0]"), Fact("position", "corvette", "lower right", "boxes[1]"))
    known = facts(more=(Fact("class", "", "beach", "labels[0]"), *more[:1]))
    assert reasons("A ship lies in the upper left.", known) == set()
    assert reasons("A vehicle lies in the upper left.", known) == set()
    assert reasons("It lies in the upper left.", known) == set()
    assert reasons("The beach lies in the upper left.", known) == {"position"}
    assert reasons("A corvette lies in the lower right.", facts(more=more)) == set()


def test_large_numbers_are_read_to_their_end():
    known = facts("two houses beside a road")
    assert reasons("Two thousand houses stand there.", known) == {"count"}
    assert reasons("Three thousand houses stand there.", facts("3,000 houses beside a road")) == set()


def test_further_rules_are_asked():
    def no_colours(text: str, known: Facts) -> list[Finding]:
        return [Finding("wording", "green")] if "green" in text else []

    known = facts("green trees")
    assert Checker([no_colours]).check("Green trees and green bushes.", known)[-1].reason == "wording"


caption = st.builds(
    "{} {} {}s are {} a {} {} .".format,
    st.sampled_from(("some", "many", "several", *NUMBERS)),
    st.sampled_from(COLOURS),
    st.sampled_from(THINGS),
    st.sampled_from(RELATIONS),
    st.sampled_from(COLOURS),
    st.sampled_from(THINGS),
)
boxed = st.builds(Fact, st.just("count"), st.sampled_from(THINGS), st.integers(0, 40), st.just("boxes"))
shared = st.builds(Fact, st.just("share"), st.sampled_from(THINGS), st.floats(0, 1), st.just("shares"))
placed = st.builds(
    Fact,
    st.just("position"),
    st.sampled_from(THINGS),
    st.sampled_from(("upper left", "middle", "right")),
    st.just("box"),
)
located = st.builds(
    Fact, st.just("location"), st.just(""), st.tuples(st.floats(-180, 180), st.floats(-90, 90)), st.just("location")
)
dated = st.builds(Fact, st.just("date"), st.just(""), st.dates().map(str), st.just("date"))
tagged = st.builds(Fact, st.just("tag"), st.text(max_size=12), st.text(max_size=20), st.just("tags"))
wild = st.builds(Fact, st.just("caption"), st.just(""), st.text(max_size=80), st.just("captions"))


@given(
    st.lists(caption, max_size=5), st.lists(st.one_of(boxed, shared, placed, located, dated, tagged, wild), max_size=6)
)
def test_what_the_grammar_writes_is_always_accepted(captions, more):
    known = facts(*captions, more=tuple(more))
    text = " ".join(sentence.text for sentence in GrammarWriter().write(known))
    assert Checker().check(text, known) == ()


@given(st.sampled_from(THINGS), st.integers(2, 12), st.integers(2, 99), st.sampled_from(("", "big", "white")))
def test_an_altered_count_is_always_rejected(thing, number, other, about):
    word = NUMBERS[number - 2]
    known = facts(f"there are {word} {about} {thing}s near 1 building .")
    text = " ".join(sentence.text for sentence in GrammarWriter().write(known))
    assert re.search(rf"\b{word}\b", text)
    altered = re.sub(rf"\b{word}\b", str(other), text)
    assert (reasons(altered, known) == set()) == (other == number)


@given(st.floats(0.01, 1.0), st.integers(1, 100))
def test_an_altered_share_is_always_rejected(share, other):
    known = Facts("image", (Fact("share", "water", share, "shares"),))
    text = GrammarWriter().write(known)[0].text
    written = re.search(r"\d+", text)[0]
    altered = text.replace(written, str(other))
    assert (reasons(altered, known) == set()) == (abs(100 * share - other) <= 0.5 + 1e-6)
