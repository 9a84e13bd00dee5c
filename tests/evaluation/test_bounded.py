from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import EvaluationError
from swath.evaluation.bounded import BoundedRun, joined
from swath.evaluation.ranking import run_from_scores


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 999))
@settings(max_examples=40)
def test_chunks_of_any_size_and_order_give_the_run_of_the_whole(depth, chunk, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 3, (2, 13), generator=generator).float()
    names = [f"d{(5 * number) % 13}" for number in range(13)]
    falling = sorted(names, reverse=True)
    rank = {name: place for place, name in enumerate(falling)}
    run = BoundedRun(["p", "q"], depth)
    for columns in torch.randperm(13, generator=generator).split(chunk):
        run.add(scores[:, columns], torch.tensor([rank[names[column]] for column in columns]))
    assert run.answers(falling) == run_from_scores(scores, ["p", "q"], names, depth)


@given(st.integers(1, 9), st.integers(0, 999))
@settings(max_examples=20)
def test_answers_over_separate_documents_are_joined_exactly(depth, seed):
    scores = torch.randint(0, 3, (2, 12), generator=torch.Generator().manual_seed(seed)).float()
    names = [f"d{(5 * number) % 12}" for number in range(12)]
    parts = [run_from_scores(scores[:, at], ["p", "q"], names[at], depth) for at in (slice(0, 5), slice(5, 12))]
    whole = run_from_scores(scores, ["p", "q"], names, depth)
    assert joined(parts, depth) == whole
    assert [list(own) for own in joined(parts, depth).values()] == [list(own) for own in whole.values()]


def test_minus_infinity_never_answers_and_memory_is_bounded():
    run = BoundedRun(["q"], 2)
    for place in range(50):
        run.add(torch.tensor([[float("-inf") if place % 2 else float(place)]]), torch.tensor([place]))
        assert run._scores.shape[1] <= 2
    assert run.answers([f"d{place}" for place in range(50)]) == {"q": {"d48": 48.0, "d46": 46.0}}


def test_unusable_input_is_refused():
    with pytest.raises(EvaluationError, match="must not repeat"):
        BoundedRun(["q", "q"], 1)
    with pytest.raises(EvaluationError, match="depth 0"):
        BoundedRun(["q"], 0)
    with pytest.raises(EvaluationError, match="for 1 queries, 2 ids"):
        BoundedRun(["q"], 1).add(torch.zeros(1, 3), torch.zeros(2, dtype=torch.long))
