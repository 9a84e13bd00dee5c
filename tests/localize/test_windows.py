from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swath.errors import InputError
from swath.localize.windows import average, default_scales, place_windows

EXTENTS = st.integers(1, 70)


def published(height: int, width: int, scales: list[int]) -> set[tuple[int, int, int, int]]:
    """The windows of the published code, in its own words: files named by their corners, so each place once."""
    found = set()
    for step in scales:
        for gap in (step, int(0.5 * step)):
            for left in range(step - gap, width, step):
                x = (left, left + step) if left + step < width else (width - step, width)
                for top in range(step - gap, height, step):
                    y = (top, top + step) if top + step < height else (height - step, height)
                    found.add((y[0], x[0], y[1], x[1]))
    return found


@given(st.integers(20, 70), st.integers(20, 70), st.lists(st.integers(2, 20), min_size=1, max_size=3))
def test_windows_are_the_published_ones(height, width, scales):
    found = {tuple(map(int, box)) for box in place_windows(height, width, scales)}
    assert found == published(height, width, scales)


@given(EXTENTS, EXTENTS, st.lists(st.integers(1, 100), min_size=1, max_size=3), st.booleans())
def test_windows_are_whole_squares_that_cover_every_pixel(height, width, scales, offset):
    boxes = place_windows(height, width, scales, offset=offset)
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= (height, width)).all()
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (sides[:, 0] == sides[:, 1]).all()
    assert sides.max() <= max(scales)
    assert np.isfinite(average(boxes, np.ones((len(boxes), 1)), height, width).values).all()


@given(EXTENTS, EXTENTS, st.integers(0, 2**32 - 1))
def test_average_equals_adding_up_pixel_by_pixel(height, width, seed):
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, (height, width), (rng.integers(1, 12), 2))
    boxes = np.concatenate([corners, corners + 1 + rng.integers(0, (height, width) - corners)], axis=1)
    scores = rng.normal(size=(len(boxes), 2))
    total, count = np.zeros((2, height, width)), np.zeros((height, width))
    for (top, left, bottom, right), score in zip(boxes, scores, strict=True):
        total[:, top:bottom, left:right] += score[:, None, None]
        count[top:bottom, left:right] += 1
    with np.errstate(invalid="ignore"):
        wanted = total / count
    found = average(boxes, scores, height, width).sample(np.arange(height), np.arange(width))
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_default_scales():
    assert default_scales(3000, 800) == (256, 512, 768)
    assert default_scales(256, 300) == (64, 128, 256)
    assert default_scales(1, 5) == (1,)


@pytest.mark.parametrize("scales", [[], [0], [256, -1]])
def test_bad_scales_are_refused(scales):
    with pytest.raises(InputError, match="scales must be"):
        place_windows(10, 10, scales)
