from __future__ import annotations

import numpy as np
import pytest
from rasterio.enums import ColorInterp

from generate.rasters import S2_BANDS, noise, s1_scene, s2_scene, write_image, write_tiff
from swath.chips import Chip, Window
from swath.errors import EmptyChipError, RasterError, SensorError
from swath.raster import read_chip, read_image, scene_from_file
from swath.sensors import S2_B8A_LAST, SENSORS


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


def test_four_bands_of_aerial_images_show_the_first_three(tmp_path):
    data = noise(4, 16, 16)
    named = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined)
    for place, colours in enumerate((named, (ColorInterp.gray, *[ColorInterp.undefined] * 3))):
        path = write_tiff(tmp_path / f"{place}.tif", data, colours=colours, alpha="NO", photometric="MINISBLACK")
        pixels = read_image(path)
        assert pixels.sensor.name == "rgb"
        np.testing.assert_array_equal(pixels.data, data[:3])


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
