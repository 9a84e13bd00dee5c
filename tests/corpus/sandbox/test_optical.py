from __future__ import annotations

import numpy as np
import pytest

from swath.corpus.sandbox import optical, seasons, spectra
from swath.corpus.sandbox.classes import Cover
from swath.corpus.sandbox.noise import block_mean


@pytest.fixture(scope="module")
def pictures(seen):
    return {name: [optical.render(day) for day in pair] for name, pair in seen.items()}


def pure(day, *kinds):
    """10 m pixels that are wholly of some covers, in the 60 m neighbourhood of nothing else's effect."""
    return block_mean(np.isin(day.cover, [int(kind) for kind in kinds]).astype(np.float32), 2) > 0.99


def ndvi(picture):
    red, nir = picture.s2[3].astype(float), picture.s2[7].astype(float)
    return (nir - red) / (nir + red)


def test_shapes_types_and_no_missing_pixels(pictures):
    for pair in pictures.values():
        for picture in pair:
            assert picture.s2.shape == (12, 256, 256)
            assert picture.s2.dtype == np.uint16
            assert picture.rgb.shape == (3, 512, 512)
            assert picture.rgb.dtype == np.uint8
            assert picture.s2.min() > 0
            assert picture.rgb.min() > 0


@pytest.mark.parametrize(
    ("name", "kinds", "low", "high"),
    [
        ("tropical-island", (Cover.RAINFOREST,), 0.65, 0.95),
        ("boreal-lakes", (Cover.CONIFER,), 0.55, 0.92),
        ("desert-river", (Cover.SAND,), 0.0, 0.2),
        ("desert-river", (Cover.ROCK,), 0.0, 0.25),
        ("temperate-coast", (Cover.SEA,), -1.0, 0.1),
        ("mediterranean-fields", (Cover.SHRUB,), 0.2, 0.75),
        ("temperate-coast", (Cover.INDUSTRY,), -0.05, 0.3),
    ],
)
def test_ndvi_of_each_cover_is_in_its_range(seen, pictures, name, kinds, low, high):
    for day, picture in zip(seen[name], pictures[name], strict=True):
        where = pure(day, *kinds) & (picture.cloud == 0) & (block_mean(day.snow, 2) < 0.01)
        if where.sum() > 30:
            assert low < np.median(ndvi(picture)[where]) < high


def test_water_is_dark_in_the_infrared(seen, pictures):
    for name, pair in seen.items():
        for day, picture in zip(pair, pictures[name], strict=True):
            where = pure(day, Cover.SEA, Cover.LAKE) & (picture.cloud == 0)
            if where.sum() > 30:
                assert np.median(picture.s2[7][where]) < 400
                assert np.median(picture.s2[10][where]) < 300


def test_vegetation_shows_the_red_edge(pictures, seen):
    day, picture = seen["tropical-island"][0], pictures["tropical-island"][0]
    where = pure(day, Cover.RAINFOREST) & (picture.cloud == 0)
    b04, b05, b06, b08, b12 = (picture.s2[k][where].astype(float).mean() for k in (3, 4, 5, 7, 11))
    assert b04 < b05 < b06 < b08
    assert b12 < b08 / 2


def test_coarse_bands_repeat_their_cells(pictures):
    s2 = pictures["desert-river"][0].s2
    for band in spectra.MEDIUM_BANDS:
        assert (s2[band, ::2, ::2] == s2[band, 1::2, 1::2]).all()
    cells = s2[0, :252, :252].reshape(42, 6, 42, 6)
    assert (cells == cells[:, :1, :, :1]).all()


def test_slopes_that_face_the_sun_are_brighter(seen):
    day = seen["alpine-valley"][0]
    light = optical.illumination(day)
    east, north, _ = seasons.sun_direction(day.visit.when, day.place.region.lat)
    down, right = np.gradient(day.place.terrain.elevation, 10.0)
    towards = -(right * east - down * north)
    land = day.place.terrain.water[::2, ::2] == 0
    low, high = np.quantile(towards[land], (0.25, 0.75))
    assert light[land & (towards > high)].mean() > 1.2 * light[land & (towards < low)].mean()


@pytest.mark.parametrize(("lat", "month", "south"), [(50, 6, True), (-40, 12, False), (50, 12, True)])
def test_the_sun_stands_in_the_south_east_of_the_north(lat, month, south):
    from datetime import UTC, datetime

    east, north, up = seasons.sun_direction(datetime(2020, month, 21, tzinfo=UTC), lat)
    assert np.isclose(east**2 + north**2 + up**2, 1)
    assert east > 0
    assert (north < 0) == south
    high = seasons.sun_direction(datetime(2020, 6, 21, tzinfo=UTC), 50)[2]
    assert up <= high + 1e-9 or lat != 50


def test_clear_water_lets_the_bottom_through_only_where_it_is_shallow():
    deep = np.full(3, 0.01, np.float32)
    blue = spectra.through_water(1, deep, np.array([0.5, 5, 100], np.float32), "coral")
    red = spectra.through_water(3, deep, np.array([0.5, 5, 100], np.float32), "coral")
    assert blue[0] > blue[1] > blue[2]
    assert np.isclose(blue[2], 0.01, atol=1e-3)
    assert red[1] < 0.02  # red light does not come back from five metres


def test_mixtures_stay_between_their_parts():
    tables = (spectra.ground_table("brown", 0.5), spectra.leaf_table(), spectra.dry_table())
    material = np.full((1, 5), Cover.GRASS, np.uint8)
    green = np.linspace(0, 1, 5, dtype=np.float32)[None]
    nir = spectra.mix(7, material, tables, green, np.zeros_like(green))
    assert (np.diff(nir) > 0).all()
    assert np.isclose(nir[0, 0], tables[0][Cover.GRASS, 7])
    assert np.isclose(nir[0, -1], tables[1][Cover.GRASS, 7])


def test_endmembers_are_reflectances():
    for name in spectra._ENDMEMBERS:
        values = spectra.endmember(name)
        assert values.shape == (12,)
        assert (values > 0).all()
        assert (values < 1).all()
    wet, dry = spectra.ground_table("red", 1.0), spectra.ground_table("red", 0.0)
    assert (wet[Cover.FALLOW] < dry[Cover.FALLOW]).all()


def test_fields_turn_from_green_to_ripe_to_bare():
    from swath.corpus.sandbox.seasons import _crop

    day = np.array([120.0, 194.0, 270.0], np.float32)
    green, dry, _ = _crop(Cover.CEREAL, day, np.full(3, 0.9, np.float32))
    assert green[0] > 0.5
    assert green[0] > green[1] > green[2]
    assert dry[1] > 0.4 > dry[2]
