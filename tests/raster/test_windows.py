from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.errors import InputError
from swath.raster import tile
from swath.raster.windows import to_crs, to_pixel

extents = st.integers(1, 60)


@settings(deadline=None)
@given(width=extents, height=extents, size=st.integers(1, 70), data=st.data())
def test_windows_cover_every_pixel_and_stay_inside(width, height, size, data):
    stride = data.draw(st.integers(1, size))
    seen = np.zeros((height, width), dtype=int)
    windows = list(tile(width, height, size, stride))
    for window in windows:
        assert (window.width, window.height) == (min(size, width), min(size, height))
        assert window.col + window.width <= width
        assert window.row + window.height <= height
        seen[window.row : window.row + window.height, window.col : window.col + window.width] += 1
    assert seen.min() >= 1
    assert len({(w.col, w.row) for w in windows}) == len(windows)


@settings(deadline=None)
@given(columns=st.integers(1, 6), rows=st.integers(1, 6), size=st.integers(1, 40))
def test_multiples_of_the_size_are_tiled_without_overlap(columns, rows, size):
    windows = list(tile(columns * size, rows * size, size))
    assert [(w.col, w.row) for w in windows] == [(c * size, r * size) for r in range(rows) for c in range(columns)]


def test_last_window_is_shifted_to_the_border():
    assert [w.col for w in tile(600, 256, 256)] == [0, 256, 344]


@pytest.mark.parametrize(("size", "stride"), [(0, None), (256, 0), (256, 257), (-1, 1)])
def test_sizes_that_cannot_cover_are_refused(size, stride):
    with pytest.raises(InputError, match="stride"):
        list(tile(100, 100, size, stride))


@settings(deadline=None)
@given(
    st.builds(
        Affine,
        *[st.floats(1, 100), st.floats(-0.5, 0.5), st.floats(-1e6, 1e6)],
        *[st.floats(-0.5, 0.5), st.floats(-100, -1), st.floats(-1e6, 1e6)],
    ),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
)
def test_pixel_and_crs_coordinates_are_inverse(transform, col, row):
    assert to_pixel(transform, *to_crs(transform, col, row)) == pytest.approx((col, row), abs=1e-4)
