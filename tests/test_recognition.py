from __future__ import annotations

import pytest

from swath.errors import SensorError
from swath.recognition import Evidence, covers, mission_of, recognise, telling
from swath.sensors import S2_B8A_LAST, SENSORS, sensor

EVERY = list(SENSORS.values())
MISSIONS = {
    "landsat-rgb": "landsat-8",
    "landsat-tm-rgb": "landsat-5",
    "planetscope-rgb": "planetscope-sr",
    "reflectance-rgb": "hls",
}


@pytest.mark.parametrize(
    ("evidence", "name"),
    [
        (Evidence(3, "uint8"), "rgb"),
        (Evidence(4, "uint8", ("red", "green", "blue", "nir")), "rgb"),
        (Evidence(3, "uint8", constellation="sentinel-2"), "s2-tci"),
        (Evidence(3, "uint8", ("B04", "B03", "B02"), "sentinel-2"), "s2-tci"),
        (Evidence(12, "uint16"), "s2-l2a"),
        (Evidence(12, "int16", SENSORS["s2-l2a"].band_names), "s2-l2a"),
        (Evidence(13, "uint16"), "s2-l1c"),
        (Evidence(13, "uint16", S2_B8A_LAST), "s2-l1c"),
        (Evidence(2, "float32", low=-28.0), "s1-grd"),
        (Evidence(2, "float32", low=0.001), "s1-grd-linear"),
        (Evidence(2, "float32", ("VV", "VH"), "sentinel-1"), "s1-grd"),
        (Evidence(2, "uint8"), "s1-grd-8bit"),
        (Evidence(1, "uint8", ("VV",)), "s1-vv-8bit"),
        (Evidence(1, "uint8", ("vh",), "sentinel-1"), "s1-vh-8bit"),
        (Evidence(1, "float32", ("VV",), low=-20.0), "s1-vv"),
        (Evidence(1, "float32", ("VH",), low=-30.0), "s1-vh"),
        (Evidence(1, "float32", ("VV",), low=0.01), "sar"),
        (Evidence(1, "uint8", constellation="sentinel-1"), "sar"),
        (Evidence(1, "uint8"), "sar"),
        (Evidence(1, "uint16", ("SAR",)), "sar"),
        # Pictures of more than three bands, and in other orders: by name.
        (Evidence(4, "uint8", ("Blue", "Green", "Red", "Near-Infrared")), "rgb"),
        (Evidence(5, "uint8", ("red", "green", "blue", "nir", "dsm")), "rgb"),
        (Evidence(3, "uint8", ("nir", "red", "green")), "cir"),
        (Evidence(3, "uint8", ("B08", "B04", "B03"), "sentinel-2"), "cir"),
        (Evidence(3, "uint16", ("nir", "red", "green")), "cir-stretched"),
        # Reflectance of a mission whose numbers are known.
        (Evidence(4, "uint16", ("B02", "B03", "B04", "B08")), "s2-rgb"),
        (Evidence(4, "uint16", ("B2", "B3", "B4", "B8")), "s2-rgb"),
        (Evidence(3, "uint16", ("B4", "B3", "B2"), "sentinel-2"), "s2-rgb"),
        (Evidence(4, "uint16", ("red", "green", "blue", "nir"), "sentinel-2"), "s2-rgb"),
        (Evidence(7, "uint16", tuple(f"SR_B{n}" for n in range(1, 8)), "landsat-9"), "landsat-rgb"),
        (Evidence(6, "uint16", tuple(f"SR_B{n}" for n in (1, 2, 3, 4, 5, 7)), "landsat-5"), "landsat-tm-rgb"),
        (Evidence(4, "uint16", ("blue", "green", "red", "nir"), "planetscope-sr"), "planetscope-rgb"),
        (Evidence(3, "int16", ("B04", "B03", "B02"), "hls"), "reflectance-rgb"),
        # Numbers of no known units.
        (Evidence(4, "uint16", ("blue", "green", "red", "nir"), "planetscope"), "rgb-stretched"),
        (Evidence(3, "uint16", ("red", "green", "blue"), "landsat-level-1"), "rgb-stretched"),
        (Evidence(3, "float32", ("R", "G", "B")), "rgb-stretched"),
    ],
)
def test_sensors_are_recognised(evidence, name):
    assert recognise(evidence).name == name


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(5, "uint8"),
        Evidence(4, "uint8"),
        Evidence(4, "uint16"),
        Evidence(3, "uint8", ("nir", "swir16", "swir22")),
        # Red in Landsat 8 and Sentinel-2, near infrared in Landsat 5.
        Evidence(3, "uint16", ("B2", "B3", "B4")),
        Evidence(4, "uint16", ("SR_B2", "SR_B3", "SR_B4", "SR_B5")),
        Evidence(4, "uint16", ("red", "red", "green", "blue")),
        Evidence(3, "uint16"),
        Evidence(12, "uint8"),
        Evidence(12, "uint16", ("red", *SENSORS["s2-l1c"].band_names[:11])),
        Evidence(1, "int16"),
        Evidence(1, "uint16", ("B04",)),
        Evidence(2, "uint16", constellation="landsat-8"),
    ],
)
def test_what_fits_nothing_is_not_guessed(evidence):
    with pytest.raises(SensorError, match="name it with --sensor"):
        recognise(evidence)


