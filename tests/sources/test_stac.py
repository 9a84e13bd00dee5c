from __future__ import annotations

import pystac
import pytest

from generate.rasters import item_collection, s1_scene, s2_scene, serve, stac_item, write_json
from swath.errors import SourceError
from swath.raster import read_chip
from swath.sources import cut, open_source
from swath.sources.documents import read_json
from swath.sources.stac import CatalogSource, ItemCollectionSource

S1 = {"constellation": "sentinel-1"}


@pytest.fixture
def catalogue(tmp_path):
    """A catalogue with two collections of two items each, written by pystac."""
    root = pystac.Catalog("root", "test")
    for number in range(2):
        child = pystac.Catalog(f"child-{number}", "test")
        root.add_child(child)
        for place in range(2):
            name = f"item-{number}{place}"
            item = pystac.Item.from_dict(stac_item(name, {}, properties=S1))
            item.add_asset("data", pystac.Asset("./data.tif", media_type="image/tiff", roles=["data"]))
            child.add_item(item)
            s1_scene(tmp_path / "cat" / child.id / name / "data.tif", 32)
    root.normalize_and_save(str(tmp_path / "cat"), pystac.CatalogType.SELF_CONTAINED)
    return tmp_path / "cat"


def test_static_catalogue_is_walked(catalogue):
    for spec in (catalogue, catalogue / "catalog.json"):
        source = open_source(spec)
        assert isinstance(source, CatalogSource)
        assert sorted(scene.id for scene in source.scenes()) == ["item-00", "item-01", "item-10", "item-11"]
        assert source.failures == []


def test_broken_links_do_not_stop_the_walk(catalogue):
    (catalogue / "child-0" / "item-01" / "item-01.json").write_text("{")
    (catalogue / "child-1" / "catalog.json").unlink()
    document = read_json(str(catalogue / "child-0" / "catalog.json"))
    document["links"].append({"rel": "item", "href": "../../../outside.json"})
    document["links"].append({"rel": "child", "href": "../catalog.json"})
    write_json(catalogue / "child-0" / "catalog.json", document)
    source = open_source(catalogue)
    assert [scene.id for scene in source.scenes()] == ["item-00"]
    reasons = " ".join(failure.reason for failure in source.failures)
    assert len(source.failures) == 3
    assert "not JSON" in reasons
    assert "cannot be read" in reasons
    assert "outside its source" in reasons


def test_remote_catalogue_and_its_cogs(catalogue):
    with serve(catalogue) as (url, _):
        source = open_source(f"{url}/catalog.json")
        chips = list(cut(source, 32))
        assert len(chips) == 4
        assert source.failures == []
        assert chips[0].scene.href.startswith(url)
        assert read_chip(chips[0]).valid.all()


def test_item_collection_of_a_folder(tmp_path):
    s1_scene(tmp_path / "a.tif", 32)
    write_json(tmp_path / "items.json", item_collection(stac_item("a", {"data": "./a.tif"}, properties=S1)))
    source = open_source(tmp_path)
    assert isinstance(source, ItemCollectionSource)
    assert [scene.id for scene in source.scenes()] == ["a"]


def test_single_item(tmp_path):
    s2_scene(tmp_path / "a.tif", 32)
    path = write_json(tmp_path / "item.json", stac_item("a", {"data": "a.tif"}))
    assert [scene.sensor for scene in open_source(path).scenes()] == ["s2-l2a"]


def test_ids_do_not_depend_on_the_spelling_of_the_document(tmp_path, monkeypatch):
    s1_scene(tmp_path / "a.tif", 32)
    path = write_json(tmp_path / "items.json", item_collection(stac_item("a", {"data": "./a.tif"}, properties=S1)))
    monkeypatch.chdir(tmp_path)
    ids = {chip.id for spec in (path, "items.json", ".", tmp_path) for chip in cut(open_source(spec))}
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "no STAC document"),
        ('{"type": "Topology"}', "no STAC document"),
        ('{"type": "FeatureCollection", "features": 3}', "without a list"),
    ],
)
def test_documents_that_are_no_stac_are_refused(tmp_path, text, reason):
    path = tmp_path / "items.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=reason) as caught:
        list(open_source(path).scenes())
    assert "items.json" in str(caught.value)


def test_remote_document_that_is_missing_is_named(tmp_path):
    with serve(tmp_path) as (url, _), pytest.raises(SourceError, match=r"/none\.json: cannot be read"):
        open_source(f"{url}/none.json")


def test_documents_are_capped(tmp_path, monkeypatch):
    monkeypatch.setattr("swath.sources.documents.MAX_BYTES", 10)
    path = write_json(tmp_path / "items.json", item_collection())
    with pytest.raises(SourceError, match="split it"):
        open_source(path)


def test_remote_items_never_read_local_files(tmp_path):
    secret = s1_scene(tmp_path / "secret.tif", 16)
    item = stac_item("a", {"data": secret.as_uri()}, properties=S1)
    write_json(tmp_path / "web" / "items.json", item_collection(item))
    with serve(tmp_path / "web") as (url, _):
        source = open_source(f"{url}/items.json")
        assert list(source.scenes()) == []
    assert "local files" in source.failures[0].reason
