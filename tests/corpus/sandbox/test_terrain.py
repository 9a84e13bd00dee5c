from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from swath.corpus.sandbox import terrain
from swath.corpus.sandbox.classes import Cover
from swath.corpus.sandbox.climates import REGIONS
from swath.corpus.sandbox.drainage import drain
from swath.corpus.sandbox.terrain import PIXEL

NAMES = list(REGIONS)[:7]


@given(hnp.arrays(np.float32, (9, 9), elements=st.floats(0, 100, width=32)))
def test_water_always_runs_down_to_the_border(elevation):
    flow = drain(elevation, np.zeros((9, 9), bool))
    filled = flow.filled.ravel()
    assert (flow.filled >= elevation).all()
    moving = flow.receiver != np.arange(81)
    assert (filled[flow.receiver[moving]] <= filled[moving]).all()
    cell = flow.receiver
    for _ in range(81):
        cell = flow.receiver[cell]
    rows, cols = np.divmod(cell, 9)
    assert (np.isin(rows, (0, 8)) | np.isin(cols, (0, 8))).all()
    assert flow.catchment[~moving].sum() == 81


def test_a_pit_fills_to_its_spill_point():
    bowl = np.full((7, 7), 10.0, np.float32)
    bowl[2:5, 2:5] = 4.0
    bowl[3, 0:2] = 6.0
    assert np.allclose(drain(bowl, np.zeros((7, 7), bool)).filled[2:5, 2:5], 6.0, atol=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_rivers_fall_and_lie_in_their_valley(name):
    land = terrain.build(5, name, REGIONS[name].climate, 192)
    assert np.isfinite(land.elevation).all()
    for river in land.rivers:
        assert (np.diff(river.level) <= 1e-9).all()
        assert (river.width > 0).all()
        cells = np.floor(river.points / PIXEL).astype(int)
        inside = ((cells >= 2) & (cells < 190)).all(axis=1)
        at = cells[inside]
        dry = land.elevation[at[:, 1], at[:, 0]] <= river.level[inside] + 0.5
        sea = land.water[at[:, 1] * 2, at[:, 0] * 2] == Cover.SEA
        assert not inside.any() or (dry | sea).mean() > 0.95


def test_the_main_river_is_wider_than_its_streams_and_reaches_both_ends():
    land = terrain.build(2, "boreal-lakes", REGIONS["boreal-lakes"].climate, 256)
    main = [river for river in land.rivers if river.main]
    assert len(main) == 1
    assert main[0].width.mean() > max(river.width.mean() for river in land.rivers if not river.main)
    assert (land.water == Cover.LAKE).mean() > 0.02


@pytest.mark.parametrize(("name", "marine"), [("temperate-coast", True), ("tropical-island", True),
                                              ("boreal-lakes", False), ("desert-river", False)])  # fmt: skip
def test_the_sea_is_where_the_climate_has_one(name, marine):
    land = terrain.build(4, name, REGIONS[name].climate, 192)
    sea = land.water[::2, ::2] == Cover.SEA
    assert (sea.mean() > 0.05) == marine
    if marine:
        assert (land.elevation[sea] < 0.5).mean() > 0.98
        assert (land.shore[sea] < 25).mean() > 0.95
        assert (land.shore[~sea] > 5).mean() > 0.95


def test_mountains_are_steeper_than_deltas():
    steep = terrain.build(1, "x", REGIONS["alpine-valley"].climate, 192).slope.mean()
    flat = terrain.build(1, "x", REGIONS["tropical-delta"].climate, 192).slope.mean()
    assert 0.3 < steep < 1.3
    assert flat < 0.03
