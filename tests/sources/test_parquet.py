from __future__ import annotations

from datetime import UTC, datetime

import geopandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapely.geometry import box

from generate.rasters import noise, s1_scene, s2_bands, s2_item, serve, write_image, write_tiff
from swath.errors import SourceError
from swath.raster import read_chip
from swath.sources import cut, cut_scene, open_source
from swath.sources.parquet import ParquetSource


def write_table(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_table_of_paths(tmp_path):
    s1_scene(tmp_path / "data" / "a.tif", 32)
    write_image(tmp_path / "data" / "b.png", 32, 32)
    rows = [
        {"href": "data/a.tif", "id": "one", "cloud": 3.5, "tag": "x"},
        {"href": str(tmp_path / "data" / "b.png"), "id": "two", "cloud": None, "tag": None},
    ]
    source = open_source(write_table(tmp_path / "t.parquet", rows))
    assert isinstance(source, ParquetSource)
    scenes = list(source.scenes())
    assert [(scene.id, scene.sensor) for scene in scenes] == [("one", "s1-grd"), ("two", "rgb")]
    assert scenes[0].properties == {"cloud": 3.5, "tag": "x"}
    assert scenes[1].properties == {}
    assert source.failures == []


def test_columns_of_a_row_describe_its_scene(tmp_path):
    write_image(tmp_path / "b.png", 32, 32, "L")
    moment = datetime(2021, 5, 4, tzinfo=UTC)
    rows = [{"path": "b.png", "sensor": "rgb", "datetime": moment, "other": moment, "raw": b"1", "cloud": float("nan")}]
    scene = next(open_source(write_table(tmp_path / "t.parquet", rows)).scenes())
    assert scene.sensor == "rgb"
    assert scene.datetime == moment
    assert scene.properties == {"other": "2021-05-04T00:00:00Z", "cloud": None}
    assert scene.id == "b"


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32611"])
def test_geometry_places_images_without_georeference(tmp_path, crs):
    write_image(tmp_path / "b.png", 32, 32)
    frame = geopandas.GeoDataFrame({"href": ["b.png"]}, geometry=[box(-118.1, 34.2, -118.0, 34.3)], crs="EPSG:4326")
    frame.to_crs(crs).to_parquet(tmp_path / "t.parquet")
    scene = next(open_source(tmp_path / "t.parquet").scenes())
    assert scene.footprint.bbox == pytest.approx((-118.1, 34.2, -118.0, 34.3), abs=2e-3)
    assert "geometry" not in scene.properties
    assert [chip.footprint for chip in cut_scene(scene, 32)] == [scene.footprint]
    assert {chip.footprint for chip in cut_scene(scene, 16)} == {None}


def test_stac_geoparquet_is_read_as_items(tmp_path):
    item = s2_item(s2_bands(tmp_path / "bands", 60), tmp_path, scale=1e-4, offset=-0.1)
    west, south, east, north = item["bbox"]
    row = {
        "id": item["id"],
        "stac_version": "1.0.0",
        "datetime": datetime(2020, 11, 4, 18, tzinfo=UTC),
        "assets": item["assets"],
        "constellation": "sentinel-2",
        "proj:code": "EPSG:32611",
        "collection": "c",
        "links": [],
    }
    frame = geopandas.GeoDataFrame([row], geometry=[box(west, south, east, north)], crs="EPSG:4326")
    frame.to_parquet(tmp_path / "t.parquet")
    source = open_source(tmp_path / "t.parquet")
    scenes = list(source.scenes())
    assert source.failures == []
    assert scenes[0].sensor == "s2-l2a"
    assert scenes[0].id == "s2-item"
    assert scenes[0].datetime == datetime(2020, 11, 4, 18, tzinfo=UTC)
    assert {layer.offset for layer in scenes[0].layers} == {-1000.0}
    assert scenes[0].footprint.bbox == pytest.approx(tuple(item["bbox"]))
    assert scenes[0].properties["collection"] == "c"


def test_bad_rows_do_not_stop_the_good_ones(tmp_path):
    s1_scene(tmp_path / "a.tif", 32)
    hrefs = ["a.tif", "missing.tif", None, "../out.tif", "/etc/hostname", "ftp://h/a.tif", "a.tif"]
    rows = [{"href": href, "id": str(number)} for number, href in enumerate(hrefs)]
    source = open_source(write_table(tmp_path / "t.parquet", rows))
    assert [scene.id for scene in source.scenes()] == ["0", "6"]
    assert [failure.href for failure in source.failures] == ["1", "2", "3", "4", "5"]


def test_remote_hrefs_are_read_by_range(tmp_path):
    s1_scene(tmp_path / "web" / "a.tif", 32)
    with serve(tmp_path / "web") as (url, log):
        source = open_source(write_table(tmp_path / "t.parquet", [{"url": f"{url}/a.tif"}]))
        chip = next(cut(source))
        assert read_chip(chip).valid.all()
        assert any("bytes=" in entry for entry in log)


def test_column_and_bands_are_chosen(tmp_path):
    write_tiff(tmp_path / "a.tif", noise(2, 16, 16, "float32"))
    path = write_table(tmp_path / "t.parquet", [{"where": "a.tif"}])
    with pytest.raises(SourceError, match=r"no column assets or href.*it has where"):
        open_source(path)
    scene = next(open_source(path, href_column="where", bands=["VH", "VV"]).scenes())
    assert [layer.index for layer in scene.layers] == [2, 1]


def test_what_is_no_parquet_is_an_error(tmp_path):
    (tmp_path / "t.parquet").write_text("hello")
    with pytest.raises(SourceError, match=r"t\.parquet: cannot be read as Parquet"):
        open_source(tmp_path / "t.parquet")
