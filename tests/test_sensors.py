from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from swath.errors import SensorError
from swath.sensors import S1_C_BAND_NM, S2_B8A_LAST, SENSORS, matching, sensor, to_db

EVERY = list(SENSORS.values())
NAMES = list(SENSORS)


def pixels_for(entry, height=4, width=5, dtype="float32"):
    generator = np.random.default_rng(3)
    mean = np.array([band.mean for band in entry.bands])[:, None, None]
    std = np.array([band.std for band in entry.bands])[:, None, None]
    values = mean + std * generator.standard_normal((len(entry.bands), height, width))
    if entry.units == "power":
        values = 10 ** (values / 10)
    return values.astype(dtype)


@pytest.mark.parametrize("entry", EVERY, ids=NAMES)
def test_catalogue_is_sound(entry):
    assert SENSORS[entry.name] is entry
    assert entry.bands
    assert len({name.lower() for name in entry.band_names}) == len(entry.bands)
    assert all(band.std > 0 and band.wavelength > 0 for band in entry.bands)
    low, high = entry.stretch
    assert low < high
    assert entry.is_radar == (entry.rgb == ())
    assert all(name in entry.band_names for name in entry.rgb)


@pytest.mark.parametrize("entry", EVERY, ids=NAMES)
def test_no_name_means_two_bands_of_one_sensor(entry):
    names = [name.lower() for band in entry.bands for name in {band.name.lower(), *map(str.lower, band.aliases)}]
    assert len(names) == len(set(names))


def test_sentinel_2_has_its_bands_in_product_order():
    l1c, l2a = SENSORS["s2-l1c"], SENSORS["s2-l2a"]
    assert l1c.band_names == ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
    assert l2a.band_names == tuple(name for name in l1c.band_names if name != "B10")
    assert [band.wavelength for band in l1c.bands] == sorted(band.wavelength for band in l1c.bands)
    assert set(S2_B8A_LAST) == set(l1c.band_names)
    assert S2_B8A_LAST[-1] == "B8A"


def test_statistics_are_those_published():
    # BigEarthNet (L2A and S1) and EuroSAT training data (L1C), each as its users quote it, rounded.
    l2a, l1c, s1 = SENSORS["s2-l2a"], SENSORS["s2-l1c"], SENSORS["s1-grd"]
    band = {name: l2a.bands[l2a.band_index(name)] for name in l2a.band_names}
    assert (band["B04"].mean, band["B04"].std) == pytest.approx((590.24, 675.89), abs=0.02)
    assert (band["B8A"].mean, band["B12"].std) == pytest.approx((2266.46, 818.87), abs=0.02)
    band = {name: l1c.bands[l1c.band_index(name)] for name in l1c.band_names}
    assert (band["B10"].mean, band["B8A"].mean, band["B09"].mean) == pytest.approx((12.11, 2594.14, 732.08), abs=0.05)
    assert [b.mean for b in s1.bands] == pytest.approx([-12.62, -19.29], abs=0.01)


def test_radar_wavelength_is_that_of_5_405_ghz():
    assert pytest.approx(299_792_458 / 5.405e9 * 1e9, rel=1e-6) == S1_C_BAND_NM


@pytest.mark.parametrize(
    ("name", "band"),
    [
        *[("B04", "B04"), ("b4", "B04"), ("red", "B04"), ("nir", "B08"), ("nir08", "B8A"), ("rededge1", "B05")],
        *[("swir16", "B11"), ("swir22", "B12"), ("coastal", "B01"), ("nir09", "B09"), ("B8a", "B8A"), ("blue", "B02")],
    ],
)
def test_bands_answer_to_the_names_catalogues_use(name, band):
    entry = sensor("s2-l2a")
    assert entry.band_names[entry.band_index(name)] == band


def test_unknown_names_list_what_is_known():
    with pytest.raises(SensorError, match=r"unknown sensor 'nope'; known: .*s2-l2a"):
        sensor("nope")
    with pytest.raises(SensorError, match=r"no band 'B10'; it has B01"):
        sensor("s2-l2a").band_index("B10")
    with pytest.raises(SensorError, match=r"family 'nope'"):
        matching("nope")


def test_families_mean_all_their_products():
    assert set(matching("s2")) == {"s2-tci", "s2-l2a", "s2-l1c", "s2-rgb"}
    assert set(matching("S1")) >= {"s1-grd", "s1-grd-linear", "s1-vh-8bit"}
    assert matching("s1-grd") == ("s1-grd",)
    assert matching("rgb") == ("rgb", "rgb-stretched")
    assert matching("landsat") == ("landsat-rgb", "landsat-tm-rgb")


@pytest.mark.parametrize("entry", EVERY, ids=NAMES)
def test_normalised_pixels_have_zero_mean_and_unit_deviation(entry):
    out = entry.normalize(pixels_for(entry, 64, 64))
    assert out.dtype == np.float32
    assert np.abs(out.mean(axis=(1, 2))).max() < 0.1
    assert np.abs(out.std(axis=(1, 2)) - 1).max() < 0.1


