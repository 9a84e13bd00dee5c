from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from swath.corpus.landmark.splitting import KM_PER_DEGREE
from swath.corpus.paired import too_near

ORDER = ("train", "val", "test")


def boxes(lons, lat=0.0, side=0.01):
    return [(lon, lat, lon + side, lat + side) for lon in lons]


def test_earlier_splits_give_way():
    bounds = boxes([0.0, 0.02, 0.5, 0.52, 0.9])
    splits = ["train", "test", "test", "val", "train"]
    assert too_near(bounds, splits, ORDER, gap_km=2.0) == [True, False, False, True, False]
    assert too_near(bounds, splits, ORDER, gap_km=0.5) == [False] * 5


def test_images_of_no_split_do_not_count():
    assert too_near(boxes([0.0, 0.0]), ["train", ""], ORDER, gap_km=9.0) == [False, False]


def test_across_the_antimeridian_and_at_the_pole():
    bounds = [
        (179.99, 0.0, 180.0, 0.01),
        (-180.0, 0.0, -179.99, 0.01),
        (-10.0, 89.9, -9.0, 90.0),
        (170.0, 89.9, 171.0, 90.0),
    ]
    assert too_near(bounds, ["train", "test", "train", "test"], ORDER, gap_km=5.0) == [True, False, True, False]


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(40, 41), st.booleans()), min_size=1, max_size=30), st.floats(0, 20)
)
def test_no_train_image_is_left_within_the_gap(places, gap):
    bounds = [(lon, lat, lon + 0.02, lat + 0.02) for lon, lat, _ in places]
    splits = ["test" if test else "train" for _, _, test in places]
    near = too_near(bounds, splits, ORDER, gap)
    for (west, south, east, north), split, gone in zip(bounds, splits, near, strict=True):
        apart = [
            np.hypot(max(a - east, west - c, 0.0) * np.cos(np.radians(max(north, d))), max(b - north, south - d, 0.0))
            * KM_PER_DEGREE
            for (a, b, c, d), other in zip(bounds, splits, strict=True)
            if other == "test"
        ]
        if split == "test":
            assert not gone
        elif not gone:
            assert min(apart, default=np.inf) >= gap * 0.999
