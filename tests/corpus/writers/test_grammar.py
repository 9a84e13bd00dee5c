from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from swath.corpus.facts import Fact, Facts
from swath.corpus.tokens import token_count
from swath.corpus.writers import GrammarWriter


def captions(*texts: str) -> Facts:
    return Facts("image", tuple(Fact("caption", "", text, f"captions[{at}]") for at, text in enumerate(texts)))


def test_no_facts_no_text():
    assert GrammarWriter().write(Facts("image")) == ()


def test_one_caption_is_not_padded():
    (sentence,) = GrammarWriter().write(captions("many cars are parked in a parking lot"))
    assert sentence.text == "Many cars are parked in a parking lot."


def test_every_sentence_names_its_captions():
    written = GrammarWriter().write(
        captions("two planes are white", "two planes are white .", "a road is near a terminal")
    )
    told = {sentence.text: set(sentence.sources) for sentence in written}
    assert told["Two planes are white."] == {"captions[0]", "captions[1]"}
    assert told["A road is near a terminal."] == {"captions[2]"}


def test_a_colour_is_not_carried_to_the_next_thing():
    text = " ".join(
        one.text for one in GrammarWriter().write(captions("the ground is green and the road is white", "a road"))
    )
    assert "road is green" not in text


def test_seeds_vary_the_wording():
    facts = Facts("image", (Fact("class", "", "airport", "labels[0]"), Fact("count", "ship", 3, "boxes")))
    texts = {tuple(one.text for one in GrammarWriter(seed).write(facts)) for seed in range(20)}
    assert len(texts) > 3
    assert GrammarWriter(3).write(facts) == GrammarWriter(3).write(facts)


def told(*items: Fact) -> str:
    return " ".join(one.text for seed in range(4) for one in GrammarWriter(seed).write(Facts("image", items)))


def test_verbs_and_plurals_agree():
    share = told(Fact("share", "trees", 0.42, "shares"), Fact("share", "water", 0.3, "shares"))
    assert "Trees cover about 42" in share
    assert "Trees covers" not in share
    assert "Water takes up about 30" in share
    assert "hree buses" in told(Fact("count", "bus", 3, "boxes"))
    assert "one ship " in told(Fact("count", "ships", 1, "boxes")).lower()
    assert "a university" in told(Fact("class", "", "university", "labels[0]"))
    assert "a campus" in told(Fact("class", "", "campus", "labels[0]"))
    assert "covers 1 metre on" in told(Fact("gsd", "", 1.0, "gsd"))
    assert "Its label is water." in told(Fact("label", "", "water", "labels[0]"))
    people = "people walk beside many trees", "many people are near a beach", "a beach and an ocean"
    assert "The people are near the beach." in [one.text for one in GrammarWriter().write(captions(*people))]


def test_only_what_was_measured_whole_is_the_longest():
    lengths = Fact("length", "ship", 100.4, "boxes[0]"), Fact("length", "ship", 50.0, "boxes[1]")
    assert "The longest ship is about 100 metres long." in told(Fact("count", "ship", 2, "boxes"), *lengths)
    for items in (lengths, (Fact("count", "ship", 5, "boxes"), *lengths)):
        assert "A ship is about 100 metres long." in told(*items)
        assert "longest" not in told(*items)
    assert "The car is about 0.4 metres long." in told(
        Fact("count", "car", 1, "boxes"), Fact("length", "car", 0.4, "boxes[0]")
    )


def test_what_captions_deny_is_no_part_of_the_scene():
    written = GrammarWriter().write(
        captions("a desert with sand and no plants or trees", "some dunes in the desert", "a desert without any water")
    )
    text = " ".join(one.text for one in written)
    assert any(one.text.endswith("a desert, sand and dunes.") for one in written), text
    assert "no plants or trees" in text


@given(st.lists(st.text(alphabet="abcdef .,é😀中", max_size=400), max_size=6))
def test_no_text_is_longer_than_allowed(texts):
    written = GrammarWriter(most_tokens=60).write(captions(*texts))
    assert token_count(" ".join(one.text for one in written)) <= 60
