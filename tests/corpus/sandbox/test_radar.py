from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from swath.corpus.sandbox import radar
from swath.corpus.sandbox.classes import Cover
from swath.corpus.sandbox.noise import block_mean, stream


def pure(day, *kinds):
    return block_mean(np.isin(day.cover, [int(kind) for kind in kinds]).astype(np.float32), 2) > 0.99


@pytest.fixture(scope="module")
def echoes(seen):
    return {name: [radar.render(day) for day in pair] for name, pair in seen.items()}


def looks(intensity):
    return intensity.mean() ** 2 / intensity.var()


@pytest.mark.parametrize("wanted", [1.0, 4.4, 20.0])
def test_speckle_has_mean_one_and_the_looks_asked_for(wanted):
    field = radar.speckle(stream(0, "speckle"), 400, wanted)
    assert abs(field.mean() - 1) < 0.02
    assert abs(looks(field) / wanted - 1) < 0.06
    assert (field > 0).all()


def test_speckle_is_correlated_between_neighbours_only():
    field = radar.speckle(stream(1, "speckle"), 300) - 1

    def correlation(gap):
        return (field[:, gap:] * field[:, :-gap]).mean() / field.var()

    assert 0.3 < correlation(1) < 0.7
    assert abs(correlation(4)) < 0.05


def test_looks_measured_on_still_water_are_those_of_the_product(echoes, seen):
    found = []
    for name, pair in seen.items():
        for day, picture in zip(pair, echoes[name], strict=True):
            where = pure(day, Cover.LAKE) | pure(day, Cover.RIVER)
            if where.sum() > 1000:
                found.append(looks(10 ** (picture[0][pure(day, Cover.LAKE)] / 10)) if pure(day, Cover.LAKE).sum() > 800
                             else looks(10 ** (picture[0][pure(day, Cover.RIVER)] / 10)))  # fmt: skip
    assert found
    assert abs(np.median(found) / radar.LOOKS - 1) < 0.15


def test_format(echoes):
    picture = echoes["boreal-lakes"][0]
    assert picture.shape == (2, 256, 256)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()
    assert (picture[0].mean() - picture[1].mean()) > 4


def test_water_is_dark_forest_between_and_towns_are_bright(echoes, seen):
    def level(name, *kinds):
        values = [p[0][pure(d, *kinds)] for d, p in zip(seen[name], echoes[name], strict=True)]
        return 10 * np.log10(np.mean(10 ** (np.concatenate(values) / 10)))

    assert level("boreal-lakes", Cover.LAKE) < -14
    assert -12.5 < level("tropical-delta", Cover.RAINFOREST, Cover.MANGROVE) < -5
    assert level("desert-river", Cover.CENTRE, Cover.HOUSES, Cover.INDUSTRY) > -8
    assert level("desert-river", Cover.RIVER) < -16
    assert level("desert-river", Cover.SAND) < -14


def test_slopes_facing_the_radar_are_brighter(seen):
    day = seen["alpine-valley"][0]
    factor = radar.geometry(day)
    _, right = np.gradient(day.place.terrain.elevation, 10.0)
    land = day.place.terrain.water[::2, ::2] == 0
    # a descending pass looks to the west: ground that rises to the west faces it
    assert np.corrcoef(-right[land], np.log(factor[land]))[0, 1] > 0.6
    flat = np.abs(factor[land & (day.place.terrain.slope < 0.02)] - 1)
    assert flat.size == 0 or flat.max() < 0.2
    assert factor.max() <= 10**0.9 + 1e-4


def test_dry_snow_is_clear_and_melting_snow_is_dark(seen):
    day = seen["alpine-valley"][0]
    white = replace(day, snow=np.full_like(day.snow, 1.0), cover=np.full_like(day.cover, Cover.SNOW))
    bare = replace(white, snow=np.zeros_like(day.snow))
    loss = radar._thaw(white)
    assert np.shape(radar._thaw(bare)) == ()
    assert loss.max() <= 0
    assert loss.min() >= -5.001
