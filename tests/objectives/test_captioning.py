from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from swath.errors import InputError
from swath.objectives.captioning import caption_loss, next_tokens


def by_hand(logits, targets, known, smoothing):
    """The same, position by position."""
    total = 0.0
    for row in range(targets.shape[0]):
        for place in range(targets.shape[1]):
            if known[row, place]:
                scores = logits[row, place].double()
                log = scores - scores.exp().sum().log()
                total -= (1 - smoothing) * log[targets[row, place]] + smoothing * log.mean()
    return float(total)


@given(seed=st.integers(0, 1000), smoothing=st.sampled_from([0.0, 0.1, 0.5]))
def test_it_is_cross_entropy_over_known_positions(seed, smoothing):
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 5, 7, generator=random)
    targets = torch.randint(0, 7, (3, 5), generator=random)
    known = torch.rand(3, 5, generator=random) < 0.6
    known[0, 0] = True
    found = caption_loss(logits, targets, known, label_smoothing=smoothing)
    assert float(found) == pytest.approx(by_hand(logits, targets, known, smoothing), rel=1e-5)
    # Whatever stands in the padding, and is predicted there, changes nothing.
    other = caption_loss(
        torch.where(known[..., None], logits, torch.tensor(99.0)),
        torch.where(known, targets, 0),
        known,
        label_smoothing=smoothing,
    )
    assert torch.equal(found, other)


def test_it_is_open_clips_caption_loss():
    # There: torch's cross-entropy over logits by position, the padding id ignored.
    logits, ids = torch.randn(2, 6, 9), torch.tensor([[7, 3, 4, 8, 0, 0], [7, 5, 6, 2, 1, 8]])
    mask = torch.tensor([[1, 1, 1, 1, 0, 0], [1] * 6]).bool()
    _, targets, known = next_tokens(ids, mask)
    wanted = torch.nn.CrossEntropyLoss(ignore_index=0)(logits[:, :-1].permute(0, 2, 1), ids[:, 1:])
    assert float(caption_loss(logits[:, :-1], targets, known) / known.sum()) == pytest.approx(float(wanted), rel=1e-6)


def test_inputs_and_targets_are_one_apart():
    ids = torch.tensor([[9, 4, 5, 8], [9, 8, 0, 0]])
    inputs, targets, known = next_tokens(ids, torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool())
    assert inputs.tolist() == [[9, 4, 5], [9, 8, 0]]
    assert targets[known].tolist() == [4, 5, 8, 8]


def test_a_certain_right_answer_costs_nothing_and_chance_log_v():
    targets, known = torch.tensor([[1, 2]]), torch.ones(1, 2, dtype=torch.bool)
    sure = torch.nn.functional.one_hot(targets, 4) * 100.0
    assert float(caption_loss(sure, targets, known)) == pytest.approx(0, abs=1e-6)
    assert float(caption_loss(torch.zeros(1, 2, 4), targets, known)) == pytest.approx(2 * math.log(4))


def test_what_does_not_fit_is_refused():
    known = torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(InputError, match="do not fit"):
        caption_loss(torch.zeros(2, 4, 5), torch.zeros(2, 3, dtype=torch.long), known)
    with pytest.raises(InputError, match="nothing to learn"):
        caption_loss(torch.zeros(2, 3, 5), torch.zeros(2, 3, dtype=torch.long), ~known)
