from __future__ import annotations

import pytest
import torch

from swath.features import Features
from swath.models.reasoner import KeywordReasoner, ReasonerOptions


def features(batch: int, tokens: int, width: int, real: list[int] | None = None) -> Features:
    mask = torch.ones(batch, tokens, dtype=torch.bool)
    for row, count in enumerate(real or []):
        mask[row, count:] = False
    return Features(torch.randn(batch, width), torch.randn(batch, tokens, width), mask)


def test_shape_and_gradient() -> None:
    reasoner = KeywordReasoner(64, 11, ReasonerOptions(layers=2))
    text, image = features(3, 5, 64), features(3, 7, 64)
    logits = reasoner(text, image)
    assert logits.shape == (3, 5, 11)
    logits.square().mean().backward()
    assert all(parameter.grad is not None for parameter in reasoner.parameters())


def test_padding_changes_nothing() -> None:
    torch.manual_seed(1)
    reasoner = KeywordReasoner(64, 11).eval()
    text, image = features(2, 6, 64, real=[3, 6]), features(2, 4, 64, real=[4, 2])
    noisy_text = Features(text.pooled, torch.where(text.mask[..., None], text.tokens, 9.0), text.mask)
    noisy_image = Features(image.pooled, torch.where(image.mask[..., None], image.tokens, -9.0), image.mask)
    with torch.no_grad():
        torch.testing.assert_close(reasoner(noisy_text, noisy_image)[text.mask], reasoner(text, image)[text.mask])


@pytest.mark.parametrize(("sees", "changes"), [("patches", False), ("patches_and_global", True)])
def test_what_the_text_attends_to(sees: str, changes: bool) -> None:
    torch.manual_seed(2)
    reasoner = KeywordReasoner(64, 5, ReasonerOptions.model_validate({"layers": 1, "sees": sees})).eval()
    text, image = features(2, 3, 64), features(2, 4, 64)
    other = Features(torch.randn(2, 64), image.tokens, image.mask)
    with torch.no_grad():
        assert (not torch.equal(reasoner(text, image), reasoner(text, other))) is changes
