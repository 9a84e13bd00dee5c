from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from swath.corpus.sandbox import paths
from swath.corpus.sandbox.noise import stream


@pytest.mark.parametrize("angle", [0.0, 0.7, 1.4])
def test_meander_joins_its_ends_and_bends_with_the_angle(angle):
    start, end = np.array([100.0, 200.0]), np.array([4100.0, 900.0])
    points = paths.meander(stream(0, "m"), start, end, angle=angle, wavelength=700)
    assert np.allclose(points[0], start)
    assert np.allclose(points[-1], end)
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert steps.max() < 5.5
    sinuosity = steps.sum() / np.hypot(*(end - start))
    assert sinuosity < 1.1 if angle == 0 else sinuosity > 1.05
    assert angle < 1 or sinuosity > 1.2


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 1000))
def test_nearest_is_nearest(count, seed):
    points = np.random.default_rng(seed).uniform(0, 320, (count, 2))
    index = paths.nearest(points, 32, 10.0)
    away = paths.distance(points, index, 10.0)
    centre = (np.arange(32) + 0.5) * 10
    brute = np.hypot(points[:, 0, None, None] - centre[None, None], points[:, 1, None, None] - centre[None, :, None])
    assert np.all(away >= brute.min(0) - 1e-3)
    assert np.all(away <= brute.min(0) + 15)
    # Of several points in a pixel the last is kept; to those that are kept the distance is right but for a few pixels.
    kept = list({cell: place for place, cell in enumerate(map(tuple, points // 10))}.values())
    assert (np.abs(away - brute[kept].min(0)) < 1e-2).mean() > 0.98


def test_nearest_without_points_says_so():
    outside = np.array([[-50.0, 3.0]])
    assert (paths.nearest(outside, 8, 10.0) == -1).all()
    assert np.isinf(paths.distance(outside, paths.nearest(outside, 8, 10.0), 10.0)).all()
    assert np.isinf(paths.distance_to(np.zeros((8, 8), bool), 10.0)).all()


def test_distance_to_equals_the_exact_transform():
    mask = np.zeros((64, 64), bool)
    mask[10:20, 30:34] = mask[50, 5] = True
    exact = ndimage.distance_transform_edt(~mask, sampling=5.0)
    assert np.allclose(paths.distance_to(mask, 5.0), exact, atol=0.01)


@given(hnp.arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 2)))
def test_patches_equal_an_independent_labelling(values):
    labels, areas = paths.patches(values)
    assert np.array_equal(areas, np.bincount(labels.ravel()))
    count = 0
    for value in np.unique(values):
        reference, found = ndimage.label(values == value)
        count += found
        for number in range(1, found + 1):
            assert len(np.unique(labels[reference == number])) == 1
    assert count == len(areas)


def test_grow_takes_the_eight_neighbours():
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    assert paths.grow(mask).sum() == 9
    assert paths.grow(mask, 2).all()


@given(st.integers(2, 30), st.integers(0, 99))
def test_easing_and_corner_cutting_keep_the_ends(count, seed):
    points = np.random.default_rng(seed).uniform(0, 100, (count, 2))
    for curve in (paths.chaikin(points), paths.eased(points, 5), paths.resample(points, 3.0)):
        assert np.allclose(curve[[0, -1]], points[[0, -1]])