@pytest.mark.parametrize("entry", EVERY, ids=NAMES)
def test_invalid_pixels_are_zero_after_normalisation_and_black_when_shown(entry):
    pixels = pixels_for(entry)
    valid = np.ones((4, 5), dtype=bool)
    valid[1] = False
    pixels[:, 0, 0] = np.nan
    out = entry.normalize(pixels, valid)
    assert (out[:, 1] == 0).all()
    assert (out[:, 0, 0] == 0).all()
    assert np.isfinite(out).all()
    assert (entry.to_rgb(pixels, valid)[:, 1] == 0).all()


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(EVERY), st.data())
def test_any_numbers_give_a_picture_and_finite_input(entry, data):
    shape = (len(entry.bands), 3, 4)
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "int16", "float32"]))
    pixels = data.draw(arrays(dtype, shape))
    picture = entry.to_rgb(pixels)
    assert picture.shape == (3, 3, 4)
    assert picture.dtype == np.uint8
    with np.errstate(over="ignore"):
        assert np.isfinite(entry.normalize(pixels)).all()


@pytest.mark.parametrize("value", [0.0, 1e-45, 1.0, 9.007199e15, -3e38])
def test_flat_amplitude_gives_a_picture(value):
    assert (sensor("sar").to_rgb(np.full((1, 4, 4), value, dtype=np.float32)) == 0).all()


@pytest.mark.parametrize("shape", [(11, 4, 4), (13, 4, 4), (12, 4), (4, 4, 12)])
def test_wrong_shapes_say_what_is_wanted(shape):
    with pytest.raises(SensorError, match=r"12 band\(s\).*--sensor"):
        sensor("s2-l2a").normalize(np.zeros(shape, dtype=np.uint16))
    with pytest.raises(SensorError):
        sensor("s2-l2a").to_rgb(np.zeros(shape, dtype=np.uint16))


def test_optical_picture_takes_red_green_blue_and_stretches():
    entry = sensor("s2-l2a")
    pixels = np.zeros((12, 1, 3), dtype=np.uint16)
    pixels[3], pixels[2], pixels[1] = [[0, 1500, 3000]], [[0, 0, 9999]], [[3000, 0, 0]]
    assert entry.to_rgb(pixels)[:, 0].tolist() == [[0, 128, 255], [0, 0, 255], [255, 0, 0]]


def test_eight_bit_picture_is_shown_as_it_is():
    pixels = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    np.testing.assert_array_equal(sensor("rgb").to_rgb(pixels), pixels)


def test_radar_picture_shows_vv_vh_and_their_ratio():
    pixels = np.array([[[-20.0, 0.0, -10.0]], [[-26.0, -6.0, -16.0]]], dtype=np.float32)
    picture = sensor("s1-grd").to_rgb(pixels)
    assert picture[:, 0].tolist() == [[0, 255, 128], [0, 255, 128], [102, 102, 102]]
    linear = sensor("s1-grd-linear").to_rgb((10 ** (pixels / 10)).astype(np.float32))
    assert np.abs(linear.astype(int) - picture).max() <= 1


@pytest.mark.parametrize("name", ["s1-vv", "s1-vh", "s1-vh-8bit", "sar"])
def test_single_radar_bands_are_shown_grey(name):
    entry = sensor(name)
    picture = entry.to_rgb(pixels_for(entry))
    assert (picture[0] == picture[1]).all()
    assert (picture[0] == picture[2]).all()
    assert len(np.unique(picture)) > 3


def test_amplitude_is_stretched_by_its_valid_pixels():
    pixels = np.linspace(100, 200, 100, dtype=np.float32).reshape(1, 10, 10)
    framed = np.pad(pixels, ((0, 0), (20, 20), (20, 20)))
    picture = sensor("sar").to_rgb(framed, framed[0] > 0)
    np.testing.assert_array_equal(picture[:, 20:30, 20:30], sensor("sar").to_rgb(pixels))
    assert picture.max() == 255


@settings(deadline=None)
@given(arrays("float32", 20, elements=st.floats(-1, 2.0**20, width=32, allow_subnormal=False)))
def test_decibel_inverts_and_is_missing_without_power(power):
    decibel = to_db(power)
    assert np.isnan(decibel[power <= 0]).all()
    good = power > 0
    np.testing.assert_allclose(10 ** (decibel[good].astype(float) / 10), power[good], rtol=1e-4)


@pytest.mark.parametrize("name", [name for name, entry in SENSORS.items() if entry.is_grey])
def test_grey_sensors_show_three_equal_bands(name):
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    picture = sensor(name).to_rgb(pixels)
    assert (picture == picture[:1]).all()
    # Eight bits are looked up; the same numbers as floats are computed.
    np.testing.assert_array_equal(picture, sensor(name).to_rgb(pixels.astype(np.float32)))
    # Standardised bands are another matter: no stretch, and as many as the sensor has.
    normal = sensor(name).normalize(pixels)
    np.testing.assert_array_equal(normal, sensor(name).normalize(pixels.astype(np.float32)))
    assert (normal.shape, normal.dtype) == ((1, 16, 16), np.float32)
