from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pystac
import pytest
import shapely
from PIL import Image

from archive.fakes import START, filled, make_chip, units
from swath.archive import Archive, Hits
from swath.archive.contact_sheet import TILE, draw
from swath.errors import ArchiveError, InputError

EVIL = "<script>alert('x')</script>\"'&"
ACROSS = shapely.MultiPolygon([shapely.box(179, -1, 180, 1), shapely.box(-180, -1, -178, 1)])


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


CHIPS = [
    make_chip(0, 10, 20, properties={"platform": "sentinel-2a", "eo:cloud_cover": 5, "note": EVIL}),
    make_chip(1, None, date=None),
    make_chip(2, geometry=ACROSS, sensor="s1-grd", date=datetime(2021, 2, 3, 4, 5, 6, 789, tzinfo=UTC)),
    make_chip(3, properties={"datetime": "garbage", "start_datetime": 5, "gsd": "ten", "platform": 7, "license": EVIL,
                             "instruments": "msi", "created": "now", "bands": "all", "providers": {}, "title": ""}),
]  # fmt: skip
THUMBNAILS = [jpeg((255, 0, 0)), None, b"\x89PNG broken", jpeg((0, 255, 0), (10, 200))]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = filled(tmp_path_factory.mktemp("hits") / "archive", [])
    archive.add(CHIPS, units(4), thumbnails=THUMBNAILS)
    return archive


@pytest.fixture(scope="module")
def hits(archive: Archive) -> Hits:
    return archive.search(f"port {EVIL}", k=4)


def test_json_has_exactly_the_documented_fields(hits: Hits) -> None:
    document = json.loads(hits.to_json())
    assert set(document) == {"query", "hits"}
    asked = {"text": f"port {EVIL}", "k": 4, "similarity": "global", "rerank": None, "scores": "calibrated"}
    assert document["query"] == {**asked, "confidence": hits.confidence, "matches_well": hits.matches_well}
    for hit in document["hits"]:
        assert list(hit) == [
            "rank", "id", "score", "raw_score", "calibrated_score", "confidence", "sensor", "datetime", "bbox",
            "geometry", "href", "window", "properties",
        ]  # fmt: skip
    by_id = {hit["id"]: hit for hit in document["hits"]}
    first, nowhere, across = (by_id[chip.id] for chip in CHIPS[:3])
    assert first["bbox"] == [9.95, 19.95, 10.05, 20.05]
    assert first["geometry"]["type"] == "Polygon"
    assert first["datetime"] == "2020-01-01T00:00:00Z"
    assert first["window"] == [0, 0, 256, 256]
    assert first["properties"]["eo:cloud_cover"] == 5
    assert nowhere["bbox"] is nowhere["geometry"] is nowhere["datetime"] is None
    assert across["bbox"] == [179, -1, -178, 1]
    assert across["datetime"] == "2021-02-03T04:05:06.000789Z"
    assert 0 <= first["confidence"] <= 1


def test_confidence_needs_a_text(archive: Archive) -> None:
    assert {hit.confidence for hit in archive.search(near=(0, 0))} == {None}
    assert {hit.confidence for hit in archive.search(like=CHIPS[0].id)} == {None}
    assert archive.search(near=(0, 0)).confidence is None
    assert archive.search(near=(0, 0)).matches_well
    assert not Hits({}, "nothing", []).matches_well


def test_hits_are_a_sequence(hits: Hits) -> None:
    assert len(hits) == 4
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert [hit.rank for hit in hits[1:3]] == [2, 3]
    assert isinstance(hits[1:3], Hits)
    assert hits[-1].rank == 4
    text = repr(hits)
    assert text.count("\n") == 4
    assert "s1-grd" in text


def test_a_hit_leads_back_to_its_chip(hits: Hits) -> None:
    chip = next(hit for hit in hits if hit.id == CHIPS[0].id).to_chip()
    assert chip.id == CHIPS[0].id
    assert chip.scene.layers == CHIPS[0].scene.layers


def test_stac_items_are_valid_whatever_the_source_said(hits: Hits) -> None:
    items = hits.to_stac()
    assert len(items) == 4
    for item in items:
        pystac.Item.from_dict(json.loads(json.dumps(item.to_dict()))).validate()
    by_id = {item.id: item for item in items}
    assert by_id[CHIPS[0].id].datetime == START
    assert by_id[CHIPS[0].id].properties["platform"] == "sentinel-2a"
    assert by_id[CHIPS[0].id].properties["swath:rank"] >= 1
    assert by_id[CHIPS[1].id].properties["swath:datetime_unknown"] is True
    odd = by_id[CHIPS[3].id].properties
    assert odd["source:gsd"] == "ten"
    assert odd["source:datetime"] == "garbage"
    assert "platform" not in odd
    assert by_id[CHIPS[2].id].assets["data"].href == "/data/scene2.tif"
    assert json.loads(json.dumps(items.to_dict()))["type"] == "FeatureCollection"


