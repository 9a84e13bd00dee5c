from __future__ import annotations

import builtins
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import h5py
import numpy as np
import pytest

from generate.crisislandmark import KEYS, coords, image_of, pixels, write_corpus, write_key
from generate.rasters import write_tiff
from swath.chips import Chip, Window
from swath.errors import EmptyChipError, GeoreferenceError, MissingExtraError, RasterError, UnsafeRasterError
from swath.raster import (
    describe,
    footprint,
    hdf5,
    quicklook,
    read_chip,
    read_labels,
    release,
    scene_from_file,
    scene_grid,
)
from swath.raster.hrefs import file_of, member_of
from swath.sensors import sensor

SIDE = 24
WAVES = 40 * np.sin(np.arange(SIDE))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"), SIDE)


@pytest.fixture
def one(tmp_path):
    """A file to which a test writes keys."""

    def write(key="mmflood_a", image=None, **options):
        path = tmp_path / ("one.h5" if key == "mmflood_a" else f"{key}.h5")
        with h5py.File(path, "a") as file:
            write_key(file, key, pixels(2, -20, -5, side=SIDE) if image is None else image, **options)
        return f"{path}#{key}"

    return write


def whole(href, **options):
    scene = scene_from_file(href, **options)
    grid = scene_grid(scene)
    window = Window(0, 0, grid.width, grid.height)
    return Chip(scene, window, footprint(grid, window))


@pytest.mark.parametrize("key", KEYS)
def test_every_collection_is_read_by_its_bands_names(corpus, key):
    chip = whole(f"{corpus}/crisislandmark.h5#{key}")
    stored = image_of(key, SIDE)
    wanted = {
        "benv2s1_one": ("s1-grd", stored[::-1]),
        "mmflood_two": ("s1-grd", stored),
        "quakeset_three": ("s1-grd-linear", stored[2:]),
        "benv2s2_four": ("s2-l2a", stored),
        "cabuar_five": ("s2-l2a", stored),
        "sen1flood_six": ("s1-grd", stored[::-1]),
    }[key]
    found = read_chip(chip)
    assert (chip.scene.sensor, found.sensor.name) == (wanted[0], wanted[0])
    np.testing.assert_array_equal(found.data, wanted[1])
    assert [layer.band for layer in chip.scene.layers] == list(sensor(wanted[0]).band_names)
    assert chip.scene.datetime == datetime(2021, 7, 15, 5, 53, tzinfo=UTC)


