from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from generate.models import tiny_model
from swath.errors import InputError
from swath.features import Features
from swath.models import windows

LONG = "the river runs past three large buildings and a parking lot with many cars . " * 8


@given(st.lists(st.integers(0, 120), min_size=1, max_size=6), st.integers(3, 40))
def test_every_word_is_in_one_window_and_no_window_is_over_the_limit(lengths, limit):
    rows = [[-1, *range(100 * at, 100 * at + length), -2] for at, length in enumerate(lengths)]
    found = windows.split(rows, limit)
    owners = found.owners or tuple(range(len(rows)))
    assert all(len(ids) <= limit and ids[0] == -1 and ids[-1] == -2 for ids in found.ids)
    for at, row in enumerate(rows):
        own = [ids[1:-1] for ids, owner in zip(found.ids, owners, strict=True) if owner == at]
        assert [word for part in own for word in part] == row[1:-1]
        assert max(map(len, own)) - min(map(len, own)) <= 1
        assert len(own) == max(1, -(-(len(row) - 2) // (limit - 2)))


def test_pooling_is_the_mean_of_the_windows_and_tokens_are_all_words():
    model = tiny_model()
    texts = ["a plane", LONG, "many trees"]
    found = model.encode_texts(texts, truncation="window")
    rows = model.text.tokenizer(texts, 10_000).ids
    parts = windows.split([rows[1]], 32).ids
    assert len(parts) == 6
    vectors, words = zip(
        *(model.text(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.bool)) for ids in parts), strict=True
    )
    mean = F.normalize(torch.cat(vectors), dim=-1).mean(dim=0)
    torch.testing.assert_close(found.pooled[1], F.normalize(mean, dim=0), atol=1e-6, rtol=0)
    assert found.mask.sum(dim=1).tolist() == [len(row) for row in rows]
    second = F.normalize(words[1][0, 1:-1], dim=-1)  # a window in the middle shows neither its start nor its end
    first = len(parts[0]) - 1
    torch.testing.assert_close(found.tokens[1, first : first + len(second)], second, atol=1e-6, rtol=0)


def test_short_texts_are_read_as_ever():
    model = tiny_model()
    alone = model.encode_texts(["a plane"])
    beside = model.encode_texts(["a plane", LONG], truncation="window", tokens=False)
    torch.testing.assert_close(beside.pooled[:1], alone.pooled, atol=1e-6, rtol=0)
    assert beside.tokens.shape[:2] == (2, 0)
    assert torch.equal(model.encode_texts(["a plane"], truncation="window").pooled, alone.pooled)


def test_a_window_sees_what_truncation_loses():
    model = tiny_model()
    ends = [LONG + "an airport", LONG + "a stadium"]
    with pytest.warns(UserWarning, match="2 of 2 texts were cut"):
        cut = model.encode_texts(ends).pooled
    whole = model.encode_texts(ends, truncation="window").pooled
    assert torch.equal(cut[0], cut[1])
    assert not torch.allclose(whole[0], whole[1], atol=1e-3)


def test_joining_keeps_texts_apart():
    pooled = F.normalize(torch.eye(4), dim=-1)
    none = Features(pooled, torch.zeros(4, 0, 4), torch.zeros(4, 0, dtype=torch.bool))
    found = windows.join(none, (0, 1, 1, 2)).pooled
    wanted = torch.stack([pooled[0], F.normalize(pooled[1] + pooled[2], dim=0), pooled[3]])
    torch.testing.assert_close(found, wanted)


def test_windows_are_refused_where_a_text_is_one_row():
    model = tiny_model()
    with pytest.raises(InputError, match="windows are for encode_texts"):
        model.tokenize([LONG], truncation="window")
    with pytest.raises(InputError, match="cannot be counted where a text is read in windows"):
        model.encode_texts([LONG], truncation="window", pad_to_context=True)