@pytest.mark.parametrize("entry", [e for e in EVERY if e.name not in ("rgb", "s2-tci")], ids=lambda e: e.name)
def test_every_sensor_is_recognised_by_its_own_bands(entry):
    dtype = {"dn8": "uint8", "reflectance1e4": "uint16", "scene8": "uint16", "amplitude": "uint16"}.get(
        entry.units, "float32"
    )
    low = {"db": -25.0, "power": 0.001}.get(entry.units)
    mission = MISSIONS.get(entry.name, "")
    assert recognise(Evidence(len(entry.bands), dtype, entry.band_names, mission, low)) is entry


@pytest.mark.parametrize(
    ("name", "mission"),
    [
        ("S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP", "sentinel-2"),
        ("S1B_IW_GRDH_1SDV", "sentinel-1"),
        ("LC08_L2SP_044034_20200713_20200912_02_T1_SR_B4.TIF", "landsat-8"),
        ("LT05_L2SR_044034_19900713_20200912_02_T1", "landsat-5"),
        ("LC09_L1TP_044034_20220713_20220713_02_T1_B4.TIF", "landsat-level-1"),
        ("20200101_101010_1010_3B_AnalyticMS_SR.tif", "planetscope-sr"),
        ("20200101_101010_1010_3B_AnalyticMS_SR_8b_clip.tif", "planetscope-sr"),
        ("20200101_101010_1010_3B_AnalyticMS.tif", ""),
        ("HLS.L30.T17SLU.2020209T155956.v2.0.B04.tif", "hls"),
        ("m_3411861_ne_11_060_20200501.tif", ""),
        ("s2a_of_my_own.tif", ""),
    ],
)
def test_missions_are_known_by_the_names_of_their_products(name, mission):
    assert mission_of(name) == mission


def test_an_unknown_product_is_told_by_its_bands_and_how_to_name_it():
    with pytest.raises(SensorError, match=r"3 band.* of uint16, called B2, B3, B4; name.*one of landsat-rgb, s2-rgb\)"):
        recognise(Evidence(3, "uint16", ("B2", "B3", "B4")))
    with pytest.raises(
        SensorError, match=r"4 band.* of uint16, without names; .*--bands \(such as red,green,blue,nir\)"
    ):
        recognise(Evidence(4, "uint16", ("", "", "", "")))


def test_names_tell_where_all_are_known_or_colours_are_among_them():
    assert telling(("VV", "VH"))
    assert telling(("Red", "Green", "Blue", "height"))
    assert not telling(("stack", "stack", "stack"))
    assert not telling(())
    # A name twice leaves open which of the two it is.
    assert not covers(sensor("rgb"), ("red", "red", "green", "blue"))
