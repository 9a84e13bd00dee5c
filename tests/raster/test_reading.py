from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from generate.rasters import S2_BANDS, noise, s1_scene, s2_bands, s2_scene, write_image, write_tiff
from swath.chips import Chip, Layer, SceneRef, Window
from swath.errors import EmptyChipError, GeoreferenceError, RasterError
from swath.raster import MIN_VALID, quicklook, read_chip, scene_from_file, scene_grid
from swath.sensors import SENSORS


def chip_of(path, window=None, **options) -> Chip:
    scene = scene_from_file(str(path), **options)
    grid = scene_grid(scene)
    return Chip(scene, window or Window(0, 0, grid.width, grid.height))


def scene_of(layers, sensor) -> SceneRef:
    return SceneRef("scene", layers[0].href, sensor, tuple(layers))


def test_window_holds_exactly_its_pixels(tmp_path):
    data = noise(3, 100, 120)
    path = write_tiff(tmp_path / "a.tif", data)
    pixels = read_chip(chip_of(path, Window(10, 20, 30, 40)))
    assert pixels.data.dtype == np.uint8
    assert pixels.valid.all()
    np.testing.assert_array_equal(pixels.data, data[:, 20:60, 10:40])


@pytest.mark.parametrize(("dtype", "sensor"), [("uint16", "s2-l2a"), ("int16", "s2-l2a"), ("float32", "s2-l2a")])
def test_pixel_type_of_the_file_is_kept(tmp_path, dtype, sensor):
    data = noise(12, 16, 16, "uint16").astype(dtype)
    pixels = read_chip(chip_of(write_tiff(tmp_path / "a.tif", data), sensor=sensor))
    assert pixels.data.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(pixels.data, data)


@pytest.mark.parametrize(
    ("name", "driver", "options"),
    [
        ("a.tif", "GTiff", {"compress": "lzw"}),
        ("a.tif", "COG", {"compress": "deflate"}),
        ("a.jp2", "JP2OpenJPEG", {"quality": "100", "reversible": "YES"}),
        ("a.png", "PNG", {}),
        ("a.webp", "WEBP", {"lossless": "YES"}),
    ],
)
def test_every_allowed_format_is_read(tmp_path, name, driver, options):
    import rasterio

    data = noise(3, 96, 128)
    profile = {"width": 128, "height": 96, "count": 3, "dtype": "uint8", "driver": driver, **options}
    with rasterio.open(tmp_path / name, "w", **profile) as dataset:
        dataset.write(data)
    np.testing.assert_array_equal(read_chip(chip_of(tmp_path / name, Window(5, 7, 64, 80))).data, data[:, 7:87, 5:69])


def test_bands_are_found_by_name_whatever_their_order(tmp_path):
    data = noise(12, 16, 16, "uint16")
    order = [7, 3, 0, 11, 5, 1, 2, 4, 6, 8, 9, 10]
    names = [S2_BANDS[i] for i in order]
    path = write_tiff(tmp_path / "a.tif", data[order], descriptions=names)
    np.testing.assert_array_equal(read_chip(chip_of(path)).data, data)


def test_blue_green_red_is_put_in_order(tmp_path):
    data = noise(3, 16, 16)
    path = write_tiff(tmp_path / "a.tif", data[::-1], descriptions=("B02", "B03", "B04"), photometric="MINISBLACK")
    np.testing.assert_array_equal(read_chip(chip_of(path)).data, data)


def test_integers_are_invalid_where_every_band_is_nodata(tmp_path):
    data = noise(12, 16, 16, "uint16")
    data[:, :4] = 0
    data[3, 8:] = 0
    valid = read_chip(chip_of(write_tiff(tmp_path / "a.tif", data, nodata=0))).valid
    assert not valid[:4].any()
    assert valid[4:].all()


def test_floats_are_invalid_where_any_band_has_no_value(tmp_path):
    data = noise(2, 16, 16, "float32")
    data[0, 0] = np.nan
    data[1, 1] = np.inf
    data[0, 2] = -9999.0
    path = write_tiff(tmp_path / "a.tif", data, nodata=-9999.0, descriptions=("VV", "VH"))
    valid = read_chip(chip_of(path)).valid
    assert not valid[:3].any()
    assert valid[3:].all()


