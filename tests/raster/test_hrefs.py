from __future__ import annotations

import os
from pathlib import Path

import pytest

from swath.errors import RasterError, UnsafeRasterError
from swath.raster import hrefs


def test_every_spelling_of_a_path_is_one(tmp_path, monkeypatch):
    file = tmp_path / "a b ü" / "c.tif"
    file.parent.mkdir()
    file.write_bytes(b"x")
    (tmp_path / "link").symlink_to(file.parent)
    monkeypatch.chdir(tmp_path)
    spellings = ["a b ü/c.tif", "./a b ü/../a b ü/c.tif", str(file), "link/c.tif", file.as_uri()]
    assert {hrefs.local_path(spelling) for spelling in spellings} == {os.path.realpath(file)}


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("https://host/a.tif", "/vsicurl/https://host/a.tif"),
        ("http://host/a.tif?sig=1", "/vsicurl/http://host/a.tif?sig=1"),
        ("s3://bucket/key/a.tif", "/vsis3/bucket/key/a.tif"),
        ("gs://bucket/a.tif", "/vsigs/bucket/a.tif"),
    ],
)
def test_urls_get_their_prefix(href, path):
    assert hrefs.gdal_path(href) == path
    assert hrefs.is_remote(href)


@pytest.mark.parametrize(
    "href",
    ["/vsicurl/http://host/a.tif", "/vsizip/a.zip/a.tif", "ftp://host/a.tif", "zip+file://a.zip!a.tif", "a\0.tif"],
)
def test_virtual_paths_and_other_schemes_are_refused(href):
    with pytest.raises(UnsafeRasterError, match="refused"):
        hrefs.gdal_path(href)


@pytest.mark.parametrize("trick", ["GTIFF_DIR:1:a.tif", "NETCDF:a.nc:x", "<VRTDataset></VRTDataset>", "a.tif"])
def test_connection_strings_are_files_that_do_not_exist(trick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RasterError, match="no such file"):
        hrefs.gdal_path(trick)


def test_folders_and_empty_files_are_named(tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(RasterError, match=r"empty\.jpg.*0 bytes"):
        hrefs.gdal_path(str(tmp_path / "empty.jpg"))
    with pytest.raises(RasterError, match="regular file"):
        hrefs.gdal_path(str(tmp_path))


def test_metadata_may_name_files_of_its_own_source_only(tmp_path):
    root = tmp_path / "source"
    root.mkdir()
    (root / "link.tif").symlink_to("/etc/hostname")
    base = str(root / "items.json")
    assert hrefs.resolve("./s2/a.tif", base, str(root)) == str(root / "s2" / "a.tif")
    assert hrefs.resolve("https://host/a.tif", base, str(root)) == "https://host/a.tif"
    outside = ["../other/a.tif", "/etc/passwd", "file:///etc/passwd", "s2/../../x.tif", "link.tif"]
    for href in outside:
        with pytest.raises(UnsafeRasterError, match="outside its source"):
            hrefs.resolve(href, base, str(root))
    for href in ["/vsicurl/http://host/a.tif", "/vsizip//etc/a.zip", "ftp://host/a.tif"]:
        with pytest.raises(UnsafeRasterError, match="refused"):
            hrefs.resolve(href, base, str(root))


def test_remote_documents_never_name_local_files():
    base = "https://host/stac/item.json"
    assert hrefs.resolve("./a.tif", base, "") == "https://host/stac/a.tif"
    assert hrefs.resolve("/etc/passwd", base, "") == "https://host/etc/passwd"
    with pytest.raises(UnsafeRasterError, match="local files"):
        hrefs.resolve("file:///etc/passwd", base, "")


def test_similar_folder_names_are_outside(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data-other").mkdir()
    assert not hrefs.inside(str(tmp_path / "data-other" / "a.tif"), str(tmp_path / "data"))
    assert hrefs.inside(str(tmp_path / "data" / "a.tif"), str(tmp_path / "data"))


def test_expiring_signatures_do_not_change_a_scene():
    assert hrefs.without_signature("https://h/a.tif?sv=1&sig=abc&se=2020") == "https://h/a.tif"
    assert hrefs.without_signature("https://h/a.tif?X-Amz-Signature=abc") == "https://h/a.tif"
    assert hrefs.without_signature("https://h/get?id=3") == "https://h/get?id=3"
    assert hrefs.without_signature("/data/a?sig=1.tif") == "/data/a?sig=1.tif"


def test_signature_of_a_file_follows_its_content(tmp_path):
    file = Path(tmp_path / "a.tif")
    assert hrefs.signature(str(file)) == (-1, -1)
    file.write_bytes(b"1")
    first = hrefs.signature(str(file))
    file.write_bytes(b"12")
    assert hrefs.signature(str(file)) != first
    assert hrefs.signature("https://host/a.tif") == (0, 0)
