from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import InputError
from swath.similarity import global_similarity, pooled, top_k


@given(st.integers(1, 6), st.integers(0, 40), st.integers(1, 12), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_top_k_is_a_stable_sort_cut_at_k(queries, candidates, k, seed):
    generator = torch.Generator().manual_seed(seed)
    q = torch.randint(-1, 2, (queries, 3), generator=generator).float()
    c = torch.randint(-1, 2, (candidates, 3), generator=generator).float()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooled, "_BLOCK", 200)
        scores, index = top_k(q, c, k)
    values, order = (q @ c.T).sort(dim=1, descending=True, stable=True)
    assert index.equal(order[:, :k])
    assert scores.equal(values[:, :k])


def test_candidates_in_several_blocks(monkeypatch):
    torch.manual_seed(0)
    q, c = torch.randn(3, 4), torch.randn((1 << 16) + 500, 4)
    scores, index = top_k(q, c, 20)
    values, order = (q @ c.T).sort(dim=1, descending=True, stable=True)
    assert index.equal(order[:, :20])
    assert scores.equal(values[:, :20])


def test_global_similarity_is_the_cosine():
    images, texts = torch.nn.functional.normalize(torch.randn(3, 4), dim=1), torch.eye(4)
    torch.testing.assert_close(global_similarity(images, texts), images)


@pytest.mark.parametrize(
    "call",
    [
        lambda: global_similarity(torch.zeros(2, 3), torch.zeros(2, 4)),
        lambda: top_k(torch.zeros(2, 3), torch.zeros(2, 4), 1),
        lambda: top_k(torch.zeros(2, 3), torch.zeros(2, 3), 0),
    ],
)
def test_unusable_input_is_refused(call):
    with pytest.raises(InputError):
        call()
