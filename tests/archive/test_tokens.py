from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from swath.archive.tokens import pack, unpack
from swath.errors import ArchiveCorruptError, InputError


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=st.floats(-1, 1, width=32)))
def test_tokens_come_back_within_a_step(values: np.ndarray) -> None:
    norms = np.linalg.norm(values, axis=1)
    values = values[norms > 0.1] / norms[norms > 0.1, None]
    restored = unpack(pack(values))
    assert restored.shape == values.shape
    # Half a step of 1/127 of the largest component a value, and float16's error of the scale.
    assert np.abs(restored - values).max(initial=0) < 0.02


def test_real_dimensions_keep_direction_and_take_a_quarter() -> None:
    values = np.random.default_rng(0).standard_normal((50, 512)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    packed = pack(values)
    restored = unpack(packed)
    assert (restored * values).sum(axis=1).min() > 0.9999
    np.testing.assert_allclose(np.linalg.norm(restored, axis=1), 1, atol=1e-6)
    assert len(packed) == 4 + 50 * 2 + 50 * 512


def test_no_tokens_and_zero_tokens_survive() -> None:
    assert unpack(pack(np.empty((0, 8), np.float32))).shape == (0, 8)
    assert unpack(pack(np.zeros((2, 8), np.float32))).tolist() == np.zeros((2, 8)).tolist()


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((1, 70000)), np.array([[1.0, np.nan]])])
def test_what_cannot_be_packed_is_refused(values: np.ndarray) -> None:
    with pytest.raises(InputError, match="tokens"):
        pack(values)


@pytest.mark.parametrize("cut", [0, 3, 10])
def test_cut_bytes_are_told(cut: int) -> None:
    with pytest.raises(ArchiveCorruptError, match="tokens"):
        unpack(pack(np.eye(4, dtype=np.float32))[:cut])