def test_places_are_longitude_and_latitude_of_the_coordinates(corpus):
    import pyproj

    chip = whole(f"{corpus}/crisislandmark.h5#mmflood_two")
    assert chip.footprint is not None
    x, y = coords(SIDE)[:, SIDE // 2, SIDE // 2]
    lon, lat = pyproj.Transformer.from_crs(32633, 4326, always_xy=True).transform(x, y)
    assert chip.footprint.centre == pytest.approx((lon, lat), abs=2e-4)
    info = describe(chip.scene.href)
    assert (info.crs, info.transform.a, info.transform.e) == ("EPSG:32633", 10.0, -10.0)
    assert (info.transform.c, info.transform.f) == pytest.approx((500_000.0, 5_000_000.0), abs=0.5)


def test_nan_is_no_data_and_never_zero(one):
    image = pixels(2, -20, -5, side=SIDE)
    image[1, :6] = np.nan
    found = read_chip(whole(one(image=image)))
    assert not found.valid[:6].any()
    assert found.valid[6:].all()
    assert not (found.data[:, found.valid] == 0).any()
    with pytest.raises(EmptyChipError, match=r"0\.0% valid"):
        read_chip(whole(one("mmflood_b", np.full_like(image, np.nan))))


def test_windows_sizes_and_labels_work_as_for_files(corpus, tmp_path):
    href = f"{corpus}/crisislandmark.h5#mmflood_two"
    scene = scene_from_file(href)
    part = Chip(scene, Window(4, 8, 10, 6), None)
    np.testing.assert_array_equal(read_chip(part).data, image_of("mmflood_two", SIDE)[:, 8:14, 4:14])
    assert read_chip(part, size=5).data.shape == (2, 3, 5)
    assert quicklook(scene, 12).data.shape == (2, 12, 12)
    codes = np.zeros((1, SIDE * 2, SIDE * 2), dtype=np.int16)
    codes[:, : SIDE // 2] = 1
    labels = write_tiff(tmp_path / "l.tif", codes, crs="EPSG:32633", metres=5.0, origin=(500_000.0, 5_000_000.0))
    found, known = read_labels(str(labels), whole(href))
    assert known.all()
    assert found[: SIDE // 4].all()
    assert not found[SIDE // 4 :].any()


def test_13_bands_are_level_1c_with_the_cirrus_band_in_its_place(one):
    image = pixels(13, 1, 4000, side=SIDE)
    chip = whole(one("sen2flood_a", image))
    assert chip.scene.sensor == "s2-l1c"
    np.testing.assert_array_equal(read_chip(chip).data, image)
    assert chip.scene.layers[10].band == "B10"


def test_filters_of_hdf5plugin_are_read(tmp_path):
    plugin = pytest.importorskip("hdf5plugin")
    image = pixels(2, -20, -5, side=SIDE)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_key(file, "mmflood_a", image)
        del file["mmflood_a/image"]
        file["mmflood_a"].create_dataset("image", data=image, **plugin.Blosc())
    np.testing.assert_array_equal(read_chip(whole(f"{tmp_path}/a.h5#mmflood_a")).data, image)


def test_bands_sensor_and_transform_of_swaths_own_files_count(one):
    href = one("any", bands=["VH", "VV"], sensor="s1-grd-linear", transform=[20.0, 0, 7.0, 0, -20.0, 9.0])
    chip = whole(href)
    assert chip.scene.sensor == "s1-grd-linear"
    np.testing.assert_array_equal(read_chip(chip).data, pixels(2, -20, -5, side=SIDE)[::-1])
    assert describe(href).transform[:6] == (20.0, 0.0, 7.0, 0.0, -20.0, 9.0)


def test_nested_keys_and_relative_links_are_followed(tmp_path):
    with h5py.File(tmp_path / "shard.h5", "w") as file:
        write_key(file, "inner/mmflood_a", pixels(2, -20, -5, side=SIDE))
    with h5py.File(tmp_path / "main.h5", "w") as file:
        file["part"] = h5py.ExternalLink("shard.h5", "/inner")
    assert whole(f"{tmp_path}/main.h5#part/mmflood_a").scene.sensor == "s1-grd"
    assert list(hdf5.keys(str(tmp_path / "shard.h5"))) == ["inner/mmflood_a"]
    assert hdf5.links_others(str(tmp_path / "main.h5"))
    assert not hdf5.links_others(str(tmp_path / "shard.h5"))


def test_many_threads_and_a_rewritten_file(corpus, tmp_path):
    hrefs = [f"{corpus}/crisislandmark.h5#{key}" for key in KEYS] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda href: float(read_chip(whole(href)).data.sum()), hrefs))
    assert found[: len(KEYS)] == found[len(KEYS) : 2 * len(KEYS)]
    path = tmp_path / "a.h5"
    for level in (-10.0, -20.0):
        with h5py.File(tmp_path / "new.h5", "w") as file:
            write_key(file, "mmflood_a", np.full((2, SIDE, SIDE), level, dtype=np.float32))
        os.replace(tmp_path / "new.h5", path)
        os.utime(path, ns=(1, int(-level)))
        assert read_chip(whole(f"{path}#mmflood_a")).data[0, 0, 0] == level


def test_a_released_file_may_be_written_in_place(one):
    href = one()
    read_chip(whole(href))
    release()
    with h5py.File(file_of(href), "a") as file:
        file["mmflood_a"].attrs["timestamp"] = "2022-01-01"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda g: g.pop("image"), RasterError, "has no image"),
        (lambda g: g.pop("coords"), RasterError, "has no coords"),
        (lambda g: g.attrs.pop("crs"), GeoreferenceError, "attribute crs is ''"),
        (lambda g: g.attrs.update(crs="Mars"), GeoreferenceError, "attribute crs is 'Mars'"),
        (lambda g: _swap(g, "image", np.zeros((4, 4))), RasterError, r"must be numbers \(bands, H, W\)"),
        (lambda g: _swap(g, "image", np.zeros((3, SIDE, SIDE))), RasterError, "has 3 bands, but 2 are expected"),
        (lambda g: _swap(g, "image", np.zeros((2, 8, SIDE))), RasterError, r"coords have shape \(2, 24, 24\)"),
        (lambda g: _swap(g, "coords", coords(SIDE)[::-1]), GeoreferenceError, "look swapped"),
        (lambda g: _swap(g, "coords", coords(SIDE) * np.nan), GeoreferenceError, "not finite"),
        (lambda g: _swap(g, "coords", coords(SIDE) + WAVES), GeoreferenceError, "no regular grid"),
        (lambda g: g.attrs.update(transform=[1.0, 2.0]), GeoreferenceError, "must be six numbers"),
    ],
)
def test_a_damaged_image_is_named(one, change, error, message):
    href = one()
    with h5py.File(file_of(href), "a") as file:
        change(file["mmflood_a"])
    with pytest.raises(error, match=message) as caught:
        read_chip(whole(href))
    assert "one.h5#mmflood_a" in str(caught.value)


