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


@given(st.lists(st.text(alphabet="abcdef .,é😀中", max_size=400), max_size=6))
def test_no_text_is_longer_than_allowed(texts):
    written = GrammarWriter(most_tokens=60).write(captions(*texts))
    assert token_count(" ".join(one.text for one in written)) <= 60
