from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from swath.data.words import content_words, normalised, stop_words, words
from swath.models.tokenizer import Tokenizer


def test_words_are_letters_in_lower_case():
    assert words("Two B-52s, it's 3 Häuser!") == ["two", "b", "s", "it", "s", "häuser"]
    assert content_words("There are many green trees in two sides of a river .") == ["green", "trees", "river"]


def test_normalised_keeps_digits():
    assert normalised(" Runway 27L,  near A LAKE. ") == "runway 27 l near a lake"
    assert normalised(" . ") == ""


def test_stop_words_are_words_and_say_nothing_of_an_image():
    assert all(words(word) == [word] for word in stop_words())
    assert not stop_words() & {"green", "large", "near_", "trees", "white", "river", "building", "airport", "dense"}


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", "lake", "near", "12", "big", "trees'", "it's", "TREES,", "(road)", "B-52", "!"]),
        max_size=10,
    )
)
def test_the_tokenizer_knows_every_word_but_contractions(parts):
    text = " ".join(parts)
    pieces = Tokenizer(16).words(text)
    assert [word for word in words(text) if word != "s"] == [piece for piece in pieces if piece.isalpha()]