def test_nan_as_declared_nodata(tmp_path):
    data = noise(2, 8, 8, "float32")
    data[:, :2] = np.nan
    pixels = read_chip(chip_of(write_tiff(tmp_path / "a.tif", data, nodata=np.nan, descriptions=("VV", "VH"))))
    np.testing.assert_array_equal(pixels.valid, np.isfinite(data).all(axis=0))


def test_mask_inside_the_file_is_heeded(tmp_path):
    import rasterio

    path = write_tiff(tmp_path / "a.tif", noise(3, 32, 32))
    mask = np.full((32, 32), 255, dtype=np.uint8)
    mask[:16] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    np.testing.assert_array_equal(read_chip(chip_of(path)).valid, mask > 0)


def test_alpha_is_a_mask_and_no_band(tmp_path):
    rgba = np.dstack([np.moveaxis(noise(3, 20, 30), 0, -1), np.full((20, 30), 255, dtype=np.uint8)])
    rgba[:10, :, 3] = 0
    Image.fromarray(rgba, "RGBA").save(tmp_path / "a.png")
    pixels = read_chip(chip_of(tmp_path / "a.png"))
    assert pixels.sensor.name == "rgb"
    assert not pixels.valid[:10].any()
    assert pixels.valid[10:].all()
    np.testing.assert_array_equal(pixels.data, np.moveaxis(rgba[..., :3], -1, 0))
    assert (pixels.to_rgb()[:, :10] == 0).all()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_palette_is_expanded_to_its_colours(tmp_path, name):
    path = write_image(tmp_path / name, 40, 30, "P")
    wanted = np.moveaxis(np.asarray(Image.open(path).convert("RGB")), -1, 0)
    np.testing.assert_array_equal(read_chip(chip_of(path)).data, wanted)
    window = Window(3, 4, 20, 10)
    np.testing.assert_array_equal(read_chip(chip_of(path, window)).data, wanted[:, 4:14, 3:23])


def test_transparent_palette_entry_is_invalid(tmp_path):
    path = write_image(tmp_path / "a.png", 64, 64, "P", transparency=3)
    entries = np.asarray(Image.open(path))
    np.testing.assert_array_equal(read_chip(chip_of(path), min_valid=0.0).valid, entries != 3)


def test_cmyk_becomes_rgb(tmp_path):
    path = write_image(tmp_path / "a.jpg", 40, 30, "CMYK", quality=95)
    wanted = np.moveaxis(np.asarray(Image.open(path).convert("RGB")), -1, 0)
    assert np.abs(read_chip(chip_of(path)).data.astype(int) - wanted).mean() < 2


def test_grey_serves_rgb_only_where_rgb_is_declared(tmp_path):
    path = write_image(tmp_path / "a.png", 40, 30, "L")
    grey = np.asarray(Image.open(path))
    np.testing.assert_array_equal(read_chip(chip_of(path, sensor="rgb")).data, np.stack([grey] * 3))
    assert read_chip(chip_of(path)).sensor.name == "sar"


