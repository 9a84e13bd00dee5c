from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image
from rasterio.enums import ColorInterp

from generate.rasters import UTM, noise, s1_scene, s2_scene, write_image, write_tiff
from swath.errors import RasterError
from swath.raster import describe


def test_header_of_a_geotiff(tmp_path):
    info = describe(str(s2_scene(tmp_path / "s2.tif", 64)))
    assert (info.width, info.height, info.band_count, info.dtype) == (64, 64, 12, "uint16")
    assert info.crs == UTM
    assert info.nodata == 0.0
    assert info.driver == "GTiff"
    assert info.band_names[:2] == ("B01", "B02")
    assert info.transform.a == 10.0
    assert info.georeferenced


def test_header_names_no_bands_where_only_some_are_named(tmp_path):
    info = describe(str(write_tiff(tmp_path / "a.tif", noise(2, 8, 8), descriptions=("VV",))))
    assert info.descriptions == ("VV", "")
    assert info.band_names == ()


@pytest.mark.parametrize(
    ("name", "mode", "bands", "alpha", "palette"),
    [
        ("a.png", "RGB", 3, None, False),
        ("a.jpg", "RGB", 3, None, False),
        ("a.webp", "RGB", 3, None, False),
        ("a.png", "RGBA", 3, 4, False),
        ("a.png", "L", 1, None, False),
        ("a.png", "LA", 1, 2, False),
        ("a.png", "P", 3, None, True),
        ("a.tif", "P", 3, None, True),
        ("a.jpg", "CMYK", 3, None, False),
    ],
)
def test_images_of_every_kind_count_their_data_bands(tmp_path, name, mode, bands, alpha, palette):
    info = describe(str(write_image(tmp_path / name, 40, 30, mode)))
    assert (info.width, info.height) == (40, 30)
    assert (info.band_count, info.alpha, info.palette, info.dtype) == (bands, alpha, palette, "uint8")
    assert info.crs is None
    assert not info.georeferenced


def test_infrared_beside_colours_is_named(tmp_path):
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined)
    info = describe(str(write_tiff(tmp_path / "naip.tif", noise(4, 16, 16), colours=colours, alpha="NO")))
    assert info.band_names == ("red", "green", "blue", "nir")
    assert info.alpha is None


def test_wkt_stands_for_a_crs_without_code(tmp_path):
    crs = "+proj=laea +lat_0=12 +lon_0=34 +ellps=WGS84"
    info = describe(str(write_tiff(tmp_path / "a.tif", noise(1, 8, 8), crs=crs)))
    assert info.crs is not None
    assert "Lambert" in info.crs


def test_local_coordinate_system_is_no_georeference(tmp_path):
    info = describe(str(write_tiff(tmp_path / "a.tif", noise(1, 8, 8), crs='LOCAL_CS["scanner",UNIT["metre",1]]')))
    assert info.crs is None


def test_crs_without_transform_is_no_georeference(tmp_path):
    info = describe(str(write_tiff(tmp_path / "a.tif", noise(1, 8, 8), crs=None)))
    assert info.crs is None


def test_date_of_a_tiff_is_utc(tmp_path):
    path = write_tiff(tmp_path / "a.tif", noise(3, 8, 8), tags={"TIFFTAG_DATETIME": "2020:11:04 18:30:00"})
    assert describe(str(path)).datetime == datetime(2020, 11, 4, 18, 30, tzinfo=UTC)


def test_date_of_a_photograph_keeps_its_offset(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = "2021:06:01 12:00:00"
    exif.get_ifd(0x8769)[36881] = "+02:00"
    path = write_image(tmp_path / "a.jpg", exif=exif)
    wanted = datetime(2021, 6, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert describe(str(path)).datetime == wanted


@pytest.mark.parametrize("stamp", ["0000:00:00 00:00:00", "yesterday", "2020:13:40 25:00:00"])
def test_impossible_dates_are_no_dates(tmp_path, stamp):
    path = write_tiff(tmp_path / "a.tif", noise(1, 8, 8), tags={"TIFFTAG_DATETIME": stamp})
    assert describe(str(path)).datetime is None


def test_rewritten_file_is_described_anew(tmp_path):
    path = tmp_path / "a.tif"
    assert describe(str(write_tiff(path, noise(1, 8, 8)))).width == 8
    assert describe(str(write_tiff(path, noise(1, 20, 30)))).width == 30


def test_sidecars_are_never_read(tmp_path):
    path = s1_scene(tmp_path / "a.tif", 16, crs=None)
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:4326</SRS><GeoTransform>0,1,0,0,0,-1</GeoTransform>"
        '<PAMRasterBand band="1"><NoDataValue>-5</NoDataValue></PAMRasterBand></PAMDataset>'
    )
    (tmp_path / "a.tfw").write_text("10\n0\n0\n-10\n400000\n3800000\n")
    info = describe(str(path))
    assert info.nodata is None
    assert info.transform.is_identity
    assert list(tmp_path.glob("*.ovr")) == []


def test_missing_file_is_named():
    with pytest.raises(RasterError, match=r"/no/such/file\.tif: no such file"):
        describe("/no/such/file.tif")


def test_scale_and_offset_are_reported(tmp_path):
    data = noise(2, 8, 8, "uint16")
    info = describe(str(write_tiff(tmp_path / "a.tif", data, scales=(1e-4, 1e-4), offsets=(-0.1, -0.1))))
    assert info.scales == (1e-4, 1e-4)
    assert info.offsets == (-0.1, -0.1)
    assert np.isclose(info.nodata or 0.0, 0.0)