def test_geojson_and_table(hits: Hits) -> None:
    document = json.loads(json.dumps(hits.to_geojson()))
    assert document["type"] == "FeatureCollection"
    assert [feature["id"] for feature in document["features"]] == [hit.id for hit in hits]
    assert sum(feature["geometry"] is None for feature in document["features"]) == 1
    assert sum("bbox" in feature for feature in document["features"]) == 3
    table = hits.to_geodataframe()
    assert table.crs == "EPSG:4326"
    assert table["id"].tolist() == [hit.id for hit in hits]
    assert table.geometry.isna().sum() == 1
    assert table["datetime"].isna().sum() == 1
    assert str(table["datetime"].dt.tz) == "UTC"
    empty = Hits({}, "", []).to_geodataframe()
    assert len(empty) == 0
    assert "score" in empty.columns


def test_notebook_html_escapes_everything(hits: Hits) -> None:
    page = hits._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("data:image/jpeg;base64,") == 2
    assert page.count("data:image/png;base64,") == 1
    assert page.count("<figure") == 4


@pytest.mark.parametrize("thumbnail", [b"", b"<svg onload=alert(1)>", b"javascript:alert(1)"])
def test_only_pictures_are_embedded(tmp_path: Path, thumbnail: bytes) -> None:
    archive = filled(tmp_path / "archive", [])
    archive.add(CHIPS[:1], units(1), thumbnails=[thumbnail])
    page = archive.search("port")._repr_html_()
    assert "data:" not in page
    assert "svg" not in page


def test_thumbnails_are_saved_by_rank(hits: Hits, tmp_path: Path) -> None:
    paths = hits.save_thumbnails(tmp_path / "a" / "thumbs")
    assert len(paths) == 3
    for path in paths:
        hit = hits[int(path.name[:3]) - 1]
        assert path.read_bytes() == hit.thumbnail
        assert hit.id in path.name
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="thumbnails"):
        hits.save_thumbnails(tmp_path / "file")


def pixel(sheet: Image.Image, at: tuple[int, int]) -> Any:
    return sheet.getpixel(at)


def test_the_contact_sheet_shows_hits_in_rank_order(hits: Hits, tmp_path: Path) -> None:
    path = hits.contact_sheet(tmp_path / "sheet.png", columns=2)
    with Image.open(path) as sheet:
        assert sheet.format == "PNG"
        sheet.load()
    middles = []
    for place, hit in enumerate(hits):
        x = 12 + (place % 2) * (TILE + 12) + TILE // 2
        row_top = sheet.height - (2 - place // 2) * (TILE + 34 + 12)
        middles.append((hit.id, pixel(sheet, (x, row_top + TILE // 2))))
    colours = dict(middles)
    red, green = colours[CHIPS[0].id], colours[CHIPS[3].id]
    assert red[0] > 200 > 60 > red[1]
    assert green[1] > 200 > 60 > green[0]
    assert np.ptp(colours[CHIPS[1].id]) < 10  # no thumbnail: a plain tile


def test_contact_sheets_of_nothing_and_of_wrong_arguments(hits: Hits, tmp_path: Path) -> None:
    assert draw(Hits({}, "nothing \n here", [])).height > 0
    with pytest.raises(InputError, match="column"):
        hits.contact_sheet(tmp_path / "sheet.png", columns=0)
    with pytest.raises(ArchiveError, match="contact sheet"):
        hits.contact_sheet(tmp_path / "no folder" / "sheet.png")


def test_hits_are_saved_as_tables(hits: Hits, tmp_path: Path) -> None:
    at = next(at for at, hit in enumerate(hits) if hit.geometry is not None)
    with hits.save(tmp_path / "hits.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [hit.id for hit in hits]
    assert shapely.from_wkt(rows[at]["geometry"]).equals(hits[at].geometry)
    assert json.loads(rows[at]["properties"]) == hits[at].properties
    table = geopandas.read_parquet(hits.save(tmp_path / "hits.parquet"))
    assert list(table["id"]) == [hit.id for hit in hits]
    assert table.crs.to_epsg() == 4326
    assert table.geometry.iloc[at].equals(hits[at].geometry)
    assert json.loads(table["properties"].iloc[at]) == hits[at].properties
    assert json.loads(hits.save(tmp_path / "hits.geojson").read_text(encoding="utf-8")) == hits.to_geojson()


def test_no_hits_are_saved_too(hits: Hits, tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet", ".geojson"):
        assert hits[:0].save(tmp_path / f"none{suffix}").stat().st_size > 0


def test_tables_of_other_forms_and_places_are_refused(hits: Hits, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hits\.xlsx: hits are written as \.csv, \.geojson, \.parquet"):
        hits.save(tmp_path / "hits.xlsx")
    with pytest.raises(ArchiveError, match="choose another place"):
        hits.save(tmp_path / "no" / "hits.csv")
