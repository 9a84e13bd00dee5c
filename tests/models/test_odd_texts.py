"""Texts that nobody should send, and somebody will: nothing breaks, hangs, or gives anything but a unit vector."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generate.models import tiny_model
from swath.models.tokenizer import ALL_MERGES, Tokenizer, _merge

MODEL = tiny_model()
FULL = Tokenizer()

ODD = {
    "empty": "",
    "blank": " \t\n\r ",
    "zero": "\x00",
    "control": "river\x00\x01\x02\x07\x1b[31m bridge\x7f",
    "arabic": "نهر بجانب مبنى كبير",
    "chinese": "河边有许多绿树和一座桥",
    "hindi": "नदी के पास एक पुल",
    "emoji": "✈️ 🌊 👩🏽‍🚀 🏳️‍🌈",
    "joiners": "a\u200bb\u200dc\ufeff",
    "right to left mark": "\u202eriver\u202c",
    "combining": "e" + "\u0301" * 500,
    "surrogate": "\ud800 lone",
    "entities": "&lt;script&gt; &amp;amp;",
    "end of text": "<|endoftext|> <end_of_text>",
    "digits": "0123456789" * 50,
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("truncation", ["count", "window"])
def test_every_text_gives_a_unit_vector(text, truncation):
    pooled = MODEL.encode_texts([text, "a plane"], truncation=truncation).pooled
    assert torch.isfinite(pooled).all()
    torch.testing.assert_close(pooled.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(pooled[1:], MODEL.encode_texts(["a plane"]).pooled, atol=1e-6, rtol=0)


@given(st.text(max_size=200))
def test_any_text_is_tokenised_within_the_vocabulary(text):
    ids = FULL.encode(text)
    assert all(0 <= index < FULL.start_id for index in ids)


def test_ten_thousand_tokens():
    text = "river " * 10_000
    assert len(FULL.encode(text)) == 10_000
    with pytest.warns(UserWarning, match=r"1 of 1 texts were cut to 32 tokens \(longest 10002\)"):
        cut = MODEL.encode_texts([text], tokens=False)
    whole = MODEL.encode_texts([text], truncation="window", tokens=False)
    assert cut.pooled.shape == whole.pooled.shape == (1, 48)


def by_the_published_loop(parts, ranks):
    """CLIP's own `bpe`: look for the pair of lowest rank, merge it everywhere, look again."""
    while len(parts) > 1:
        best = min(pairwise(parts), key=lambda pair: ranks.get(pair, ALL_MERGES))
        if best not in ranks:
            break
        merged, at = [], 0
        while at < len(parts):
            both = at + 1 < len(parts) and (parts[at], parts[at + 1]) == best
            merged.append(parts[at] + parts[at + 1] if both else parts[at])
            at += 2 if both else 1
        parts = merged
    return parts


@given(st.text("abcdeinorst", min_size=1, max_size=40))
def test_merging_equals_the_published_loop(word):
    parts = [*word[:-1], word[-1] + "</w>"]
    assert _merge(parts, FULL._ranks) == by_the_published_loop(parts, FULL._ranks)


@given(st.data())
def test_merging_equals_the_published_loop_on_any_table(data):
    symbols, ranks = list("abc"), {}
    for _ in range(data.draw(st.integers(0, 12))):
        pair = (data.draw(st.sampled_from(symbols)), data.draw(st.sampled_from(symbols)))
        if pair not in ranks:
            ranks[pair] = len(ranks)
            symbols.append("".join(pair))
    parts = data.draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
    assert _merge(parts, ranks) == by_the_published_loop(parts, ranks)


class Counting(dict):
    """A table of ranks that counts how often it is asked."""

    asked = 0

    def get(self, key, default=None):
        self.asked += 1
        return super().get(key, default)

    def __contains__(self, key):
        self.asked += 1
        return super().__contains__(key)


def test_the_work_for_one_long_word_grows_with_its_length():
    """The published loop's grows with the square: it takes a minute for 20,000 letters."""
    letters = [chr(97 + (at * at // 7) % 26) for at in range(16_000)]

    def work(length):
        ranks = Counting(FULL._ranks)
        _merge(letters[:length], ranks)
        return ranks.asked

    assert work(16_000) < 10 * work(2_000)
