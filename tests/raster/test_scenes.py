from __future__ import annotations

import numpy as np
import pytest
from rasterio.enums import ColorInterp

from generate.rasters import S2_BANDS, noise, s1_scene, s2_scene, write_image, write_tiff
from swath.chips import Chip, Window
from swath.errors import EmptyChipError, RasterError, SensorError
from swath.raster import read_chip, read_image, scene_from_file
from swath.sensors import S2_B8A_LAST, SENSORS

PLAIN = {"alpha": "NO", "photometric": "MINISBLACK"}


def test_sensors_are_recognised(tmp_path):
    cases = {
        "rgb": write_image(tmp_path / "a.jpg"),
        "s2-l2a": s2_scene(tmp_path / "s2.tif", 16),
        "s1-grd": s1_scene(tmp_path / "s1.tif", 16),
        "s1-grd-linear": s1_scene(tmp_path / "linear.tif", 16, linear=True),
        "s1-grd-8bit": write_tiff(tmp_path / "b.tif", noise(2, 16, 16), descriptions=("VV", "VH")),
        "s1-vh-8bit": write_tiff(tmp_path / "c.tif", noise(1, 16, 16), descriptions=("VH",)),
        "s1-vv": write_tiff(tmp_path / "d.tif", noise(1, 16, 16, "float32"), descriptions=("VV",)),
        "sar": write_image(tmp_path / "e.png", mode="L"),
        "s2-l1c": write_tiff(
            tmp_path / "f.tif", noise(13, 16, 16, "uint16"), descriptions=SENSORS["s2-l1c"].band_names
        ),
    }
    assert {name: scene_from_file(str(path)).sensor for name, path in cases.items()} == {name: name for name in cases}


def test_scene_knows_its_place_and_file(tmp_path, monkeypatch):
    path = s1_scene(tmp_path / "s1.tif", 16)
    monkeypatch.chdir(tmp_path)
    scene = scene_from_file("./s1.tif", properties={"a": 1})
    assert scene.href == str(path.resolve())
    assert scene.footprint is not None
    assert scene.id == "s1"
    assert scene.properties == {"a": 1}
    assert [layer.index for layer in scene.layers] == [1, 2]


def test_unknown_layout_names_the_file_and_the_remedy(tmp_path):
    path = write_tiff(tmp_path / "odd.tif", noise(5, 16, 16))
    with pytest.raises(SensorError, match=r"odd\.tif.*5 band.*--sensor"):
        scene_from_file(str(path))


def test_class_maps_and_single_optical_bands_are_no_radar(tmp_path):
    labels = write_tiff(tmp_path / "classes.tif", noise(1, 16, 16, "int16"))
    red = write_tiff(tmp_path / "red.tif", noise(1, 16, 16, "uint16"), descriptions=("B04",))
    for path in (labels, red):
        with pytest.raises(SensorError, match="cannot recognise"):
            scene_from_file(str(path))


@pytest.mark.parametrize(("bands", "sensor"), [(3, "s2-l2a"), (13, "s2-l2a"), (2, "rgb"), (1, "s1-grd")])
def test_wrong_number_of_bands_for_the_declared_sensor(tmp_path, bands, sensor):
    path = write_tiff(tmp_path / "a.tif", noise(bands, 16, 16))
    with pytest.raises(SensorError, match=rf"a\.tif: (has {bands} band|lacks band).*{sensor}"):
        scene_from_file(str(path), sensor=sensor)


def test_partly_matching_names_are_refused(tmp_path):
    names = [*S2_BANDS[:-1], "SCL"]
    path = write_tiff(tmp_path / "a.tif", noise(12, 16, 16, "uint16"), descriptions=names)
    with pytest.raises(SensorError, match=r"lacks band.*B12"):
        scene_from_file(str(path), sensor="s2-l2a")


def test_names_that_mean_nothing_are_ignored(tmp_path):
    path = write_tiff(tmp_path / "a.tif", noise(12, 16, 16, "uint16"), descriptions=["stack"] * 12)
    assert [layer.index for layer in scene_from_file(str(path)).layers] == list(range(1, 13))


def test_declared_band_names_rule(tmp_path):
    data = noise(2, 16, 16, "float32")
    path = write_tiff(tmp_path / "a.tif", data)
    scene = scene_from_file(str(path), bands=("VH", "VV"))
    np.testing.assert_array_equal(read_chip(Chip(scene, Window(0, 0, 16, 16))).data, data[::-1])
    with pytest.raises(SensorError, match="3 names"):
        scene_from_file(str(path), bands=("VH", "VV", "HH"))


