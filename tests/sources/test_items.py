from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from rasterio.enums import ColorInterp
from shapely.geometry import Polygon, box

from generate.rasters import (
    S2_BANDS,
    item_collection,
    noise,
    s1_scene,
    s2_bands,
    s2_item,
    s2_scene,
    stac_item,
    write_image,
    write_json,
    write_tiff,
)
from swath.raster import read_chip
from swath.sources import cut, open_source
from swath.sources.items import without_crossings

S1 = {"constellation": "sentinel-1", "platform": "sentinel-1a"}
S2 = {"constellation": "sentinel-2", "platform": "sentinel-2a"}


def only_scene(tmp_path, item, **options):
    source = open_source(write_json(tmp_path / "items.json", item_collection(item)), **options)
    scenes = list(source.scenes())
    assert source.failures == []
    assert len(scenes) == 1
    return scenes[0]


def only_failure(tmp_path, *items, **options):
    source = open_source(write_json(tmp_path / "items.json", item_collection(*items)), **options)
    assert list(source.scenes()) == []
    assert len(source.failures) == len(items)
    return source.failures[0].reason


def test_sentinel_2_with_an_asset_a_band(tmp_path):
    scene = only_scene(tmp_path, s2_item(s2_bands(tmp_path / "bands", 120), tmp_path))
    assert scene.sensor == "s2-l2a"
    assert [layer.band for layer in scene.layers] == list(S2_BANDS)
    assert {layer.nodata for layer in scene.layers} == {0.0}
    assert {(layer.scale, layer.offset) for layer in scene.layers} == {(1.0, 0.0)}
    assert scene.datetime == datetime(2020, 11, 4, 18, tzinfo=UTC)
    assert scene.footprint.bbox == (-118.1, 34.2, -118.0, 34.3)
    assert scene.footprint.crs == "EPSG:32611"
    assert scene.properties["platform"] == "sentinel-2a"


