from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from generate.processes import run_in_two
from swath.errors import InputError
from swath.objectives.contrastive import NO_CAPTION, contrastive_loss, contrastive_loss_of, gather, shared_captions
from swath.objectives.elimination import keep_rows


def unit(rows: int, dim: int = 8, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def by_hand(images: torch.Tensor, texts: torch.Tensor, scale: float, positives: torch.Tensor) -> float:
    """The formula of the module, term by term, in plain floats."""

    def half(scores: list[list[float]], marks: list[list[bool]]) -> float:
        terms = []
        for row, mark in zip(scores, marks, strict=True):
            if any(mark):
                total = math.log(sum(math.exp(value) for value in row))
                terms.append(-sum(v - total for v, m in zip(row, mark, strict=True) if m) / sum(mark))
        return sum(terms) / len(terms)

    logits = scale * images.double() @ texts.double().T
    return (half(logits.tolist(), positives.tolist()) + half(logits.T.tolist(), positives.T.tolist())) / 2


@given(st.integers(2, 6), st.floats(1, 30), st.integers(0, 1000))
def test_one_positive_is_clips_loss(count: int, scale: float, seed: int) -> None:
    images, texts = unit(count, seed=seed), unit(count, seed=seed + 1)
    logits, labels = scale * images @ texts.T, torch.arange(count)
    expected = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    assert contrastive_loss(images, texts, scale).item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-6)


@given(st.integers(2, 5), st.integers(2, 7), st.integers(0, 1000))
def test_many_positives_follow_the_formula(images: int, texts: int, seed: int) -> None:
    positives = torch.rand(images, texts, generator=torch.Generator().manual_seed(seed)) < 0.4
    positives[0, 0] = True
    vision, text = unit(images, seed=seed), unit(texts, seed=seed + 1)
    found = contrastive_loss(vision, text, 10.0, positives).item()
    assert found == pytest.approx(by_hand(vision, text, 10.0, positives), rel=1e-4, abs=1e-5)


def test_a_shared_caption_is_not_a_negative() -> None:
    """Two images with one caption and equal vectors: nothing to push apart, so the loss is that of chance."""
    images = unit(1).repeat(2, 1)
    both = torch.ones(2, 2, dtype=torch.bool)
    assert contrastive_loss(images, images, 20.0, both).item() == pytest.approx(math.log(2), abs=1e-5)
    gradient = images.clone().requires_grad_()
    contrastive_loss(gradient, images, 20.0, both).backward()
    assert gradient.grad is not None
    assert gradient.grad.abs().max() < 1e-5


@given(st.integers(1, 7), st.integers(0, 1000), st.floats(-1, 1.1))
def test_eliminated_pairs_lose_their_rows_and_stay_as_columns(count: int, seed: int, threshold: float) -> None:
    """The released code's way: filter the rows of the scores and of their transpose, keep the column numbers."""
    images, texts = unit(count, seed=seed), unit(count, seed=seed + 1)
    logits = 20.0 * images @ texts.T
    keep = keep_rows(logits.diagonal() / 20.0, threshold)
    labels = torch.arange(count)[keep]
    expected = F.cross_entropy(logits[keep], labels) + F.cross_entropy(logits.T[keep], labels)
    found = contrastive_loss(images, texts, 20.0, keep_images=keep, keep_texts=keep, reduction="sum")
    assert math.isfinite(found.item())
    assert found.item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-5)
    positives = torch.eye(count, dtype=torch.bool)
    halved = contrastive_loss_of(logits, positives, keep_images=keep, keep_texts=keep)
    assert halved.item() == pytest.approx(expected.item() / 2, rel=1e-5, abs=1e-5)


def test_an_eliminated_pair_still_pushes_others_away() -> None:
    images, texts = unit(3), unit(3, seed=1).requires_grad_()
    keep = torch.tensor([True, True, False])
    contrastive_loss(images, texts, 20.0, keep_images=keep, keep_texts=keep).backward()
    assert texts.grad is not None
    assert texts.grad[2].abs().max() > 0


def test_a_batch_of_one_has_no_loss_and_no_nan() -> None:
    one = unit(1).requires_grad_()
    loss = contrastive_loss(one, one, 20.0, keep_images=torch.tensor([True]))
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert one.grad is not None
    assert one.grad.isfinite().all()


def test_positives_by_caption() -> None:
    image_captions = torch.tensor([[0, 1, 2], [2, 3, NO_CAPTION]])
    expected = torch.tensor([[True, False, True], [False, True, True]])
    assert torch.equal(shared_captions(image_captions, torch.tensor([1, 3, 2])), expected)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="give positives"):
        contrastive_loss(unit(2), unit(3), 1.0)
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        contrastive_loss(unit(2), unit(3), 1.0, torch.ones(3, 2, dtype=torch.bool))
    with pytest.raises(InputError, match="that is kept"):
        contrastive_loss(unit(2), unit(2), 1.0, keep_texts=torch.zeros(2, dtype=torch.bool))
    with pytest.raises(InputError, match="keep_images"):
        contrastive_loss(unit(2), unit(2), 1.0, keep_images=torch.ones(3, dtype=torch.bool))
    with pytest.raises(InputError, match="no text"):
        contrastive_loss(unit(2), unit(2), 1.0, torch.zeros(2, 2, dtype=torch.bool))


def test_gather_on_one_process_is_the_tensor() -> None:
    tensor = unit(2)
    assert gather(tensor) is tensor


TWO_PROCESSES = """
import torch
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from swath.objectives.contrastive import contrastive_loss, gather, shared_captions

meet()
torch.manual_seed(0)
inputs, targets = torch.randn(8, 6), torch.randn(8, 6)
captions = torch.tensor([0, 1, 2, 0, 3, 4, 1, 5])

class Both(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.text = torch.nn.Linear(6, 5), torch.nn.Linear(6, 5)
        self.scale = torch.nn.Parameter(torch.tensor(2.0))
    def forward(self, x, y, caption, joined):
        take = gather if joined else (lambda value: value)
        vision, text = take(F.normalize(self.image(x), dim=1)), take(F.normalize(self.text(y), dim=1))
        caption = take(caption)
        return contrastive_loss(vision, text, self.scale.exp(), shared_captions(caption[:, None], caption))

torch.manual_seed(1)
model = Both()
whole = model(inputs, targets, captions, False)
expected = torch.autograd.grad(whole, list(model.parameters()))
half = slice(rank * 4, rank * 4 + 4)
parallel = DistributedDataParallel(model)
loss = parallel(inputs[half], targets[half], captions[half], True)
loss.backward()
torch.testing.assert_close(loss, whole)
for parameter, gradient in zip(model.parameters(), expected):
    torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)

# The backward pass of a sum hands one and the same gradient to both of its terms.
first, second = (torch.ones(2, 3, requires_grad=True) for _ in range(2))
(gather(first) + gather(second)).pow(2).sum().backward()
for value in (first, second):
    torch.testing.assert_close(value.grad, torch.full((2, 3), 8.0))
"""


@pytest.mark.slow
def test_two_processes_give_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    run_in_two(TWO_PROCESSES, tmp_path)
