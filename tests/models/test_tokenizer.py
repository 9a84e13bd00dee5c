from __future__ import annotations

import pickle
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import InputError
from swath.models import Tokenizer, TruncationWarning
from swath.models.tokenizer import MAX_CHARACTERS, clean

FULL = Tokenizer()
SMALL = Tokenizer(merges=3000)
SPECIAL = ("<start_of_text>", "<end_of_text>")


@pytest.fixture(scope="module")
def reference(open_clip):
    return open_clip.tokenizer.SimpleTokenizer()


words = st.sampled_from(["an", "airport's", "planes", "beside", "the", "Red-Sea", "2", "10m", "&amp;", "ﬁeld", "naïve"])
sentences = st.lists(words, max_size=12).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.one_of(sentences, st.text(max_size=60)))
def test_ids_are_open_clips(reference, text):
    # OpenCLIP lets a text spell its control tokens; swath reads them as words, so that a text cannot end itself.
    if not any(name in clean(text) for name in SPECIAL):
        assert FULL.encode(text) == reference.encode(text)


def test_vocabulary_is_clips(reference):
    assert (FULL.vocab_size, FULL.start_id, FULL.end_id) == (49_408, 49_406, 49_407)
    rows = FULL(["A plane.", "word " * 100], 77, "count")
    table = reference(["A plane.", "word " * 100])
    assert rows.truncated == 1
    for row, wanted in zip(rows.ids, table.tolist(), strict=True):
        assert row == wanted[: len(row)]
        assert not any(wanted[len(row) :])


@settings(deadline=None)
@given(st.text(max_size=40), st.integers(0, 3000))
def test_any_number_of_merges_decodes_to_the_cleaned_text(text, merges):
    tokenizer = _cached(merges)
    ids = tokenizer.encode(text)
    assert all(0 <= index < tokenizer.start_id for index in ids)
    assert tokenizer.decode([tokenizer.start_id, *ids, tokenizer.end_id, 5]).replace(" ", "") == clean(text).replace(
        " ", ""
    )


_tokenizers: dict[int, Tokenizer] = {}


def _cached(merges):
    return _tokenizers.setdefault(merges // 1000 * 1000, Tokenizer(merges // 1000 * 1000))


def test_fewer_merges_give_more_tokens_and_smaller_ids():
    text = "an archipelago with lighthouses"
    assert SMALL.vocab_size == 3514
    assert len(SMALL.encode(text)) > len(FULL.encode(text))
    assert max(SMALL.encode(text)) < SMALL.start_id


def test_control_tokens_in_a_text_are_words():
    ids = FULL.encode("a <end_of_text> b")
    assert FULL.end_id not in ids
    assert FULL.start_id not in ids


def test_truncation_is_never_silent():
    long = "word " * 50
    with pytest.raises(InputError, match=r"text 1 has 52 tokens, the model takes 10"):
        FULL(["short", long], 10, "error")
    with pytest.warns(TruncationWarning, match=r"1 of 2 texts were cut to 10 tokens \(longest 52\)"):
        FULL(["short", long], 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = FULL(["short", long], 10, "count")
    assert rows.truncated == 1
    assert len(rows.ids[1]) == 10
    assert rows.ids[1][-1] == FULL.end_id


def test_bad_texts_are_refused():
    with pytest.raises(InputError, match="must be a string, not float"):
        FULL.encode(float("nan"))
    with pytest.raises(InputError, match="over the limit"):
        FULL.encode("x" * (MAX_CHARACTERS + 1))
    with pytest.raises(InputError, match="list of texts"):
        FULL("one text", 77)
    with pytest.raises(InputError, match="unknown truncation policy"):
        FULL(["a"], 77, "silent")


@pytest.mark.parametrize("merges", [-1, 48_895])
def test_merges_out_of_range(merges):
    with pytest.raises(InputError, match="merges must be"):
        Tokenizer(merges)


def test_survives_pickling_and_empty_text():
    copy = pickle.loads(pickle.dumps(SMALL))
    assert copy.encode("a harbour") == SMALL.encode("a harbour")
    assert SMALL([""], 8).ids == [[SMALL.start_id, SMALL.end_id]]
