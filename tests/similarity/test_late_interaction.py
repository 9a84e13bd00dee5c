from __future__ import annotations

import pytest
import torch

from swath.errors import InputError
from swath.similarity.late_interaction import maxsim


def by_loops(images, texts, image_mask, text_mask):
    found = torch.zeros(len(images), len(texts), dtype=images.dtype)
    for i in range(len(images)):
        for t in range(len(texts)):
            patches, words = images[i][image_mask[i]], texts[t][text_mask[t]]
            if len(patches) and len(words):
                found[i, t] = sum(max(float(p @ w) for p in patches) for w in words) / len(words)
    return found


def test_equals_the_definition(monkeypatch):
    torch.manual_seed(0)
    images, texts = torch.randn(5, 4, 6, dtype=torch.float64), torch.randn(7, 3, 6, dtype=torch.float64)
    image_mask, text_mask = torch.rand(5, 4) < 0.6, torch.rand(7, 3) < 0.6
    image_mask[0], text_mask[0] = False, False
    expected = by_loops(images, texts, image_mask, text_mask)
    torch.testing.assert_close(maxsim(images, texts, image_mask=image_mask, text_mask=text_mask), expected)
    monkeypatch.setattr("swath.similarity.late_interaction._BLOCK", 200)
    torch.testing.assert_close(maxsim(images, texts, image_mask=image_mask, text_mask=text_mask), expected)
    full = torch.ones(5, 4, dtype=torch.bool), torch.ones(7, 3, dtype=torch.bool)
    torch.testing.assert_close(maxsim(images, texts), by_loops(images, texts, *full))


def test_it_sees_the_sign_and_has_a_gradient():
    images, texts = torch.eye(3)[None, :1].requires_grad_(), torch.eye(3)[None, :1]
    assert maxsim(images, texts).item() == 1.0
    assert maxsim(images, -texts).item() == -1.0
    maxsim(images, texts).sum().backward()
    assert images.grad.equal(texts)


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match="equal D"):
        maxsim(torch.zeros(1, 2, 3), torch.zeros(1, 2, 4))
