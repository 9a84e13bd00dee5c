from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.data.audit.near_texts import near_repeats
from swath.data.words import normalised
from swath.errors import InputError

_WORDS = ["many", "green", "trees", "near", "a", "road", "and", "one", "big", "lake"]
_TEXT = st.lists(st.sampled_from(_WORDS), max_size=9).map(" ".join)


def brute_force(texts, threshold):
    sets = [set(normalised(text).split()) for text in texts]
    return [
        (i, j, len(sets[i] & sets[j]) / len(sets[i] | sets[j]))
        for i in range(len(sets))
        for j in range(i + 1, len(sets))
        if sets[i] and sets[j] and len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(_TEXT, max_size=14), st.sampled_from([0.3, 0.5, 2 / 3, 0.75, 0.8, 0.9, 1.0]))
def test_equals_brute_force(texts, threshold):
    assert near_repeats(texts, threshold) == brute_force(texts, threshold)


def test_case_punctuation_and_order_do_not_matter():
    assert near_repeats(["A lake near trees.", "trees near a LAKE !", "a road"]) == [(0, 1, 1.0)]


@pytest.mark.parametrize("threshold", [0.0, 1.1, -1])
def test_impossible_threshold(threshold):
    with pytest.raises(InputError, match="above 0 and at most 1"):
        near_repeats(["a"], threshold)
