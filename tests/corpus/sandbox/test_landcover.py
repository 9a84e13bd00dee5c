from __future__ import annotations

import numpy as np
import pytest

from swath.corpus.sandbox.classes import BUILT, CROPS, FOREST, LABELS, LOOKS, Cover, Material
from swath.corpus.sandbox.climates import CLIMATES, REGIONS, choose
from swath.corpus.sandbox.noise import stream
from swath.corpus.sandbox.parcels import divide, farmed, rotate
from swath.errors import InputError


def share(day, kinds):
    return float(np.isin(day.cover, [int(kind) for kind in kinds]).mean())


def test_numbers_of_covers_and_materials_are_apart():
    assert not {int(c) for c in Cover} & {int(m) for m in Material}
    assert set(LOOKS) == set(Cover)
    assert len({look.colour for look in LOOKS.values()}) == len(LOOKS)
    assert set().union(*LABELS.values()) == set(Cover)


def test_parcels_are_whole_and_of_the_size_asked_for():
    parcels = divide(stream(0, "p"), 400, (100, 140), 5.0)
    assert parcels.ids.min() >= 0
    assert parcels.ids.max() < parcels.count
    area = parcels.area()
    assert area.sum() == 400 * 400
    hectares = np.median(area[area > 40]) * 25 / 10_000
    assert 0.7 < hectares < 5
    assert 0.02 < parcels.border.mean() < 0.3
    ones = parcels.mean(np.ones((400, 400), np.float32))
    assert np.allclose(ones[area > 0], 1)


def test_farmed_takes_the_best_land_up_to_the_share():
    parcels = divide(stream(1, "p"), 200, (60, 100), 5.0)
    east = np.tile(np.linspace(-1, 1, 200, dtype=np.float32), (200, 1))
    chosen = farmed(parcels, east, 0.5)[parcels.ids]
    assert 0.1 < chosen.mean() < 0.3
    assert (east[chosen] > 0).mean() > 0.95
    assert not farmed(parcels, east, 0.0).any()
    assert not farmed(parcels, np.full((200, 200), -1, np.float32), 1.0).any()


def test_rotation_follows_the_weights():
    crops = rotate(stream(0, "r"), 9000, {Cover.RICE: 3, Cover.MAIZE: 1})
    assert abs((crops == Cover.RICE).mean() - 0.75) < 0.03


def test_each_climate_has_its_landscape(seen):
    day = {name: pair[0] for name, pair in seen.items()}
    assert share(day["boreal-lakes"], FOREST) > 0.35
    assert share(day["desert-river"], {Cover.SAND, Cover.ROCK}) > 0.3
    assert share(day["tropical-delta"], {Cover.RICE}) > 0.15
    assert share(day["mediterranean-fields"], CROPS) > 0.1
    assert share(day["tropical-island"], {Cover.SEA, Cover.REEF}) > 0.1
    assert share(day["tropical-island"], {Cover.RAINFOREST}) > 0.1
    for name in ("temperate-coast", "desert-river", "tropical-delta"):
        assert 0.005 < share(day[name], BUILT) < 0.5, name


def test_every_pixel_is_known(seen):
    known = [int(cover) for cover in Cover]
    stuff = known + [int(material) for material in Material]
    for pair in seen.values():
        for day in pair:
            assert np.isin(day.cover, known).all()
            assert np.isin(day.material, stuff).all()


def test_regions_lie_far_apart_and_are_split_whole():
    assert len(REGIONS) == 5 * len(CLIMATES)
    places = np.array([(region.lon, region.lat) for region in REGIONS.values()])
    gaps = np.abs(places[:, None] - places[None]).max(-1) + 10 * np.eye(len(places))
    assert gaps.min() > 1
    assert {region.split for region in choose(None)} == {"train", "val", "test"}
    assert {region.climate.name for region in REGIONS.values() if region.split == "test"} == set(CLIMATES) - {
        name for name in CLIMATES if all(r.split != "test" for r in REGIONS.values() if r.climate.name == name)
    }
    assert {region.southern for region in choose(None)} == {True, False}


@pytest.mark.parametrize("wrong", [0, 36, -1, [], ["atlantis"], ["boreal-lakes", "boreal-lakes"]])
def test_wrong_regions_are_refused(wrong):
    with pytest.raises(InputError, match="region"):
        choose(wrong)