def _swap(group, name, values):
    del group[name]
    group[name] = values.astype(np.float32)


def test_latitude_before_longitude_is_refused(one):
    """Degrees: planes in the order of the layout, but latitudes where longitudes belong."""
    place = coords(SIDE, 120.0, 30.0, 0.001)
    with pytest.raises(GeoreferenceError, match="look swapped"):
        whole(one(place=place[::-1], crs=4326))
    turned = np.stack([place[1].T, place[0].T])
    with pytest.raises(GeoreferenceError, match="do not fit the CRS"):
        whole(one("mmflood_b", place=turned, crs=4326))


def test_missing_keys_files_and_links_are_named(corpus, tmp_path):
    with pytest.raises(RasterError, match="has no key 'nowhere'"):
        describe(f"{corpus}/crisislandmark.h5#nowhere")
    with pytest.raises(RasterError, match=r"absent.h5: no such file"):
        describe(f"{tmp_path}/absent.h5#a")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(RasterError, match="is no HDF5 file"):
        describe(f"{tmp_path}/text.h5#a")
    with h5py.File(tmp_path / "main.h5", "w") as file:
        file["broken"] = h5py.ExternalLink("gone.h5", "/broken")
        file["out"] = h5py.ExternalLink(os.path.relpath(corpus / "mmflood.h5", tmp_path), "/mmflood_two")
        file["round"] = h5py.ExternalLink("main.h5", "/round")
        file["array"] = np.zeros(3)
        file["soft"] = h5py.SoftLink("/nowhere")
    for key, error, message in (
        ("broken", RasterError, "links to gone.h5, which is not there; put that file beside"),
        ("out", UnsafeRasterError, "outside the folder"),
        ("round", RasterError, "links go round"),
        ("array", RasterError, "is an array"),
        ("soft", RasterError, "leads nowhere"),
    ):
        with pytest.raises(error, match=message):
            describe(f"{tmp_path}/main.h5#{key}")


def test_absurd_sizes_are_refused_unread(tmp_path):
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        group = file.create_group("mmflood_a")
        group.create_dataset("image", (2, 20_000, 20_000), chunks=(1, 64, 64), dtype="f4")
        group.create_dataset("coords", (2, 20_000, 20_000), chunks=(1, 64, 64), dtype="f4")
        group.attrs["crs"] = 32633
    with pytest.raises(UnsafeRasterError, match="is refused"):
        describe(f"{tmp_path}/bomb.h5#mmflood_a")


def test_without_h5py_the_extra_is_named(corpus, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "h5py":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "h5py")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"swath\[landmark\]"):
        describe(f"{corpus}/mmflood.h5#mmflood_two")


def test_hrefs_of_members():
    assert member_of("/a/b.h5#c/d") == ("/a/b.h5", "c/d")
    assert member_of("/a/b.NPZ#1") == ("/a/b.NPZ", "1")
    assert member_of("/a/b.tif#1") is None
    assert file_of("/a/b#1.tif") == "/a/b#1.tif"
