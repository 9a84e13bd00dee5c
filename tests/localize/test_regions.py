from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from swath.localize.regions import fill_like_opencv, fill_polygon, find_regions

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 25), st.integers(1, 25)))


@given(MASKS)
def test_regions_equal_scipy(mask):
    wanted, count = ndimage.label(mask, np.ones((3, 3)))
    found = find_regions(mask)
    assert found.count == count
    for region in range(count):
        np.testing.assert_array_equal(found.mask(region, mask.shape), wanted == region + 1)
    if count:
        centres = np.array(ndimage.center_of_mass(mask, wanted, range(1, count + 1)))
        np.testing.assert_allclose(found.centroids(), centres)


@given(MASKS)
def test_outlines_cover_the_region_and_nothing_else(mask):
    found = find_regions(mask)
    rows, columns = np.arange(mask.shape[0] + 1) * 2, np.arange(mask.shape[1] + 1) * 3
    for region in range(found.count):
        assert found.outline(region, rows, columns).area == pytest.approx(6 * found.mask(region, mask.shape).sum())


def test_a_diagonal_is_one_region_and_the_pixel_tells_which():
    found = find_regions(np.eye(5, dtype=bool))
    assert found.count == 1
    assert found.at(2, 2) == 0
    assert found.at(2, 3) is None
    assert find_regions(np.zeros((3, 3), dtype=bool)).count == 0


@given(st.lists(st.tuples(st.floats(-10, 40), st.floats(-10, 40)), min_size=3, max_size=8))
def test_filled_pixels_are_those_whose_centres_lie_inside(points):
    polygon = np.array(points)
    shape = (25, 30)
    whole = shapely.Polygon(points)
    filled = fill_polygon(polygon, shape)
    if not whole.is_valid:
        return
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    centres = shapely.points(columns + 0.5, rows + 0.5)
    clear = shapely.distance(whole.boundary, centres) > 1e-6
    np.testing.assert_array_equal(filled[clear], shapely.contains(whole, centres)[clear])


def test_published_filling_takes_outlines_in_and_lets_overlaps_cancel_out():
    square = np.array([[2.9, 2.9], [8.2, 2.0], [8.9, 8.0], [2.0, 8.9]])
    filled = fill_like_opencv([square], (12, 12))
    wanted = np.zeros((12, 12), dtype=bool)
    wanted[2:9, 2:9] = True
    np.testing.assert_array_equal(filled, wanted)
    twice = fill_like_opencv([square, square + 0.05], (12, 12))
    assert not twice[4:7, 4:7].any()
    assert twice[2, 2:9].all()


def test_a_line_is_drawn_as_opencv_draws_it():
    # cv2.fillPoly of a polygon without area leaves its outline.
    line = np.array([[1.0, 1.0], [7.0, 4.0], [1.0, 1.0]])
    found = np.argwhere(fill_like_opencv([line], (6, 9)))
    assert found.tolist() == [[1, 1], [1, 2], [2, 3], [2, 4], [3, 5], [3, 6], [4, 7]]