def test_order_of_unnamed_13_bands_is_told_by_the_cirrus_band(tmp_path):
    l1c = SENSORS["s2-l1c"].band_names
    data = {name: np.full((8, 8), 1000 + 100 * place, dtype=np.uint16) for place, name in enumerate(l1c)}
    data["B10"][:] = 12
    for order in (l1c, S2_B8A_LAST):
        path = write_tiff(tmp_path / "a.tif", np.stack([data[name] for name in order]))
        pixels = read_image(path)
        assert pixels.sensor.name == "s2-l1c"
        np.testing.assert_array_equal(pixels.data, np.stack([data[name] for name in l1c]))


def test_four_bands_of_aerial_images_are_shown_by_colours_or_names_and_never_by_position(tmp_path):
    data = noise(4, 16, 16)
    coloured = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined)
    grey = (ColorInterp.gray, *[ColorInterp.undefined] * 3)
    numbered = [f"Band {place}" for place in range(1, 5)]
    cases = [
        (coloured, (), [0, 1, 2]),
        (coloured, numbered, [0, 1, 2]),
        (coloured, ["blue", "green", "red", "nir"], [2, 1, 0]),
        (grey, ["Blue", "Green", "Red", "Near Infrared"], [2, 1, 0]),
        (grey, ["nir", "red", "green", "blue"], [1, 2, 3]),
    ]
    for place, (colours, names, shown) in enumerate(cases):
        path = write_tiff(tmp_path / f"{place}.tif", data, colours=colours, descriptions=names, **PLAIN)
        pixels = read_image(path)
        assert pixels.sensor.name == "rgb"
        np.testing.assert_array_equal(pixels.data, data[shown])
    path = str(write_tiff(tmp_path / "unknown.tif", data, colours=grey, descriptions=numbered, **PLAIN))
    with pytest.raises(SensorError, match=r"unknown\.tif.*called Band 1, Band 2.*--bands \(such as red,green,"):
        scene_from_file(path)
    with pytest.raises(SensorError, match=r"unknown\.tif.*--bands \(such as red,green,blue,nir\)"):
        scene_from_file(path, sensor="rgb")
    assert [layer.index for layer in scene_from_file(path, bands=("b", "g", "r", "n")).layers] == [3, 2, 1]


def test_colour_infrared_is_shown_as_such(tmp_path):
    colours = (ColorInterp.nir, ColorInterp.red, ColorInterp.green)
    eight = noise(3, 16, 16)
    pixels = read_image(write_tiff(tmp_path / "a.tif", eight, colours=colours, **PLAIN))
    assert pixels.sensor.name == "cir"
    np.testing.assert_array_equal(pixels.to_rgb(), eight)
    deep = write_tiff(tmp_path / "b.tif", noise(3, 16, 16, "uint16"), descriptions=("green", "red", "nir"), **PLAIN)
    scene = scene_from_file(str(deep))
    assert (scene.sensor, [layer.index for layer in scene.layers]) == ("cir-stretched", [3, 2, 1])


def test_names_of_other_bands_are_no_reason_to_show_them_as_colours(tmp_path):
    path = write_tiff(tmp_path / "a.tif", noise(3, 16, 16), descriptions=("nir", "swir16", "swir22"), **PLAIN)
    for declared in (None, "rgb"):
        with pytest.raises(SensorError, match=r"a\.tif.*nir, swir16, swir22.*--sensor"):
            scene_from_file(str(path), sensor=declared)


def test_stacks_of_reflectance_are_shown_by_the_fixed_stretch_of_their_product(tmp_path):
    data = np.stack([np.full((8, 8), value, dtype=np.uint16) for value in (300, 600, 1500, 3000)])
    data[:, 0] = 0
    sr = "20200101_101010_1010_3B_AnalyticMS_SR"
    cases = [
        ("stack", ("B02", "B03", "B04", "B08"), {}, "s2-rgb"),
        ("S2A_MSIL2A_20200101T000000_stack", ("B2", "B3", "B4", "B5"), {}, "s2-rgb"),
        (sr, ("blue", "green", "red", "nir"), {}, "planetscope-rgb"),
        ("any", ("blue", "green", "red", "nir"), {"sensor": "reflectance-rgb"}, "reflectance-rgb"),
        ("any", ("B2", "B3", "B4", "B8A"), {"sensor": "s2"}, "s2-rgb"),
        ("any", (), {"sensor": "s2", "bands": ("blue", "green", "red", "nir")}, "s2-rgb"),
    ]
    for name, names, declared, expected in cases:
        path = write_tiff(tmp_path / f"{name}.tif", data, descriptions=names, **PLAIN)
        scene = scene_from_file(str(path), **declared)
        pixels = read_chip(Chip(scene, Window(0, 0, 8, 8)))
        assert scene.sensor == expected
        # Red 1500 of 3000 is mid grey; a row of zeros is no data.
        assert pixels.to_rgb()[:, 1:].mean(axis=(1, 2)).tolist() == [128, 51, 26]
        assert not pixels.valid[0].any()
        assert pixels.valid[1:].all()