@pytest.mark.parametrize("form", ["eo:common_name", "key", "bands"])
def test_bands_are_known_by_any_of_their_names(tmp_path, form):
    common = ["coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "nir09"]
    common += ["swir16", "swir22"]
    item = s2_item(s2_bands(tmp_path / "bands", 60), tmp_path)
    assets = {}
    for name, (band, asset) in zip(common, list(item["assets"].items())[:12], strict=True):
        asset.pop("eo:bands")
        if form == "bands":
            asset["bands"] = [{"name": band, "eo:common_name": name}]
        elif form == "eo:common_name":
            asset["eo:bands"] = [{"common_name": name}]
        assets[{"key": name, "bands": f"asset-{band}", "eo:common_name": f"x{band}"}[form]] = asset
    # Order in the item means nothing.
    item["assets"] = dict(reversed(assets.items()))
    assert [layer.band for layer in only_scene(tmp_path, item).layers] == list(S2_BANDS)


def test_pictures_and_by_products_beside_the_bands_are_left_aside(tmp_path):
    item = s2_item(s2_bands(tmp_path / "bands", 60), tmp_path)
    visual = write_image(tmp_path / "bands" / "TCI.tif", 60, 60)
    colours = [{"name": "B04"}, {"name": "B03"}, {"name": "B02"}]
    item["assets"] = {
        "visual": {"href": str(visual), "type": "image/tiff", "roles": ["data"], "eo:bands": colours},
        "SCL": {"href": "bands/none.tif", "type": "image/tiff", "roles": ["data"]},
        "cloud": {"href": "/outside.tif", "type": "image/tiff", "roles": ["cloud"]},
        **item["assets"],
    }
    scene = only_scene(tmp_path, item)
    assert scene.sensor == "s2-l2a"
    assert all(layer.href.endswith(f"{layer.band}.tif") for layer in scene.layers)
    picture = only_scene(tmp_path, item, sensor="s2-tci")
    assert [layer.index for layer in picture.layers] == [1, 2, 3]
    assert picture.href == str(visual)


def test_finest_and_cloud_optimised_offer_of_a_band_wins(tmp_path):
    bands = s2_bands(tmp_path / "bands", 60)
    item = s2_item(bands, tmp_path)
    jp2 = {**item["assets"]["B03"], "type": "image/jp2", "href": "./bands/B04.tif"}
    coarse = {**item["assets"]["B02"], "gsd": 60, "href": "./bands/B09.tif"}
    item["assets"] = {"B03-jp2": jp2, "B02_60m": coarse, **item["assets"]}
    layers = {layer.band: layer.href for layer in only_scene(tmp_path, item).layers}
    assert layers["B02"].endswith("B02.tif")
    assert layers["B03"].endswith("B03.tif")


@pytest.mark.parametrize(
    ("raster", "properties", "scale", "offset"),
    [
        ({}, {}, 1.0, 0.0),
        ({"scale": 0.0001, "offset": 0}, {}, 1.0, 0.0),
        ({"scale": 0.0001, "offset": -0.1}, {}, 1.0, -1000.0),
        ({"raster:scale": 0.0001, "raster:offset": -0.1}, {}, 1.0, -1000.0),
        ({"scale": 0.0001, "offset": -0.1}, {"earthsearch:boa_offset_applied": True}, 1.0, 0.0),
        ({"scale": 0.0001, "offset": -0.1}, {"earthsearch:boa_offset_applied": False}, 1.0, -1000.0),
        ({}, {"s2:processing_baseline": "05.11"}, 1.0, -1000.0),
        ({}, {"s2:processing_baseline": "04.00"}, 1.0, -1000.0),
        ({}, {"s2:processing_baseline": "03.01"}, 1.0, 0.0),
        ({}, {"s2:processing_baseline": "05.11", "sentinel:boa_offset_applied": True}, 1.0, 0.0),
        ({"scale": 0.0001, "offset": 0}, {"s2:processing_baseline": "05.11"}, 1.0, 0.0),
        ({"scale": 0.001}, {}, 10.0, 0.0),
    ],
)
def test_reflectance_offset_is_applied_exactly_where_declared(tmp_path, raster, properties, scale, offset):
    item = s2_item(s2_bands(tmp_path / "bands", 60), tmp_path, **raster)
    item["properties"].update(properties)
    scene = only_scene(tmp_path, item)
    assert {(layer.scale, layer.offset) for layer in scene.layers} == {(scale, offset)}


def test_sentinel_1_with_an_asset_a_polarisation(tmp_path):
    data = noise(2, 32, 32, "float32")
    for place, name in enumerate(("vv", "vh")):
        write_tiff(tmp_path / f"{name}.tif", data[place : place + 1])
    item = stac_item("s1", {"vh": "vh.tif", "vv": "vv.tif"}, properties=S1)
    scene = only_scene(tmp_path, item)
    assert scene.sensor == "s1-grd"
    chip = next(cut(open_source(tmp_path / "items.json")))
    np.testing.assert_array_equal(read_chip(chip).data, data)


def test_linear_power_is_told_from_decibel(tmp_path):
    for name in ("vv", "vh"):
        write_tiff(tmp_path / f"{name}.tif", 10 ** (noise(1, 32, 32, "float32") / 10))
    assert (
        only_scene(tmp_path, stac_item("s1", {"vv": "vv.tif", "vh": "vh.tif"}, properties=S1)).sensor == "s1-grd-linear"
    )


@pytest.mark.parametrize("where", ["item", "asset", "summaries", "title", "description", "file"])
def test_polarisation_of_an_unnamed_band(tmp_path, where):
    names = ("VH",) if where == "file" else ()
    write_tiff(tmp_path / "a.tif", noise(1, 32, 32), descriptions=names)
    collection = {"type": "Collection", "id": "c", "description": "radar", "links": [], "license": "other"}
    properties, asset = dict(S1), {"href": "a.tif"}
    if where == "item":
        properties["sar:polarizations"] = ["VH"]
    elif where == "asset":
        asset["sar:polarizations"] = ["VH"]
    elif where == "summaries":
        collection["summaries"] = {"sar:polarizations": ["VH"]}
    elif where in ("title", "description"):
        collection[where] = "Sentinel-1 VH, 8 bit"
    write_json(tmp_path / "c.json", collection)
    links = [{"rel": "collection", "href": "./c.json"}]
    item = stac_item("s1", {"data": asset}, properties=properties, links=links, collection="c")
    scene = only_scene(tmp_path, item)
    assert scene.sensor == "s1-vh-8bit"
    assert scene.properties["collection"] == "c"


@pytest.mark.parametrize("words", ["Sentinel-1 VV and VH", "Sentinel-1", "overhaul of vhs tapes"])
def test_words_that_leave_it_open_decide_nothing(tmp_path, words):
    write_tiff(tmp_path / "a.tif", noise(1, 32, 32))
    write_json(tmp_path / "c.json", {"type": "Collection", "id": "c", "description": words})
    item = stac_item("s1", {"data": "a.tif"}, properties=S1, links=[{"rel": "collection", "href": "./c.json"}])
    assert only_scene(tmp_path, item).sensor == "sar"


def test_one_file_with_many_bands(tmp_path):
    data = noise(12, 32, 32, "uint16")
    write_tiff(tmp_path / "a.tif", data[::-1])
    bands = [{"name": name} for name in reversed(S2_BANDS)]
    scene = only_scene(tmp_path, stac_item("a", {"data": {"href": "a.tif", "eo:bands": bands}}, properties=S2))
    assert [layer.index for layer in scene.layers] == list(range(12, 0, -1))
    np.testing.assert_array_equal(read_chip(next(cut(open_source(tmp_path / "items.json")))).data, data)


def test_true_colour_file_of_sentinel_2(tmp_path):
    write_image(tmp_path / "a.tif", 64, 64)
    assert only_scene(tmp_path, stac_item("a", {"data": "a.tif"}, properties=S2)).sensor == "s2-tci"
    assert only_scene(tmp_path, stac_item("a", {"data": "a.tif"})).sensor == "rgb"


def colours_of(scene):
    return scene.sensor, [(layer.index, layer.scale, layer.offset) for layer in scene.layers]


def test_aerial_images_of_four_bands(tmp_path):
    write_tiff(tmp_path / "m_1.tif", noise(4, 16, 16), photometric="MINISBLACK", alpha="NO")
    names = [("Red", "red"), ("Green", "green"), ("Blue", "blue"), ("NIR", "nir")]
    for order in (names, names[::-1]):
        asset = {"href": "m_1.tif", "eo:bands": [{"name": name, "common_name": common} for name, common in order]}
        found = colours_of(only_scene(tmp_path, stac_item("a", {"image": asset})))
        assert found == ("rgb", [(order.index(name) + 1, 1.0, 0.0) for name in names[:3]])


@pytest.mark.parametrize(
    ("platform", "sensor", "raster"),
    [
        ("landsat-8", "landsat-rgb", {"scale": 2.75e-05, "offset": -0.2, "nodata": 0}),
        ("LANDSAT_9", "landsat-rgb", {}),
        ("landsat-7", "landsat-tm-rgb", {"data_type": "uint16"}),
    ],
)
def test_landsat_with_an_asset_a_band(tmp_path, platform, sensor, raster):
    assets = {}
    for name in ("blue", "green", "red", "nir08"):
        write_tiff(tmp_path / f"{name}.tif", noise(1, 16, 16, "uint16"))
        assets[name] = {"href": f"{name}.tif", "raster:bands": [raster], "eo:bands": [{"common_name": name}]}
    scene = only_scene(tmp_path, stac_item("a", assets, properties={"constellation": "Landsat", "platform": platform}))
    assert colours_of(scene) == (sensor, [(1, 0.275, -2000.0)] * 3)
    assert [layer.href.rpartition("/")[2] for layer in scene.layers] == ["red.tif", "green.tif", "blue.tif"]


def test_planetscope_is_reflectance_only_where_its_name_says_so(tmp_path):
    data = np.stack([np.full((16, 16), value, np.uint16) for value in (1000, 2000, 3000, 9000)])
    found = {}
    for kind in ("AnalyticMS_SR", "AnalyticMS"):
        write_tiff(tmp_path / f"20200101_1_3B_{kind}.tif", data)
        bands = [{"name": name} for name in ("blue", "green", "red", "nir")]
        asset = {"href": f"20200101_1_3B_{kind}.tif", "eo:bands": bands}
        scene = only_scene(tmp_path, stac_item("a", {"data": asset}, properties={"constellation": "planetscope"}))
        found[kind] = scene.sensor, [layer.index for layer in scene.layers]
        shown = read_chip(next(cut(open_source(tmp_path / "items.json")))).to_rgb()[:, 0, 0].tolist()
        assert shown == ([255, 170, 85] if kind.endswith("SR") else [255, 128, 0])
    assert found == {"AnalyticMS_SR": ("planetscope-rgb", [3, 2, 1]), "AnalyticMS": ("rgb-stretched", [3, 2, 1])}


def test_no_data_of_an_item_does_not_bend_the_stretch(tmp_path):
    data = np.stack([np.full((16, 16), value, np.uint16) for value in (1000, 2000, 3000)])
    data[:, :8] = 65535
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    write_tiff(tmp_path / "a.tif", data, colours=colours, photometric="MINISBLACK", alpha="NO")
    item = stac_item("a", {"data": {"href": "a.tif", "raster:bands": [{"nodata": 65535}] * 3}})
    scene = only_scene(tmp_path, item)
    assert scene.sensor == "rgb-stretched"
    pixels = read_chip(next(cut(open_source(tmp_path / "items.json"))))
    assert pixels.to_rgb()[:, -1, 0].tolist() == [0, 128, 255]
    assert not pixels.valid[:8].any()


def test_scale_declared_for_an_unnamed_file(tmp_path):
    s2_scene(tmp_path / "a.tif", 32, descriptions=())
    asset = {"href": "a.tif", "raster:bands": [{"scale": 1e-4, "offset": -0.1}] * 12}
    scene = only_scene(tmp_path, stac_item("a", {"data": asset}, properties=S2))
    assert {(layer.scale, layer.offset) for layer in scene.layers} == {(1.0, -1000.0)}


def test_item_without_geometry_lies_where_its_file_does(tmp_path):
    s1_scene(tmp_path / "a.tif", 32)
    item = stac_item("a", {"data": "a.tif"}, properties=S1)
    item["geometry"], item["bbox"] = None, None
    assert only_scene(tmp_path, item).footprint.crs == "EPSG:32611"


def test_signed_and_unsigned_addresses_are_one_scene(tmp_path):
    s1_scene(tmp_path / "a.tif", 32)
    item = stac_item("a", {"data": "a.tif"}, properties={**S1, "start_datetime": "2020-01-01T00:00:00Z"})
    item["properties"]["datetime"] = None
    item["properties"]["end_datetime"] = "2020-01-02T00:00:00Z"
    scene = only_scene(tmp_path, item)
    assert scene.datetime == datetime(2020, 1, 1, tzinfo=UTC)
    assert scene.href == str(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("href", "reason"),
    [
        ("../outside.tif", "outside its source"),
        ("/etc/hostname", "outside its source"),
        ("file:///etc/hostname", "outside its source"),
        ("/vsicurl/http://127.0.0.1:1/a.tif", "refused"),
        ("/vsizip/a.zip/a.tif", "refused"),
        ("ftp://host/a.tif", "refused"),
        ("missing.tif", "no such file"),
        ("http://127.0.0.1:1/a.tif", "127.0.0.1"),
        ("empty.tif", "0 bytes"),
        ("text.tif", "not recognized"),
    ],
)
def test_hrefs_that_cannot_be_used_say_why(tmp_path, href, reason):
    root = tmp_path / "source"
    s1_scene(tmp_path / "outside.tif", 16)
    root.mkdir()
    (root / "empty.tif").touch()
    (root / "text.tif").write_text("hello")
    assert reason in only_failure(root, stac_item("bad", {"data": href}))


def test_a_border_that_crosses_itself_is_mended():
    bow = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    mended = without_crossings(bow)
    assert mended.is_valid
    assert (mended.area, mended.bounds) == (2.0, bow.bounds)
    assert mended.intersection(box(0.5, 0.2, 1.5, 1.7)).area > 0  # with the bow itself this fails
    flat = Polygon([(0, 0), (1, 1), (2, 2)])
    assert without_crossings(flat) is flat
    whole = box(0, 0, 1, 1)
    assert without_crossings(whole) is whole


def test_corners_in_the_wrong_order_are_mended(tmp_path):
    item = stac_item("bow", {"data": "a.tif"}, properties=S1)
    ring = item["geometry"]["coordinates"][0]
    ring[1], ring[2] = ring[2], ring[1]
    s1_scene(tmp_path / "a.tif", 16)
    assert only_scene(tmp_path, item).footprint.geometry.is_valid


def test_items_that_are_no_items_say_why(tmp_path):
    geometry = stac_item("lat", {"data": "a.tif"}, bbox=(0, 0, 1, 500))
    s1_scene(tmp_path / "a.tif", 16)
    assert "geometry" in only_failure(tmp_path, geometry)
    broken = stac_item("ring", {"data": "a.tif"})
    broken["geometry"] = {"type": "Polygon"}
    assert "unreadable geometry" in only_failure(tmp_path, broken)
    assert "'bare'" in only_failure(tmp_path, {"type": "Feature", "id": "bare"})
    dated = stac_item("dated", {"data": "a.tif"}, properties={"datetime": "yesterday"})
    assert "'dated'" in only_failure(tmp_path, dated)
    assert "no image asset" in only_failure(tmp_path, stac_item("x", {"m": {"href": "m.xml", "type": "text/xml"}}))
    assert "without id" in only_failure(tmp_path, "not an item")


def test_assets_that_no_sensor_fits_are_listed(tmp_path):
    for name in ("a", "b"):
        write_tiff(tmp_path / f"{name}.tif", noise(1, 16, 16, "uint16"))
    reason = only_failure(tmp_path, stac_item("odd", {"one": "a.tif", "two": "b.tif"}))
    assert "one (one); two (two)" in reason
    assert "--sensor" in reason
    incomplete = s2_item(s2_bands(tmp_path / "bands", 60), tmp_path)
    del incomplete["assets"]["B05"]
    assert "'s2-l2a' fits its assets" in only_failure(tmp_path, incomplete, sensor="s2-l2a")


def test_bad_items_do_not_stop_the_good_ones(tmp_path):
    s1_scene(tmp_path / "a.tif", 16)
    good = [stac_item(f"good-{n}", {"data": "a.tif"}, properties=S1) for n in range(3)]
    bad = [stac_item("bad", {"data": "missing.tif"}), "nonsense", {"id": "bare"}]
    path = write_json(tmp_path / "items.json", item_collection(good[0], bad[0], good[1], bad[1], bad[2], good[2]))
    source = open_source(path)
    assert [scene.id for scene in source.scenes()] == ["good-0", "good-1", "good-2"]
    assert len(source.failures) == 3
