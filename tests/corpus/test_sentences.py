from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.corpus.sentences import distinct, finish, mend


@pytest.mark.parametrize(
    ("caption", "mended"),
    [
        ("many  planes are parked  near a terminal .", "many planes are parked near a terminal"),
        ("a road , and a a river .", "a road, and a river"),
        ("in in the middle", "in the middle"),
        ("control\x00cha\u202eracters\n", "control cha racters"),
        (" . ", ""),
    ],
)
def test_captions_are_mended(caption, mended):
    assert mend(caption) == mended


@given(st.text(max_size=60))
def test_mending_twice_changes_nothing_more(text):
    assert mend(mend(text)) == mend(text)


def test_fragments_get_a_lead_and_sentences_stay():
    rng = random.Random(0)
    assert finish("many trees are green", rng) == "Many trees are green."
    assert finish("the gate separated the yard", rng) == "The gate separated the yard."
    done = finish("a football field with trees beside", rng)
    assert "a football field with trees beside" in done.lower()
    assert len(done) > len("a football field with trees beside.")


def test_only_captions_that_bring_something_new_are_kept():
    captions = [
        "two planes at the terminal",
        "two aircraft at the terminal",
        "planes at the terminal near a green meadow",
    ]
    assert distinct(captions) == [2]
    assert distinct([*captions, "a parking lot with cars"]) == [2, 3]
    assert distinct([]) == []
    assert distinct(["of the"]) == [0]
