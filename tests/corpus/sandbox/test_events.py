from __future__ import annotations

import numpy as np
import pytest

from swath.corpus.sandbox import days, optical, radar
from swath.corpus.sandbox.classes import BUILT, FUEL, Cover
from swath.corpus.sandbox.climates import REGIONS
from swath.corpus.sandbox.noise import block_mean


def changed(pair, kind):
    """Pixels (10 m) that all four 5 m pixels agree have become `kind`."""
    return block_mean((pair[1].cover == kind).astype(np.float32), 2) > 0.99


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("temperate-coast", {Cover.FLOOD, Cover.FLOODED_VEGETATION}),
        ("desert-river", {Cover.FLOOD}),
        ("tropical-delta", {Cover.FLOOD}),
        ("boreal-lakes", {Cover.BURN}),
        ("mediterranean-fields", {Cover.BURN}),
        ("alpine-valley", {Cover.DAMAGE}),
    ],
)
def test_events_strike_between_the_dates(seen, name, kinds):
    before, after = seen[name]
    assert before.event == ""
    assert after.event == REGIONS[name].climate.event
    for kind in kinds:
        assert not (before.cover == kind).any()
    share = np.isin(after.cover, [int(kind) for kind in kinds]).mean()
    assert 0.001 < share < 0.4


def test_fire_takes_only_what_burns_and_earthquakes_only_what_is_built(seen):
    before, after = seen["mediterranean-fields"]
    assert np.isin(before.cover[after.cover == Cover.BURN], [int(kind) for kind in FUEL]).all()
    before, after = seen["alpine-valley"]
    assert np.isin(before.cover[after.cover == Cover.DAMAGE], [int(kind) for kind in BUILT]).all()


def test_floods_fill_the_low_ground_first(seen):
    before, after = seen["desert-river"]
    height = before.place.terrain.height
    wet = changed((before, after), Cover.FLOOD)
    dry = block_mean((after.cover < Cover.FLOOD).astype(np.float32), 2) > 0.99
    assert np.median(height[wet]) < np.median(height[dry])


def test_a_fire_lowers_vegetation_and_short_wave_rises(seen):
    before, after = seen["boreal-lakes"]
    burnt = changed((before, after), Cover.BURN)
    old, new = (optical.render(day).s2.astype(float) for day in (before, after))
    clear = burnt & (optical.render(after).cloud == 0) & (optical.render(before).cloud == 0)

    def ratio(picture):
        return ((picture[7] - picture[11]) / (picture[7] + picture[11]))[clear].mean()

    assert ratio(old) - ratio(new) > 0.3  # differenced normalised burn ratio; above 0.27 counts as burned (USGS)


def test_open_flood_water_darkens_the_radar_and_soaked_forest_brightens_it(seen):
    before, after = seen["temperate-coast"]
    old, new = radar.render(before), radar.render(after)
    fields = changed((before, after), Cover.FLOOD)
    assert new[0][fields].mean() < old[0][fields].mean() - 3
    woods = changed((before, after), Cover.FLOODED_VEGETATION)
    assert new[0][woods].mean() > old[0][woods].mean() + 1.5


def test_visits_come_in_order_and_the_radar_sees_the_event():
    for region in REGIONS.values():
        for dates in (1, 2, 3, 6):
            visits = days.schedule(4, region, 0, dates)
            assert len(visits) == dates
            assert [v.when for v in visits] == sorted(v.when for v in visits)
            assert len({v.when.date() for v in visits}) == dates
            assert [v.extent > 0 for v in visits] == [False] * (dates - 1) + [dates > 1]
            for visit in visits:
                assert abs((visit.radar - visit.when).days) <= 3
                solar = (visit.when.hour + visit.when.minute / 60 + region.lon / 15) % 24
                assert 10 < solar < 11.2


def test_seasons_of_the_hemispheres_are_opposite():
    for region in REGIONS.values():
        last = days.schedule(0, region, 0, 2)[-1].when.month
        north = (last + (6 if region.southern else 0) - 1) % 12 + 1
        wanted = (region.climate.event_day - 1) // 30.5 + 1
        assert min((north - wanted) % 12, (wanted - north) % 12) <= 1
