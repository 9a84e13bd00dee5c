from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import InputError
from swath.similarity import CaptionBank, rerank, rerank_with_bank
from swath.similarity.reranking import reverse_ranks


def plain_by_loops(scores, k):
    orders = []
    for q in range(len(scores)):
        first = sorted(range(len(scores[0])), key=lambda c: (-scores[q][c], c))[:k]
        reverse = {c: sum(other[c] > scores[q][c] for other in scores) for c in first}
        orders.append(sorted(first, key=lambda c: reverse[c]))  # stable: forward order among equals
    return orders


@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 8), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_reversed_sort_equals_the_loops(queries, candidates, k, seed):
    scores = torch.randint(-3, 4, (queries, candidates), generator=torch.Generator().manual_seed(seed)).float()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("swath.similarity.reranking._BLOCK", 300)
        found = rerank(scores, k)
    assert found.order.tolist() == plain_by_loops(scores.tolist(), k)
    assert found.transductive


def test_multivariate_equals_its_formula_where_scores_are_positive_and_distinct():
    torch.manual_seed(0)
    scores = torch.rand(12, 15, dtype=torch.float64)
    found = rerank(scores, 10, method="multivariate", share_weight=0.3, reverse_weight=1.1)
    for q in range(12):
        forward = scores[q].argsort(descending=True)[:10].tolist()
        worth = {
            c: 0.3 * float(scores[q, c] / scores[:, c].sum())
            + math.exp(-0.05 * (j + 1))
            + 1.1 * math.exp(-0.05 * (int((scores[:, c] > scores[q, c]).sum()) + 1))
            for j, c in enumerate(forward)
        }
        assert found.order[q].tolist() == sorted(forward, key=lambda c: -worth[c])


def test_multivariate_bears_negative_scores():
    scores = torch.tensor([[-0.5, 0.5], [0.5, -0.5]])
    assert rerank(scores, method="multivariate").order[:, 0].tolist() == [1, 0]


def test_a_candidate_that_fits_everything_steps_back():
    # Candidate 0 suits queries 1 and 2 better than query 0; candidate 1 suits query 0 best of all.
    scores = torch.tensor([[0.60, 0.59, 0.1], [0.9, 0.2, 0.1], [0.8, 0.1, 0.3]])
    found = rerank(scores, 2)
    assert found.order[0].tolist() == [1, 0]
    applied = found.apply(scores)
    assert applied[0].argsort(descending=True).tolist() == [1, 0, 2]
    assert applied[0, 2] == scores[0, 2]


def test_what_nothing_tells_apart_stays_tied():
    scores = torch.tensor([[0.5, 0.5, 0.2], [0.1, 0.1, 0.3]])
    found = rerank(scores, 3)
    applied = found.apply(scores)
    assert applied[0, 0] == applied[0, 1] > applied[0, 2]
    assert found.position[0].tolist() == [0, 0, 2]


def test_bank_with_the_other_queries_is_the_transductive_form():
    torch.manual_seed(0)
    scores = torch.rand(9, 11)
    live = rerank_with_bank(scores, scores.T.contiguous(), 5)
    assert live.order.equal(rerank(scores, 5).order)
    assert not live.transductive


def test_one_live_query_alone_equals_itself_among_others(monkeypatch):
    torch.manual_seed(0)
    scores, bank = torch.rand(9, 11), torch.rand(11, 30)
    together = rerank_with_bank(scores, bank, 5)
    monkeypatch.setattr("swath.similarity.reranking._BLOCK", 1)
    alone = [rerank_with_bank(scores[q : q + 1], bank, 5).order[0] for q in range(9)]
    assert together.order.equal(torch.stack(alone))


def test_reverse_ranks_count_strictly_better_queries():
    scores = torch.tensor([[1.0, 0.0], [1.0, 2.0], [3.0, 1.0]])
    candidates = torch.tensor([[0, 1], [0, 1], [0, 1]])
    assert reverse_ranks(scores, candidates).tolist() == [[1, 2], [1, 0], [0, 1]]


def test_a_bank_is_stored_and_read_back(tmp_path):
    bank = CaptionBank(torch.eye(3, 4), ("a", "b", "ü"), "m@1")
    again = CaptionBank.load(bank.save(tmp_path / "bank.safetensors"))
    assert (again.texts, again.model_id, len(again)) == (bank.texts, "m@1", 3)
    assert again.scores(torch.eye(2, 4)).equal(bank.scores(torch.eye(2, 4)))


def test_broken_banks_are_named(tmp_path):
    from safetensors.torch import save_file

    save_file({"pooled": torch.zeros(1, 2)}, tmp_path / "other.safetensors")
    (tmp_path / "noise.safetensors").write_bytes(b"\x00" * 20)
    for name in ("other", "noise", "absent"):
        with pytest.raises(InputError, match=name):
            CaptionBank.load(tmp_path / f"{name}.safetensors")
    with pytest.raises(InputError, match="one vector"):
        CaptionBank(torch.eye(2), ("a",), "m")
    with pytest.raises(InputError, match="image vectors"):
        CaptionBank(torch.eye(2), ("a", "b"), "m").scores(torch.eye(3))


@pytest.mark.parametrize(
    "call",
    [
        lambda: rerank(torch.zeros(3)),
        lambda: rerank(torch.zeros(2, 2), 0),
        lambda: rerank(torch.zeros(2, 2), method="magic"),
        lambda: rerank_with_bank(torch.zeros(2, 3), torch.zeros(2, 4)),
        lambda: rerank_with_bank(torch.zeros(2, 3), torch.zeros(3, 0)),
    ],
)
def test_unusable_input_is_refused(call):
    with pytest.raises(InputError):
        call()
