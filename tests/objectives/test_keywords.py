from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from swath.errors import InputError
from swath.objectives.keywords import NOT_MASKED, keyword_loss


def test_only_masked_positions_count() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 5)
    targets = torch.tensor([[NOT_MASKED, 2, NOT_MASKED], [4, NOT_MASKED, 0]])
    picked = torch.stack([logits[0, 1], logits[1, 0], logits[1, 2]])
    expected = -F.log_softmax(picked, dim=-1)[torch.arange(3), torch.tensor([2, 4, 0])].mean()
    torch.testing.assert_close(keyword_loss(logits, targets), expected)


def test_a_batch_without_masked_words_gives_zero_and_not_nan() -> None:
    logits = torch.randn(1, 2, 3, requires_grad=True)
    loss = keyword_loss(logits, torch.full((1, 2), NOT_MASKED))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_shapes_must_fit() -> None:
    with pytest.raises(InputError, match="different texts"):
        keyword_loss(torch.zeros(1, 2, 3), torch.zeros(1, 3, dtype=torch.long))
