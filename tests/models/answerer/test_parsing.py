"""What questions ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.errors import InputError
from swath.models.answerer import Asked, parse
from swath.models.answerer.network import word_rows


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How many ships are there?", Asked("count", "ships")),
        ("how many ships?", Asked("count", "ships")),
        ("how many?", Asked("count", "things")),
        ("What is the number of roads in the image?", Asked("count", "roads")),
        ("What is the amount of small buildings?", Asked("count", "small buildings")),
        ("What is the area covered by water areas?", Asked("area", "water areas")),
        ("Is a large road present in the image?", Asked("whether", "large road")),
        ("Is there a road at the top of a  building?", Asked("whether", "road at the top of a building")),
        ("Are there airplanes in the image?", Asked("whether", "airplanes")),
        ("Are there more roads than water areas?", Asked("more", "roads", "water areas")),
        ("Are there less roads than buildings in the image?", Asked("fewer", "roads", "buildings")),
        ("Is the number of roads equal to the number of parks?", Asked("equal", "roads", "parks")),
        ("Is the number of ships greater than the number of docks?", Asked("more", "ships", "docks")),
        ("Is it a rural or an urban area", Asked("open", "is it a rural or an urban area")),
        ("What is shown?", Asked("open", "what is shown")),
        ("Is it raining?", Asked("whether", "is it raining")),
    ],
)
def test_questions_are_taken_apart(question: str, wanted: Asked) -> None:
    assert parse(question) == wanted


@pytest.mark.parametrize("question", ["", "   ", "\n\t", "?" * 3000])
def test_no_question_is_refused(question: str) -> None:
    with pytest.raises(InputError, match="question"):
        parse(question)


@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_any_text_is_a_question_about_something(text: str) -> None:
    found = parse(text)
    assert found.subject
    assert word_rows(found.subject)


def test_singular_and_plural_share_their_rows() -> None:
    assert word_rows("large water areas") == word_rows("a large water area")
    assert word_rows("...") == (0,)
