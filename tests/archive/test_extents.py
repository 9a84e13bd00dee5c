"""Extents of sensors: counts, places and times, across the antimeridian too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely

from archive.fakes import START, filled, grid, make_chip, units
from swath.archive import Archive
from swath.archive.extents import Extent, extents


def test_each_sensor_has_its_own(tmp_path: Path) -> None:
    chips = [
        make_chip(1, 10, 20, side=2, date=START),
        make_chip(2, -30, -40, side=2, date=START + timedelta(days=9)),
        make_chip(3, 5, 5, side=2, sensor="s1-grd", date=None),
        make_chip(4, None, sensor="s2-l2a", date=START),
    ]
    found = extents(filled(tmp_path / "archive", chips, units(4)).snapshot())
    assert set(found) == {"rgb", "s1-grd", "s2-l2a"}
    assert found["rgb"] == Extent(2, (-31.0, -41.0, 11.0, 21.0), (START, START + timedelta(days=9)))
    assert found["s1-grd"] == Extent(1, (4.0, 4.0, 6.0, 6.0), None)
    assert found["s2-l2a"] == Extent(1, None, (START, START))


def test_across_the_antimeridian_west_is_above_east(tmp_path: Path) -> None:
    split = shapely.MultiPolygon([shapely.box(179, 0, 180, 1), shapely.box(-180, 0, -179, 1)])
    chips = [make_chip(1, geometry=split), make_chip(2, 175, 2, side=2), make_chip(3, -175, -2, side=2)]
    box = extents(filled(tmp_path / "archive", chips, units(3)).snapshot())["rgb"].bbox
    assert box == (174.0, -3.0, -174.0, 3.0)


def test_all_chips_lie_within(tmp_path: Path) -> None:
    chips = grid(60, seed=4)
    found = extents(filled(tmp_path / "archive", chips, units(60)).snapshot())
    for name, extent in found.items():
        own = [chip for chip in chips if chip.scene.sensor == name]
        assert extent.rows == len(own)
        placed = np.array([chip.footprint.bbox for chip in own if chip.footprint])
        assert extent.bbox is not None
        assert (extent.bbox[1], extent.bbox[3]) == pytest.approx((placed[:, 1].min(), placed[:, 3].max()))
        times = [chip.scene.datetime for chip in own if chip.scene.datetime]
        assert extent.interval == (min(times), max(times))


def test_an_empty_archive_has_none(tmp_path: Path) -> None:
    assert extents(Archive.create(tmp_path / "archive", "fake@1", 16).snapshot()) == {}
