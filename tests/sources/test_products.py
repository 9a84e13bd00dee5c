from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from generate.rasters import S2_BANDS, noise, s2_bands, write_image, write_tiff
from swath.raster import read_chip
from swath.sources import cut, open_source
from swath.sources.products import Product, baseline, group

PATCH = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_75_43"


def test_files_of_one_patch_are_one_scene(tmp_path):
    s2_bands(tmp_path / PATCH, 120, f"{PATCH}_")
    for name in ("VV", "VH"):
        write_tiff(tmp_path / "S1A_IW_GRDH_1SDV_20170613T165043" / f"patch_{name}.tif", noise(1, 32, 32, "float32"))
    source = open_source(tmp_path)
    scenes = {scene.sensor: scene for scene in source.scenes()}
    assert source.failures == []
    assert scenes.keys() == {"s2-l2a", "s1-grd"}
    optical = scenes["s2-l2a"]
    assert optical.id == f"{PATCH}/{PATCH}"
    assert optical.datetime == datetime(2017, 6, 13, 10, 10, 31, tzinfo=UTC)
    assert [layer.band for layer in optical.layers] == list(S2_BANDS)
    assert {layer.offset for layer in optical.layers} == {0.0}
    assert scenes["s1-grd"].datetime is not None
    chips = list(cut(source, 64))
    assert len([chip for chip in chips if chip.scene.sensor == "s2-l2a"]) == 4
    assert all(read_chip(chip).valid.all() for chip in chips)


def test_safe_folders_of_three_resolutions_are_one_scene(tmp_path):
    safe = tmp_path / "S2B_MSIL2A_20220603T184919_N0400_R113_T11SLT_20220603T223801.SAFE" / "IMG_DATA"
    bands = s2_bands(tmp_path / "flat", 120)
    for name, path in bands.items():
        metres = {"B01": 60, "B09": 60, "B02": 10, "B03": 10, "B04": 10, "B08": 10}.get(name, 20)
        target = safe / f"R{metres}m" / f"T11SLT_20220603T184919_{name}_{metres}m.tif"
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    write_tiff(safe / "R60m" / "T11SLT_20220603T184919_B02_60m.tif", noise(1, 20, 20, "uint16"), metres=60.0)
    scenes = list(open_source(tmp_path).scenes())
    assert [scene.sensor for scene in scenes] == ["s2-l2a"]
    layers = {layer.band: layer for layer in scenes[0].layers}
    assert layers["B02"].href.endswith("B02_10m.tif")
    # Baseline 04.00 adds 1000 to every number.
    assert {layer.offset for layer in layers.values()} == {-1000.0}
    assert scenes[0].properties["s2:processing_baseline"] == "04.00"


def test_incomplete_product_is_a_failure_with_its_bands(tmp_path):
    for name in ("B02", "B03", "B08"):
        write_tiff(tmp_path / f"scene_{name}.tif", noise(1, 16, 16, "uint16"))
    source = open_source(tmp_path)
    assert list(source.scenes()) == []
    assert "B02, B03, B08" in source.failures[0].reason
    assert "--sensor" in source.failures[0].reason


def test_landsat_is_read_by_the_bands_of_its_mission_without_its_by_products(tmp_path):
    names = {"LC08_L2SP_044034_20200713_20200912_02_T1": 8, "LT05_L2SP_044034_19900713_20200912_02_T1": 5}
    for stem in names:
        for number in range(1, 8):
            write_tiff(tmp_path / stem / f"{stem}_SR_B{number}.TIF", noise(1, 16, 16, "uint16"))
        for extra in ("QA_PIXEL", "QA_RADSAT", "SR_QA_AEROSOL", "ST_B10", "ST_QA", "ST_ATRAN"):
            write_tiff(tmp_path / stem / f"{stem}_{extra}.TIF", noise(1, 16, 16, "uint16"))
    source = open_source(tmp_path)
    found = {scene.sensor: [layer.href[-6:-4] for layer in scene.layers] for scene in source.scenes()}
    assert found == {"landsat-rgb": ["B4", "B3", "B2"], "landsat-tm-rgb": ["B3", "B2", "B1"]}
    assert {(layer.scale, layer.offset) for s in source.scenes() for layer in s.layers} == {(0.275, -2000.0)}
    assert source.failures == []
    assert sum(source.skipped.values()) == 12


