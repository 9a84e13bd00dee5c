from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from swath.errors import InputError
from swath.localize.filters import box_filter, maximum_filter, median_blur, run_edges

IMAGES = arrays(np.uint8, st.tuples(st.integers(2, 40), st.integers(2, 40)))


@given(IMAGES, st.integers(1, 30))
def test_maximum_equals_scipy(image, size):
    np.testing.assert_array_equal(maximum_filter(image, size), ndimage.maximum_filter(image, size=size))
    values = image.astype(np.float32) / 7
    np.testing.assert_array_equal(maximum_filter(values, size), ndimage.maximum_filter(values, size=size))


@given(IMAGES, st.integers(0, 14))
def test_median_equals_scipy(image, half):
    size = 2 * half + 1
    np.testing.assert_array_equal(median_blur(image, size), ndimage.median_filter(image, size=size, mode="nearest"))


def test_median_of_a_blocky_map_at_the_published_size():
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 256, (5, 7)), np.ones((61, 43))).astype(np.uint8)
    found = median_blur(image, 251)
    padded = np.pad(image, 125, mode="edge")
    for row, column in rng.integers(0, image.shape, (40, 2)):
        assert found[row, column] == np.median(padded[row : row + 251, column : column + 251])


@pytest.mark.parametrize("size", [0, 4, -1])
def test_median_refuses_windows_without_a_middle(size):
    with pytest.raises(InputError, match="odd size"):
        median_blur(np.zeros((4, 4), dtype=np.uint8), size)


@given(arrays(np.uint8, st.tuples(st.integers(20, 40), st.integers(20, 40))), st.integers(1, 19))
def test_box_equals_sums_over_a_mirrored_border(image, size):
    # An even box reaches further up and left, as OpenCV's anchor has it.
    reach = (size // 2, size - 1 - size // 2)
    padded = np.pad(image.astype(np.int64), (reach, reach), mode="reflect")
    sums = np.lib.stride_tricks.sliding_window_view(padded, (size, size)).sum(axis=(2, 3))
    wanted = np.rint(sums.astype(np.float32) * np.float32(1 / size**2)).astype(np.uint8)
    np.testing.assert_array_equal(box_filter(image, size), wanted)


def test_runs_of_equal_lines():
    image = np.array([[1, 1, 2], [1, 1, 2], [1, 1, 3], [1, 1, 2]])
    assert run_edges(image, 0).tolist() == [0, 2, 3, 4]
    assert run_edges(image, 1).tolist() == [0, 2, 3]
    assert run_edges(np.array([[np.nan, np.nan, 1.0]]), 1).tolist() == [0, 2, 3]