def test_sixteen_bit_png_spans_eight_bits(tmp_path):
    grey = (np.asarray(Image.open(write_image(tmp_path / "8.png", 40, 30, "L"))).astype(np.uint16)) * 257
    Image.fromarray(grey).save(tmp_path / "16.png")
    pixels = read_chip(chip_of(tmp_path / "16.png", sensor="rgb"))
    assert pixels.data.dtype == np.uint8
    np.testing.assert_array_equal(pixels.data[0], grey // 257)


def test_bands_of_different_resolution_meet_on_the_finest_grid(tmp_path):
    paths = s2_bands(tmp_path, 120)
    scene = scene_of([Layer(band, str(path), 1) for band, path in paths.items()], "s2-l2a")
    assert scene_grid(scene).width == 120
    assert scene_grid(scene).transform.a == 10.0
    pixels = read_chip(Chip(scene, Window(30, 40, 64, 32)))
    assert pixels.data.shape == (12, 32, 64)
    for number, band in enumerate(pixels.data, start=1):
        if number != 2:
            assert (band == 1000 * number).all()


def test_coarse_bands_lie_where_they_belong(tmp_path):
    # A ramp in map coordinates at 10, 20 and 60 m must give the same ramp on the 10 m grid.
    layers = []
    for name, metres in (("VV", 10), ("VH", 60)):
        side = 1200 // metres
        x = (np.arange(side) + 0.5) * metres
        path = write_tiff(
            tmp_path / f"{name}.tif", np.broadcast_to(x, (1, side, side)).astype(np.float32), metres=metres
        )
        layers.append(Layer(name, str(path), 1))
    data = read_chip(Chip(scene_of(layers, "s1-grd"), Window(37, 41, 40, 20))).data
    np.testing.assert_allclose(data[0], data[1], atol=1e-2)


def test_coarse_window_beyond_its_file_is_invalid(tmp_path):
    fine = write_tiff(tmp_path / "VV.tif", noise(1, 60, 60, "float32"))
    half = write_tiff(tmp_path / "VH.tif", noise(1, 15, 15, "float32"), metres=20.0)
    scene = scene_of([Layer("VV", str(fine), 1), Layer("VH", str(half), 1)], "s1-grd")
    pixels = read_chip(Chip(scene, Window(0, 0, 60, 60)))
    assert pixels.valid[:30, :30].all()
    assert not pixels.valid[30:].any()
    assert not pixels.valid[:, 30:].any()
    with pytest.raises(EmptyChipError):
        read_chip(Chip(scene, Window(40, 40, 20, 20)))


def test_bands_in_two_crs_are_refused(tmp_path):
    a = write_tiff(tmp_path / "VV.tif", noise(1, 60, 60, "float32"))
    b = write_tiff(tmp_path / "VH.tif", noise(1, 30, 30, "float32"), metres=20.0, crs="EPSG:32612")
    with pytest.raises(GeoreferenceError, match=r"VH\.tif.*reproject"):
        read_chip(Chip(scene_of([Layer("VV", str(a), 1), Layer("VH", str(b), 1)], "s1-grd"), Window(0, 0, 60, 60)))


def test_offset_of_sentinel_2_keeps_the_type_and_stops_at_zero(tmp_path):
    data = np.full((12, 8, 8), 1500, dtype=np.uint16)
    data[:, 0] = 400
    path = write_tiff(tmp_path / "a.tif", data)
    layers = [Layer(name, str(path), n, 1.0, -1000.0) for n, name in enumerate(S2_BANDS, start=1)]
    pixels = read_chip(Chip(scene_of(layers, "s2-l2a"), Window(0, 0, 8, 8)))
    assert pixels.data.dtype == np.uint16
    assert (pixels.data[:, 0] == 0).all()
    assert (pixels.data[:, 1:] == 500).all()
    assert pixels.valid.all()


def test_nodata_of_the_source_counts_before_scaling(tmp_path):
    data = noise(12, 8, 8, "uint16")
    data[:, 0] = 0
    path = write_tiff(tmp_path / "a.tif", data)
    layers = [Layer(name, str(path), n, 1.0, -1000.0, 0.0) for n, name in enumerate(S2_BANDS, start=1)]
    valid = read_chip(Chip(scene_of(layers, "s2-l2a"), Window(0, 0, 8, 8))).valid
    assert not valid[0].any()
    assert valid[1:].all()


@pytest.mark.parametrize(("size", "shape"), [(32, (16, 32)), (256, (128, 256)), (1, (1, 1)), (None, (64, 128))])
def test_size_is_the_longest_side(tmp_path, size, shape):
    path = write_tiff(tmp_path / "a.tif", noise(3, 64, 128))
    pixels = read_chip(chip_of(path), size=size)
    assert pixels.data.shape[1:] == pixels.valid.shape == shape


def test_reduction_averages_and_leaves_nodata_out(tmp_path):
    data = noise(12, 64, 64, "uint16")
    data[:, :, 32:] = 0
    path = write_tiff(tmp_path / "a.tif", data, nodata=0)
    pixels = read_chip(chip_of(path), size=8)
    wanted = data[:, :, :32].reshape(12, 8, 8, 4, 8).mean(axis=(2, 4))
    assert np.abs(pixels.data[:, :, :4] - wanted).max() <= 1
    assert pixels.valid[:, :4].all()
    assert not pixels.valid[:, 4:].any()


def test_quicklook_shows_the_whole_scene(tmp_path):
    path = s2_scene(tmp_path / "a.tif", 256, tiled=True, blockxsize=64, blockysize=64, overviews=(2, 4, 8))
    pixels = quicklook(scene_from_file(str(path)), 64)
    assert pixels.data.shape == (12, 64, 64)
    assert quicklook(scene_from_file(str(path)), 9999).data.shape == (12, 256, 256)


@pytest.mark.parametrize("value", [0, np.nan])
def test_chip_without_valid_pixels_is_an_error_of_its_own(tmp_path, value):
    dtype = "uint16" if value == 0 else "float32"
    data = np.full((12, 16, 16), value, dtype=dtype)
    path = write_tiff(tmp_path / "empty.tif", data, nodata=0)
    chip = chip_of(path)
    with pytest.raises(EmptyChipError, match=r"empty\.tif: window \[0, 0, 16, 16\] has 0.0% valid pixels"):
        read_chip(chip)
    with pytest.raises(EmptyChipError):
        read_chip(chip, min_valid=0.0)


def test_min_valid_draws_the_line(tmp_path):
    data = noise(2, 20, 20, "float32")
    data[:, 1:] = np.nan
    chip = chip_of(write_tiff(tmp_path / "a.tif", data, descriptions=("VV", "VH")))
    assert read_chip(chip, min_valid=MIN_VALID).valid_share == pytest.approx(0.05)
    with pytest.raises(EmptyChipError):
        read_chip(chip, min_valid=0.06)


def test_one_pixel_image_is_read(tmp_path):
    path = write_image(tmp_path / "dot.png", 1, 1)
    assert read_chip(chip_of(path)).data.shape == (3, 1, 1)


def test_paths_with_blanks_and_any_script(tmp_path):
    path = write_image(tmp_path / "Ordner mit Leerzeichen" / "衛星 ü #1?!.png")
    assert read_chip(chip_of(path)).valid.all()


def test_window_beyond_a_changed_file_says_so(tmp_path):
    path = s1_scene(tmp_path / "a.tif", 64)
    chip = chip_of(path, Window(32, 32, 32, 32))
    s1_scene(path, 48)
    with pytest.raises(RasterError, match=r"outside the scene of 48 x 48 px.*index it again"):
        read_chip(chip)


def test_band_that_is_gone_says_so(tmp_path):
    path = s1_scene(tmp_path / "a.tif", 64)
    chip = chip_of(path)
    write_tiff(path, noise(1, 64, 64, "float32"))
    with pytest.raises(RasterError, match="has 1 band"):
        read_chip(chip)


def test_missing_file_says_so(tmp_path):
    path = s1_scene(tmp_path / "a.tif", 64)
    chip = chip_of(path)
    path.unlink()
    with pytest.raises(RasterError, match=r"a\.tif: no such file"):
        read_chip(chip)


def test_scene_with_too_few_layers_is_refused(tmp_path):
    path = s1_scene(tmp_path / "a.tif", 16)
    scene = scene_of([Layer("VV", str(path), 1)], "s1-grd")
    with pytest.raises(RasterError, match=r"has 1 band.*VV, VH"):
        read_chip(Chip(scene, Window(0, 0, 16, 16)))


def test_sixteen_bits_never_pass_for_eight(tmp_path):
    path = write_tiff(tmp_path / "a.tif", noise(3, 16, 16, "uint16"))
    layers = [Layer(name, str(path), n) for n, name in enumerate(SENSORS["rgb"].band_names, start=1)]
    with pytest.raises(RasterError, match="holds uint16 values"):
        read_chip(Chip(scene_of(layers, "rgb"), Window(0, 0, 16, 16)))


def test_size_below_one_is_refused(tmp_path):
    with pytest.raises(RasterError, match="at least 1"):
        read_chip(chip_of(write_image(tmp_path / "a.png")), size=0)
