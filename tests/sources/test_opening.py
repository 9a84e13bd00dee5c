from __future__ import annotations

import pytest

from generate.rasters import item_collection, s1_scene, serve, write_image, write_json
from swath.errors import InputError, SourceError
from swath.raster import read_chip
from swath.sources import cut, open_source
from swath.sources.api import ApiSource
from swath.sources.folder import FolderSource, UrlSource


def test_spec_decides_the_kind(tmp_path):
    image = write_image(tmp_path / "a.png")
    assert isinstance(open_source(tmp_path), FolderSource)
    assert isinstance(open_source(str(image)), FolderSource)
    assert isinstance(open_source(image.as_uri()), FolderSource)
    assert isinstance(open_source("https://host.invalid/a.tif"), UrlSource)
    assert isinstance(open_source("s3://bucket/a.tif?versionId=1"), UrlSource)
    assert isinstance(open_source("https://host.invalid/stac/v1"), ApiSource)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("/no/such/place", "no such file or folder"),
        ("s3://bucket/items.json", "copy the document"),
        ("s3://bucket/folder", "only rasters"),
        ("https://host.invalid/t.parquet", "tables are read from disk"),
        ("ftp://host/a.tif", "scheme 'ftp' is not read"),
    ],
)
def test_what_cannot_be_a_source_says_why(spec, reason):
    with pytest.raises(SourceError, match=reason):
        open_source(spec)


def test_unknown_files_list_what_is_known(tmp_path):
    (tmp_path / "a.xyz").write_text("x")
    with pytest.raises(SourceError, match=r"a\.xyz: not a source.*\.parquet"):
        open_source(tmp_path / "a.xyz")


def test_catalogue_comes_before_items_before_files(tmp_path):
    write_image(tmp_path / "a.png")
    write_json(tmp_path / "items.json", item_collection())
    assert list(open_source(tmp_path).scenes()) == []
    catalogue = {"type": "Catalog", "id": "c", "description": "", "stac_version": "1.0.0", "links": []}
    write_json(tmp_path / "catalog.json", catalogue)
    assert type(open_source(tmp_path)).__name__ == "CatalogSource"


def test_raster_behind_a_url_is_one_scene(tmp_path):
    s1_scene(tmp_path / "a.tif", 64)
    with serve(tmp_path) as (url, _):
        source = open_source(f"{url}/a.tif")
        chips = list(cut(source, 32))
        assert len(chips) == 4
        assert read_chip(chips[0]).valid.all()
        missing = open_source(f"{url}/b.tif")
        assert list(missing.scenes()) == []
        assert "404" in missing.failures[0].reason


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("", {"limit": 4}, "limit: only for searching a STAC API"),
        ("a.png", {"collections": ["s2"], "bbox": (1, 2, 3, 4)}, "collections, bbox: only for searching"),
        ("items.json", {"datetime": "2020"}, "datetime: only for searching"),
        ("items.json", {"include": ["*.tif"]}, "include: only for choosing files of a folder"),
        ("items.json", {"bands": ["VV"]}, "bands: only for naming the bands of files"),
    ],
)
def test_options_that_a_source_would_not_follow_are_refused(tmp_path, name, options, said):
    write_image(tmp_path / "a.png")
    write_json(tmp_path / "items.json", item_collection())
    folder = tmp_path if name else (tmp_path / "folder")
    folder.mkdir(exist_ok=True)
    with pytest.raises(InputError, match=said):
        open_source(folder / name, **options)