def test_reflectance_as_fraction_is_shown_alike(tmp_path):
    data = np.stack([np.full((8, 8), value, dtype=np.float32) for value in (0.15, 0.06, 0.03)])
    path = write_tiff(tmp_path / "a.tif", data, descriptions=("red", "green", "blue"), **PLAIN)
    scene = scene_from_file(str(path), sensor="reflectance-rgb")
    assert read_chip(Chip(scene, Window(0, 0, 8, 8))).to_rgb()[:, 0, 0].tolist() == [128, 51, 26]


def test_landsat_is_scaled_as_collection_2_says(tmp_path):
    # DN 10,000 is reflectance 0.075.
    path = write_tiff(
        tmp_path / "a.tif", np.full((4, 8, 8), 10_000, np.uint16), descriptions=[f"SR_B{n}" for n in (2, 3, 4, 5)]
    )
    for declared in ("landsat", "landsat-rgb"):
        scene = scene_from_file(str(path), sensor=declared)
        assert scene.sensor == "landsat-rgb"
        assert [layer.index for layer in scene.layers] == [3, 2, 1]
        np.testing.assert_allclose(read_chip(Chip(scene, Window(0, 0, 8, 8))).data, 750)


def test_sensors_shown_by_three_bands_need_names_and_their_own_depth(tmp_path):
    deep = write_tiff(tmp_path / "deep.tif", noise(3, 16, 16, "uint16"))
    with pytest.raises(SensorError, match=r"deep\.tif.*no names.*--bands \(such as B04,B03,B02\)"):
        scene_from_file(str(deep), sensor="s2-rgb")
    eight = write_tiff(tmp_path / "eight.tif", noise(3, 16, 16))
    with pytest.raises(RasterError, match=r"eight\.tif.*8-bit.*reflectance.*--sensor"):
        scene_from_file(str(eight), sensor="reflectance-rgb")


def test_family_narrows_and_contradiction_is_refused(tmp_path):
    assert scene_from_file(str(s2_scene(tmp_path / "s2.tif", 16)), sensor="s2").sensor == "s2-l2a"
    assert scene_from_file(str(write_image(tmp_path / "a.png", mode="L")), sensor="sar").sensor == "sar"
    with pytest.raises(SensorError, match=r"looks like 's1-grd'.*--sensor s2"):
        scene_from_file(str(s1_scene(tmp_path / "s1.tif", 16)), sensor="s2")


def test_reflectance_as_fraction_is_scaled(tmp_path):
    data = (noise(12, 16, 16, "uint16") / 1e4).astype(np.float32)
    pixels = read_image(write_tiff(tmp_path / "a.tif", data))
    np.testing.assert_allclose(pixels.data, data * 1e4, rtol=1e-5)


def test_scale_and_offset_of_the_file_lead_to_reflectance(tmp_path):
    data = noise(12, 16, 16, "uint16") + np.uint16(1000)
    path = write_tiff(tmp_path / "a.tif", data, scales=[1e-4] * 12, offsets=[-0.1] * 12)
    pixels = read_image(path)
    assert pixels.data.dtype == np.uint16
    np.testing.assert_array_equal(pixels.data, data - 1000)


def test_eight_bit_sensor_refuses_sixteen_bits(tmp_path):
    path = write_tiff(tmp_path / "a.tif", noise(3, 16, 16, "uint16"))
    with pytest.raises(RasterError, match=r"a\.tif.*uint16.*8 bits"):
        scene_from_file(str(path), sensor="rgb")


def test_complex_numbers_are_refused(tmp_path):
    path = write_tiff(tmp_path / "slc.tif", noise(1, 16, 16, "float32").astype(np.complex64))
    with pytest.raises(RasterError, match=r"slc\.tif.*complex"):
        scene_from_file(str(path))


def test_query_image_is_read_whole_and_reduced(tmp_path):
    path = write_image(tmp_path / "a.jpg", 400, 200)
    assert read_image(path).data.shape == (3, 200, 400)
    assert read_image(path, size=100).data.shape == (3, 50, 100)


def test_empty_query_image_is_refused(tmp_path):
    path = write_tiff(tmp_path / "a.tif", np.full((2, 8, 8), np.nan, dtype=np.float32), descriptions=("VV", "VH"))
    with pytest.raises(EmptyChipError, match="no valid pixels"):
        read_image(path)


def test_a_family_that_does_not_fit_lists_its_products(tmp_path):
    path = write_tiff(tmp_path / "planet.tif", noise(4, 64, 64, "uint16"))
    with pytest.raises(SensorError, match=r"of uint16; no product of --sensor s2 has: .*s2-l2a \(12 bands\)"):
        scene_from_file(str(path), sensor="s2")
