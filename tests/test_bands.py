from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swath.bands import RGB_BANDS, S1_BANDS, S2_L1C_BANDS, S2_L2A_BANDS, arrange, canonical, places
from swath.errors import SensorError
from swath.sensors import SENSORS, sensor

PLANES = np.arange(13, dtype=np.float32)[:, None, None] * np.ones((1, 4, 4), np.float32)


@pytest.mark.parametrize(
    ("names", "one"),
    [
        (("B4", "B04", "b04", "red", "r"), "B04"),
        (("B8A", "B8a", "nir08"), "B8A"),
        (("B8", "B08", "nir"), "B08"),
        (("B1", "B01", "coastal"), "B01"),
        (("B10", "cirrus"), "B10"),
        (("vv", "VV"), "VV"),
        (("SAR",), "SAR"),
        (("NDVI", "ndvi"), "ndvi"),
    ],
)
def test_one_name_for_a_band(names, one):
    assert {canonical(name) for name in names} == {one}


def test_every_band_of_the_catalogue_keeps_apart_from_the_others_of_its_sensor():
    for entry in SENSORS.values():
        assert len({canonical(name) for name in entry.band_names}) == len(entry.bands)
        assert places(entry, entry.band_names) == tuple(range(len(entry.bands)))


def test_twelve_and_thirteen_bands_meet_by_name():
    # By position everything behind B9 would be one band off.
    assert places(sensor("s2-l2a"), S2_L1C_BANDS, {"B10": 0.0}) == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, None, 10, 11)
    assert places(sensor("s2-l1c"), S2_L2A_BANDS) == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12)
    assert places(sensor("s2-l2a"), RGB_BANDS) == (3, 2, 1)
    assert places(sensor("rgb"), ("B4", "B3", "B2")) == (0, 1, 2)
    assert places(sensor("s1-grd"), ("VH", "VV")) == (1, 0)


def test_missing_bands_are_an_error_that_says_what_to_do():
    with pytest.raises(SensorError, match=r"'s2-l2a' lacks band\(s\) B10 .*fill: \{B10: 0\}"):
        places(sensor("s2-l2a"), S2_L1C_BANDS)
    with pytest.raises(SensorError, match=r"lacks band\(s\) B1, B5"):
        places(sensor("rgb"), ("B1", "B4", "B5"))
    with pytest.raises(SensorError, match="B04 cannot be filled: sensor 's2-l2a' has it"):
        places(sensor("s2-l2a"), S2_L2A_BANDS, {"B04": 0})
    with pytest.raises(SensorError, match="B10 cannot be filled"):
        places(sensor("s2-l2a"), S2_L2A_BANDS, {"B10": 0})


@settings(max_examples=30, deadline=None)
@given(st.permutations(S2_L1C_BANDS), st.sampled_from(["s2-l1c", "s2-l2a", "rgb"]))
def test_bands_in_any_order_come_out_in_the_sensors(order, name):
    wanted = arrange(PLANES, S2_L1C_BANDS, sensor(name))
    found = arrange(PLANES[[S2_L1C_BANDS.index(band) for band in order]], order, sensor(name))
    assert np.array_equal(found, wanted)
    assert len(found) == len(sensor(name).bands)


def test_flipped_polarisations_are_put_right():
    flipped = np.stack([np.full((2, 2), -20.0), np.full((2, 2), -10.0)])
    assert arrange(flipped, ("VH", "VV"), sensor("s1-grd"))[:, 0, 0].tolist() == [-10.0, -20.0]
    assert arrange(flipped, S1_BANDS, sensor("s1-grd"))[:, 0, 0].tolist() == [-20.0, -10.0]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (S2_L2A_BANDS, "12 band names"),
        ((*S2_L1C_BANDS[:-1], "B1"), "named twice"),
        ((*S2_L1C_BANDS[:-1], "B04"), "named twice"),
        ((*S2_L1C_BANDS[:-1], "B77"), r"needs band\(s\) B12"),
    ],
)
def test_arrays_that_do_not_fit_their_names(names, message):
    with pytest.raises(SensorError, match=message):
        arrange(PLANES, names, sensor("s2-l1c"))


def test_twelve_or_thirteen_bands_are_shown_in_the_same_colours():
    """Composition goes by name: a 13th band must not turn an optical image into a radar's."""
    rng = np.random.default_rng(0)
    thirteen = rng.uniform(0, 3000, (13, 8, 8)).astype(np.float32)
    twelve = arrange(thirteen, S2_L1C_BANDS, sensor("s2-l2a"))
    red, green, blue = (thirteen[S2_L1C_BANDS.index(name)] for name in ("B4", "B3", "B2"))
    for name, pixels, high in (("s2-l1c", thirteen, 3500), ("s2-l2a", twelve, 3000)):
        wanted = np.clip(np.rint(np.stack([red, green, blue]) * (255 / high)), 0, 255).astype(np.uint8)
        assert np.abs(sensor(name).to_rgb(pixels).astype(int) - wanted).max() <= 1
    for name, pixels in (("s2-l1c", twelve), ("s2-l2a", thirteen), ("s1-grd", twelve)):
        with pytest.raises(SensorError, match="select the bands"):
            sensor(name).to_rgb(pixels)


def test_radar_bands_say_their_polarisation():
    assert [band.polarization for band in sensor("s1-grd").bands] == ["VV", "VH"]
    assert [band.polarization for band in sensor("sar").bands] == [""]
    assert not any(band.is_radar for band in sensor("s2-l1c").bands)