def test_by_products_of_planetscope_and_hls_are_no_images(tmp_path):
    planet, hls = "20200101_101010_1010_3B", "HLS.L30.T17SLU.2020209T155956.v2.0"
    write_tiff(
        tmp_path / f"{planet}_AnalyticMS_SR_8b.tif",
        noise(8, 16, 16, "uint16"),
        descriptions=("coastal_blue", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"),
    )
    write_tiff(tmp_path / f"{planet}_udm2.tif", noise(8, 16, 16))
    for band in ("B02", "B03", "B04", "B05"):
        write_tiff(tmp_path / f"{hls}.{band}.tif", noise(1, 16, 16, "int16"), nodata=-9999)
    for band in ("Fmask", "SZA"):
        write_tiff(tmp_path / f"{hls}.{band}.tif", noise(1, 16, 16))
    source = open_source(tmp_path)
    found = {scene.sensor: [layer.index for layer in scene.layers] for scene in source.scenes()}
    assert found == {"planetscope-rgb": [6, 4, 2], "reflectance-rgb": [1, 1, 1]}
    assert source.failures == []


def test_lone_band_is_read_by_its_name(tmp_path):
    write_tiff(tmp_path / "scene_VV.tif", noise(1, 16, 16, "float32"))
    assert [scene.sensor for scene in open_source(tmp_path).scenes()] == ["s1-vv"]
    write_tiff(tmp_path / "other_B04.tif", noise(1, 16, 16, "uint16"))
    source = open_source(tmp_path)
    assert len(list(source.scenes())) == 1
    assert "other_B04.tif" in source.failures[0].reason


def test_pictures_named_after_bands_stay_apart(tmp_path):
    for name in ("vv", "vh"):
        write_image(tmp_path / f"ship_{name}.png", mode="L")
    assert [scene.sensor for scene in open_source(tmp_path).scenes()] == ["sar", "sar"]


def test_single_band_sensor_takes_every_file(tmp_path):
    for name in ("VV", "VH"):
        write_tiff(tmp_path / f"scene_{name}.tif", noise(1, 16, 16, "float32"))
    assert [scene.sensor for scene in open_source(tmp_path, sensor="sar").scenes()] == ["sar", "sar"]


def test_group_keeps_other_files_and_the_order_of_folders(tmp_path):
    paths = [tmp_path / "a" / name for name in ("x.png", "y_B02.tif", "y_B03.tif", "z.tif", "B04.tif")]
    paths += [tmp_path / "b" / name for name in ("y_B02.tif", "y_B03.tif")]
    found = list(group(paths))
    assert [entry.name if not isinstance(entry, Product) else entry.stem for entry in found] == [
        *["x.png", "y", "z.tif", "B04.tif", "y"]
    ]
    assert found[1].bands == [("B02", paths[1]), ("B03", paths[2])]


@pytest.mark.parametrize(("number", "wanted"), [("N0400", "04.00"), ("N0510", "05.10"), ("N9999", None)])
def test_baseline_is_in_the_name(tmp_path, number, wanted):
    assert baseline(tmp_path / f"S2A_MSIL2A_20220101T101031_{number}_R022_T33UUP.SAFE" / "B02.jp2") == wanted
    assert baseline(tmp_path / f"X_{number}_y.tif") is None


def test_reading_a_product_keeps_the_bands_apart(tmp_path):
    s2_bands(tmp_path, 60, "p_")
    data = read_chip(next(cut(open_source(tmp_path)))).data
    assert [int(np.median(band)) for band in data[2:]] == [1000 * n for n in range(3, 13)]
