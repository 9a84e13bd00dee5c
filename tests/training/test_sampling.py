from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.training.sampling import ALONE, Drawing


def drawn(drawing: Drawing, sensors: list[int], groups: list[int] | None = None, seed: int = 0) -> np.ndarray:
    count = len(sensors)
    steps = drawing.steps([sensors.count(kind) for kind in sorted(set(sensors))])
    members, numbers = np.arange(count) + 100, np.array(groups or [ALONE] * count)
    return drawing.order(members, np.array(sensors), numbers, steps, np.random.default_rng(seed)).reshape(
        steps, drawing.batch
    )


def test_without_wishes_an_epoch_is_a_permutation() -> None:
    members = np.arange(10)
    order = Drawing(4, 1, False, False).order(members, members, members, 2, np.random.default_rng(3))
    assert np.array_equal(order, np.random.default_rng(3).permutation(members))


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 4), st.integers(1, 3), st.integers(0, 99))
def test_each_part_has_equal_shares_and_the_largest_set_is_gone_through_once(
    first: int, second: int, share: int, parts: int, seed: int
) -> None:
    drawing = Drawing(2 * share * parts, parts, True, False)
    batches = drawn(drawing, [0] * first + [1] * second, seed=seed)
    assert len(batches) == max(first, second) // (share * parts)
    for batch in batches:
        for part in range(parts):
            own = batch[part::parts] - 100
            assert (own < first).sum() == share
            assert (np.diff((own >= first).astype(int)) >= 0).all()  # sensor by sensor
    for low, high in ((0, first), (first, first + second)):
        times = np.bincount(batches[(batches - 100 >= low) & (batches - 100 < high)] - 100, minlength=high)[low:high]
        asked = len(batches) * share * parts
        assert times.sum() == asked
        assert set(times) <= {asked // (high - low), -(-asked // (high - low))}


@settings(max_examples=40)
@given(st.integers(2, 5), st.integers(2, 9))
def test_uneven_shares_take_turns(sensors: int, size: int) -> None:
    kinds = [kind for kind in range(sensors) for _ in range(40)]
    batches = drawn(Drawing(size, 1, True, False), kinds)
    shares = np.stack([np.bincount((batch - 100) // 40, minlength=sensors) for batch in batches])
    assert set(shares.flatten()) <= {size // sensors, -(-size // sensors)}
    assert np.ptp(shares.sum(axis=0)) <= 1


@settings(max_examples=40)
@given(st.booleans(), st.integers(1, 3), st.integers(0, 99))
def test_partners_come_into_one_part_and_each_image_once(balance: bool, parts: int, seed: int) -> None:
    places = 24
    sensors, groups = [0] * places + [1] * places, [*range(places), *reversed(range(places))]
    batches = drawn(Drawing(8 * parts, parts, balance, True), sensors, groups, seed)
    assert len(set(batches.flatten())) == batches.size
    for batch in batches:
        for part in range(parts):
            own = np.array(groups)[batch[part::parts] - 100]
            assert (np.unique(own, return_counts=True)[1] == 2).all()


@settings(max_examples=40)
@given(st.integers(0, 99))
def test_images_without_partner_fill_up_and_all_partners_meet(seed: int) -> None:
    """Ten of forty images of the larger set have a partner; every pair meets, whichever sensor has the lower number."""
    for flip in (False, True):
        sensors = [int(flip)] * 10 + [int(not flip)] * 40
        groups = [*range(10), *range(10), *([ALONE] * 30)]
        batches = drawn(Drawing(8, 1, True, True), sensors, groups, seed)
        met = set()
        for batch in batches:
            own = np.array(groups)[batch - 100]
            met |= {group for group in own[own != ALONE] if {100 + group, 110 + group} <= set(batch.tolist())}
        assert met == set(range(10))


def test_only_other_sensors_are_partners_and_large_groups_are_cut() -> None:
    batches = drawn(Drawing(4, 1, False, True), [0] * 4 + [1] * 4, [7] * 8)
    assert sorted(batches.flatten() - 100) == list(range(8))
    batches = drawn(Drawing(4, 1, False, True), [0] * 8, [7] * 8)
    assert sorted(batches.flatten() - 100) == list(range(8))


def test_the_same_seed_draws_the_same() -> None:
    drawing = Drawing(6, 1, True, True)
    sensors, groups = [0] * 9 + [1] * 5, [0, 1, 2, 3, *([ALONE] * 5), 0, 1, 2, 3, ALONE]
    assert np.array_equal(drawn(drawing, sensors, groups, 5), drawn(drawing, sensors, groups, 5))
    assert not np.array_equal(drawn(drawing, sensors, groups, 5), drawn(drawing, sensors, groups, 6))
