from __future__ import annotations

import pytest
import torch

from swath.errors import InputError
from swath.similarity import moments
from swath.similarity.moments import STRIPE, masked, packed_moment, second_moment, stripe


@pytest.mark.parametrize("size", [1, 5, 64, 65, 200])
def test_inner_products_of_vectors_are_frobenius_products(size, monkeypatch):
    monkeypatch.setattr(moments, "_CHUNK", 3 * size * size * 8)
    torch.manual_seed(0)
    tokens, mask = torch.randn(7, 6, size, dtype=torch.float64), torch.rand(7, 6) < 0.6
    full = second_moment(tokens, mask)
    expected = torch.einsum("ade,bde->ab", full, full)
    packed = packed_moment(tokens, mask)
    assert packed.shape == (7, size * (size + 1) // 2)
    torch.testing.assert_close(packed @ packed.T, expected)
    found = torch.zeros(7, 7, dtype=torch.float64)
    scratch = torch.empty(7 * STRIPE * size, dtype=torch.float64)
    for start in range(0, size, STRIPE):
        part = stripe(masked(tokens, mask), start, scratch).clone()
        twice = part.clone()
        twice[:, :, part.shape[1] :] *= 2
        found += twice.flatten(1) @ part.flatten(1).T
    torch.testing.assert_close(found, expected)


def test_masked_tokens_are_absent():
    tokens = torch.randn(2, 3, 4)
    mask = torch.tensor([[True, False, True], [False, False, False]])
    found = second_moment(tokens, mask)
    torch.testing.assert_close(found[0], tokens[0, [0, 2]].T @ tokens[0, [0, 2]])
    assert found[1].eq(0).all()


def test_half_precision_is_computed_in_float32():
    tokens = torch.randn(2, 3, 4).half()
    assert second_moment(tokens).dtype == packed_moment(tokens).dtype == torch.float32


def test_wrong_shapes_are_named():
    with pytest.raises(InputError, match=r"\(B, N, D\)"):
        second_moment(torch.zeros(2, 3))
    with pytest.raises(InputError, match="mask"):
        second_moment(torch.zeros(2, 3, 4), torch.ones(2, 4, dtype=torch.bool))
