from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.data.audit.hashing import hamming
from swath.data.audit.neighbours import neighbours
from swath.errors import InputError


def brute_force(codes, threshold):
    first, second = np.triu_indices(len(codes), 1)
    distances = hamming(codes[first], codes[second])
    near = distances <= threshold
    return np.stack([first[near], second[near]], axis=1), distances[near]


def clustered(rng, count, flips):
    """Hashes in clusters: a few centres with some bits flipped, so that there are neighbours to find."""
    centres = rng.integers(0, 1 << 63, max(1, count // 4), dtype=np.uint64)
    codes = rng.choice(centres, count)
    for _ in range(flips):
        chosen = rng.random(count) < 0.6
        codes[chosen] ^= np.uint64(1) << rng.integers(0, 64, int(chosen.sum()), dtype=np.uint64)
    return codes


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 60),
    threshold=st.integers(0, 9),
    extra=st.integers(1, 3),
    flips=st.integers(0, 6),
)
def test_equals_brute_force(seed, count, threshold, extra, flips):
    codes = clustered(np.random.default_rng(seed), count, flips)
    pairs, distances = neighbours(codes, threshold, extra).pairs()
    expected, expected_distances = brute_force(codes, threshold)
    assert np.array_equal(pairs, expected)
    assert np.array_equal(distances, expected_distances)


@given(st.lists(st.integers(0, 7), max_size=12), st.integers(0, 63))
@settings(deadline=None, max_examples=40)
def test_equals_brute_force_on_few_different_codes_and_any_threshold(values, threshold):
    codes = np.array(values, dtype=np.uint64) * np.uint64(0x2041_0820_4108_2041)
    pairs, _ = neighbours(codes, threshold, 1).pairs()
    expected, _ = brute_force(codes, threshold)
    assert np.array_equal(pairs, expected)


def test_groups_are_connected_components():
    codes = np.array([0b0000, 0b0011, 0b1111, 0xFF << 40, 0xFF << 40 ^ 1 << 60, 0b0000], dtype=np.uint64)
    assert neighbours(codes, 2).groups() == [[0, 1, 2, 5], [3, 4]]
    assert neighbours(codes, 1).groups() == [[0, 5], [3, 4]]
    assert neighbours(codes, 0).groups() == [[0, 5]]


def test_many_equal_hashes_make_one_group_without_their_pairs():
    codes = np.concatenate([np.zeros(100_000, dtype=np.uint64), np.arange(1, 4, dtype=np.uint64)])
    found = neighbours(codes, 1)
    assert len(found.edges) == 4
    (group,) = found.groups()
    assert len(group) == 100_003


def test_nothing_to_compare():
    for codes in (np.empty(0, dtype=np.uint64), np.array([5], dtype=np.uint64)):
        found = neighbours(codes, 2)
        assert found.groups() == []
        assert found.pairs()[0].shape == (0, 2)


@pytest.mark.parametrize(("threshold", "extra"), [(-1, 1), (64, 1), (2, 0)])
def test_impossible_settings(threshold, extra):
    with pytest.raises(InputError, match="threshold must be 0 to 63"):
        neighbours(np.zeros(2, dtype=np.uint64), threshold, extra)
