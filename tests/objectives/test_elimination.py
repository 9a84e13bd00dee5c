from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from swath.errors import CheckpointError, InputError
from swath.objectives.elimination import NOTHING, SimilarityBank, keep_masks, keep_rows


def bank_of(values: list[float]) -> SimilarityBank:
    bank = SimilarityBank(len(values))
    bank.record(torch.arange(len(values)), torch.tensor(values))
    bank.close_epoch()
    return bank


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=200, unique=True), st.floats(0, 0.99))
def test_threshold_drops_the_share_asked_for(values: list[float], ratio: float) -> None:
    threshold = bank_of(values).threshold(ratio)
    dropped = sum(value <= threshold for value in torch.tensor(values).tolist())
    assert dropped == round(ratio * len(values))


def test_small_sets_drop_as_many_as_large_ones() -> None:
    """The released code's bank of 200,000 random numbers never drops anything on a set of this size."""
    similarity = torch.linspace(0.1, 0.9, 1000)
    bank = SimilarityBank(1000)
    bank.record(torch.arange(1000), similarity)
    bank.close_epoch()
    assert int((~keep_rows(similarity, bank.threshold(0.01))).sum()) == 10


def test_nothing_is_dropped_before_an_epoch_is_over() -> None:
    bank = SimilarityBank(4)
    bank.record(torch.tensor([0, 1]), torch.tensor([0.2, 0.4]))
    assert bank.threshold(0.5) == NOTHING
    bank.close_epoch()
    assert bank.seen == 2
    assert bank.threshold(0.5) == pytest.approx(0.2)


def test_a_pair_seen_twice_keeps_the_later_value() -> None:
    """Threads share a long row of indices, and the second one's first comes before the first one's last."""
    half = 1 << 17
    index = torch.arange(2 * half)
    index[half] = half - 1
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        bank = SimilarityBank(2 * half)
        bank.record(index, torch.arange(2 * half) / (2 * half))
    finally:
        torch.set_num_threads(threads)
    bank.close_epoch()
    assert bank.seen == 2 * half - 1
    assert bank.weakest(half)[-1].index == half - 1
    assert bank.weakest(half)[-1].similarity == 0.5


def test_an_empty_epoch_keeps_the_last_one() -> None:
    bank = bank_of([0.1, 0.9])
    bank.close_epoch()
    assert bank.threshold(0.5) == pytest.approx(0.1)


def test_weakest_are_listed_first_and_unseen_pairs_never() -> None:
    bank = SimilarityBank(5)
    bank.record(torch.tensor([4, 1, 3]), torch.tensor([0.3, 0.1, 0.2]))
    bank.close_epoch()
    assert [pair.index for pair in bank.weakest(10)] == [1, 3, 4]


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=32), st.floats(-2, 2, width=32))
def test_a_batch_is_never_emptied(values: list[float], threshold: float) -> None:
    similarity = torch.tensor(values)
    keep = keep_rows(similarity, threshold)
    assert keep.any()
    if bool((similarity > threshold).any()):
        assert torch.equal(keep, similarity > threshold)
    else:
        assert keep.sum() == 1
        assert keep[similarity.argmax()]


def test_pairs_that_are_all_alike_leave_one_in_a_batch() -> None:
    """A collapsed model gives every pair one similarity, which is then the threshold."""
    threshold = bank_of([0.5] * 8).threshold(0.2)
    assert keep_rows(torch.full((8,), 0.5), threshold).sum() == 1


def test_joint_uses_the_global_mask_and_split_each_its_own() -> None:
    similarities = {"global": torch.tensor([0.1, 0.5, 0.9]), "local": torch.tensor([9.0, 1.0, 5.0])}
    thresholds = {"global": 0.3, "local": 2.0}
    joint = keep_masks(similarities, thresholds, "joint")
    assert joint["local"].tolist() == joint["global"].tolist() == [False, True, True]
    assert keep_masks(similarities, thresholds, "split")["local"].tolist() == [True, False, True]


def test_split_without_a_local_threshold_is_refused() -> None:
    with pytest.raises(InputError, match="local"):
        keep_masks({"global": torch.zeros(2), "local": torch.zeros(2)}, {"global": 0.0}, "split")


def test_state_goes_round_and_refuses_another_training_set() -> None:
    bank = bank_of([0.3, 0.1, 0.2])
    bank.record(torch.tensor([2]), torch.tensor([0.7]))
    other = SimilarityBank(3)
    other.load_state_dict(bank.state_dict())
    bank.close_epoch()
    other.close_epoch()
    assert other.weakest(3) == bank.weakest(3)
    with pytest.raises(CheckpointError, match="4 pairs"):
        SimilarityBank(4).load_state_dict(bank.state_dict())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_similarities_must_be_finite(value: float) -> None:
    with pytest.raises(InputError, match="1 of 2"):
        SimilarityBank(2).record(torch.tensor([0, 1]), torch.tensor([0.1, value]))


@pytest.mark.parametrize("ratio", [-0.1, 1.0])
def test_impossible_ratio(ratio: float) -> None:
    with pytest.raises(InputError, match="drop ratio"):
        bank_of([0.1]).threshold(ratio)
