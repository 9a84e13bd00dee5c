from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from generate.models import tiny_config, tiny_model
from swath.errors import InputError
from swath.models import ragged

MODEL = tiny_model()
words = st.sampled_from(["plane", "harbor", "the", "archipelago", "of", "a", "green", "trees"])
texts = st.lists(st.lists(words, min_size=0, max_size=9).map(" ".join), min_size=1, max_size=8)


def padded(captions):
    """What a tower gives that computes every position, as CLIP does."""
    ids = MODEL.text.tokenize(captions).ids
    batch, mask = ragged.pad(ids, MODEL.text, MODEL.text.context_length)
    with torch.no_grad():
        pooled, tokens = MODEL.text(batch, mask)
    return torch.nn.functional.normalize(pooled, dim=-1), torch.nn.functional.normalize(tokens, dim=-1), mask


@settings(max_examples=40, deadline=None)
@given(texts)
def test_ragged_equals_padded(captions):
    pooled, tokens, mask = padded(captions)
    found = MODEL.encode_texts(captions)
    width = found.tokens.shape[1]
    assert width == int(mask.sum(1).max())
    assert torch.equal(found.mask, mask[:, :width])
    torch.testing.assert_close(found.pooled, pooled, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.tokens, tokens[:, :width] * mask[:, :width, None], atol=1e-5, rtol=0)


@settings(max_examples=15, deadline=None)
@given(texts)
def test_padded_on_request_gives_every_position(captions):
    pooled, tokens, _ = padded(captions)
    found = MODEL.encode_texts(captions, pad_to_context=True)
    assert found.mask.all()
    assert found.tokens.shape == (len(captions), 32, 48)
    torch.testing.assert_close(found.pooled, pooled, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.tokens, tokens, atol=1e-5, rtol=0)


def test_order_and_duplicates():
    captions = ["a plane", "the green harbor of trees", "A  plane", "a plane", "harbor"]
    found = MODEL.encode_texts(captions)
    assert torch.equal(found.pooled[0], found.pooled[2])
    assert torch.equal(found.pooled[0], found.pooled[3])
    one = torch.cat([MODEL.encode_texts([text]).pooled for text in captions])
    torch.testing.assert_close(found.pooled, one, atol=1e-5, rtol=0)


def test_equal_texts_are_computed_once(monkeypatch):
    rows = []
    original = MODEL.text.forward
    monkeypatch.setattr(MODEL.text, "forward", lambda ids, mask: rows.append(len(ids)) or original(ids, mask))
    MODEL.encode_texts(["a plane"] * 50 + ["harbor"] * 50)
    assert sum(rows) == 2


def test_without_tokens():
    found = MODEL.encode_texts(["a plane", "harbor"], tokens=False)
    assert found.tokens.shape == (2, 0, 48)
    torch.testing.assert_close(found.pooled, MODEL.encode_texts(["a plane", "harbor"]).pooled)


def test_no_texts_are_refused():
    with pytest.raises(InputError, match="no texts"):
        MODEL.encode_texts([])


@given(st.lists(st.integers(1, 77), max_size=200), st.integers(1, 500), st.sampled_from([None, 77]))
def test_batches_hold_each_text_once_within_budget(lengths, budget, fixed):
    batches = list(ragged.batches(lengths, budget, fixed))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * (fixed or max(lengths[index] for index in batch)) <= budget


def test_many_texts_in_several_batches_equal_one_by_one(monkeypatch):
    captions = ["plane " * (n % 9) + "harbor" for n in range(40)]
    whole = MODEL.encode_texts(captions)
    monkeypatch.setattr(ragged, "CPU_TOKENS", 24)
    small = MODEL.encode_texts(captions)
    torch.testing.assert_close(whole.pooled, small.pooled, atol=1e-5, rtol=0)
    torch.testing.assert_close(whole.tokens, small.tokens, atol=1e-5, rtol=0)
    assert torch.equal(whole.mask, small.mask)


def test_long_context_positions_are_used():
    model = tiny_model(tiny_config(text=tiny_config().text.model_dump() | {"context_length": 248}))
    found = model.encode_texts(["the " * 200 + "harbor", "the " * 200 + "trees"])
    assert found.tokens.shape[1] > 200
    assert not torch.allclose(found.pooled[0], found.pooled[1], atol=1e-4)
