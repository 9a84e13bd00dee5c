"""Archives that travel as GeoParquet: nothing is lost on the way, and a foreign table may not name files of ours."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.fakes import contents, filled, grid, source_chips, units, write_scenes
from swath.archive import Archive
from swath.archive.exchange import export_table, import_table
from swath.archive.major_tom import cell
from swath.chips import Pixels
from swath.errors import InputError, ModelMismatchError, SourceError
from swath.sources import open_source

MAJOR_TOM = [
    "unique_id", "embedding", "timestamp", "product_id", "grid_cell", "grid_row_u", "grid_col_r", "geometry",
    "centre_lat", "centre_lon", "utm_footprint", "utm_crs", "pixel_bbox",
]  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Chips all over the world, some without place and time, and four whose scene is there."""
    folder = tmp_path_factory.mktemp("exchange")
    chips = [*grid(40), *source_chips(write_scenes(folder / "scenes", 1), 64)]
    return filled(folder / "archive", chips, units(len(chips)))


@pytest.mark.parametrize("layout", ["major-tom", "stac"])
def test_an_archive_comes_back_as_it_was(archive: Archive, tmp_path: Path, layout: Any) -> None:
    file = tmp_path / "table.parquet"
    assert export_table(archive, file, layout) == len(archive) == 44
    report = import_table(file, tmp_path / "copy", root="/")
    assert (report.added, report.present, report.failures) == (44, 0, [])
    copy = Archive.open(tmp_path / "copy")
    assert (copy.model_id, copy.dim, copy.about.settings) == (archive.model_id, archive.dim, archive.about.settings)
    for old, new in zip(contents(archive), contents(copy), strict=True):
        assert np.allclose(old.pop("vector"), new.pop("vector"), atol=1e-6)
        assert json.loads(old.pop("scalars")) == json.loads(new.pop("scalars"))
        assert old == new
    again = import_table(file, tmp_path / "copy", root="/")
    assert (again.added, again.present) == (0, 44)
    assert list(tmp_path.glob(".*")) == [], "nothing half-made is left"


class Writer:
    """Names the sensor, in words that need care."""

    id = "fake@1+captioner"

    def caption(self, pixels: Sequence[Pixels]) -> list[str]:
        return [f"a 'harbour' of {image.sensor.name}" for image in pixels]


def test_captions_come_back(tmp_path: Path) -> None:
    """Of the chips that have one, also into an archive that has none yet; what is there already stays."""
    chips = [*source_chips(write_scenes(tmp_path / "scenes", 1), 64), *grid(2)]
    own = filled(tmp_path / "own", chips, units(6))
    assert own.caption(Writer()).written == 4
    written = {row["id"]: (row["caption"], row["captioner"]) for row in contents(own)}
    for layout in ("major-tom", "stac"):
        export_table(own, tmp_path / "table.parquet", layout)
        plain = filled(tmp_path / layout, chips[:1], units(1))
        assert "caption" not in contents(plain)[0]
        report = import_table(tmp_path / "table.parquet", tmp_path / layout, root="/")
        assert (report.added, report.present, report.failures) == (5, 1, [])
        copy = Archive.open(tmp_path / layout)
        wanted = written | {chips[0].id: (None, None)}
        assert {row["id"]: (row["caption"], row["captioner"]) for row in contents(copy)} == wanted
        assert len(copy.browse(where="caption LIKE '%harbour%'")) == 3


def test_a_filter_chooses_what_travels(archive: Archive, tmp_path: Path) -> None:
    wanted = archive.count(where="sensor = 's2-l2a'")
    assert export_table(archive, tmp_path / "s2.parquet", where="sensor = 's2-l2a'") == wanted > 0
    assert set(pq.read_table(tmp_path / "s2.parquet")["swath:sensor"].to_pylist()) == {"s2-l2a"}


def test_the_columns_are_major_toms(archive: Archive, tmp_path: Path) -> None:
    export_table(archive, tmp_path / "table.parquet")
    schema = pq.read_schema(tmp_path / "table.parquet")
    assert schema.names[: len(MAJOR_TOM)] == MAJOR_TOM
    assert [schema.field(name).type for name in ("grid_row_u", "grid_col_r", "centre_lat", "centre_lon")] == [
        pa.int16(), pa.int16(), pa.float32(), pa.float32(),
    ]  # fmt: skip
    table = geopandas.read_parquet(tmp_path / "table.parquet").set_index("unique_id")
    assert table.crs == "OGC:CRS84"
    for hit in archive.get([chip.id for chip in grid(40)]):
        row = table.loc[hit.id]
        assert row["product_id"] == hit.to_chip().scene.id
        left, top, right, bottom = row["pixel_bbox"]
        assert [left, top, right - left, bottom - top] == list(hit.window)
        if hit.geometry is not None:
            assert row["geometry"].equals(hit.geometry)
            middle = row["geometry"].centroid
            assert row["grid_cell"] == (cell(middle.x, middle.y) or ("",))[0]


def test_stac_geoparquet_is_read_as_a_source_of_scenes(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path / "scenes", 2)
    archive = filled(tmp_path / "archive", source_chips(scenes, 64), units(8))
    export_table(archive, tmp_path / "scenes" / "items.parquet", "stac")
    table = pq.read_table(tmp_path / "scenes" / "items.parquet")
    assert json.loads(table.schema.metadata[b"stac-geoparquet"])["version"] == "1.0.0"
    assert {"type", "stac_version", "id", "geometry", "bbox", "links", "assets", "collection"} <= set(
        table.column_names
    )
    found = list(open_source(str(tmp_path / "scenes" / "items.parquet")).scenes())
    assert {Path(scene.href).name for scene in found} == {"scene000.tif", "scene001.tif"}


def by_enumeration(lon: float, lat: float) -> tuple[int, int]:
    """Row and column by listing all edges, as Major TOM's own grid does."""

    def edges(count: int, end: float) -> np.ndarray[Any, Any]:
        listed = np.linspace(-end, end, count + 1)[:-1]
        return np.sort(np.mod(listed, 2 * end) - end)

    lats = edges(math.ceil(math.pi * 6378.137 / 10), 90)
    row = int(np.searchsorted(lats, lat)) - 1
    circle = 2 * math.pi * 6378.137 * math.cos(math.radians(lats[row]))
    lons = edges(math.ceil(circle / 10), 180)
    column = int(np.searchsorted(lons, lon)) - 1
    return row - int(np.searchsorted(lats, 0)), column - int(np.searchsorted(lons, 0))


@given(st.floats(-179.9, 179.9), st.floats(-84.9, 84.9))
def test_cells_are_those_of_the_listed_grid(lon: float, lat: float) -> None:
    # Where a place lies on an edge, the last digit of the edge decides.
    name, row, column = cell(lon, lat) or ("", 0, 0)
    wanted = by_enumeration(lon, lat)
    near = {by_enumeration(lon + dx, lat + dy) for dx in (-1e-9, 1e-9) for dy in (-1e-9, 1e-9)}
    assert (row, column) == wanted or (row, column) in near
    assert name == f"{abs(row)}{'U' if row >= 0 else 'D'}_{abs(column)}{'R' if column >= 0 else 'L'}"


def test_the_grid_ends_near_the_poles() -> None:
    assert cell(0.0, 86.0) is None
    assert cell(12.57, 55.68) is not None


def foreign(path: Path, **changes: Any) -> Path:
    """A table as Major TOM publishes them."""
    columns: dict[str, Any] = {
        "unique_id": ["a", "b", "c"],
        "embedding": pa.array([[3.0, 4.0], [0.0, 2.0], [float("nan"), 1.0]], pa.list_(pa.float32())),
        "timestamp": ["2020-01-01T10:00:00", "2020-01-02T10:00:00", "2020-01-03T10:00:00"],
        "product_id": ["S2A_1", "S2A_1", "S2A_2"],
        "grid_cell": ["1U_1R"] * 3,
        "pixel_bbox": [[0, 0, 224, 224], [224, 0, 448, 224], [0, 0, 224, 224]],
    }
    pq.write_table(pa.table(columns | changes), path)
    return path


def test_vectors_of_others_can_be_searched(tmp_path: Path) -> None:
    file = foreign(tmp_path / "core.parquet")
    report = import_table(file, tmp_path / "core", model_id="SigLIP@1", sensor="s2-l2a")
    assert (report.added, [(each.row, "NaN" in each.reason) for each in report.failures]) == (2, [("c", True)])
    core = Archive.open(tmp_path / "core")
    hits = core.browse(limit=10)
    assert [hit.datetime.day for hit in hits if hit.datetime] == [2, 1]
    vectors = core.snapshot().vectors_of([hit.id for hit in hits])
    assert sorted(np.round(vector.tolist(), 3).tolist() for vector in vectors.values()) == [[0.0, 1.0], [0.6, 0.8]]
    with pytest.raises(InputError, match="which model"):
        import_table(file, tmp_path / "none")
    nothing = import_table(file, tmp_path / "unsaid", model_id="SigLIP@1")
    assert nothing.added == 0
    assert "--sensor" in nothing.failures[0].reason


def test_a_table_names_no_files_of_this_machine(archive: Archive, tmp_path: Path) -> None:
    export_table(archive, tmp_path / "table.parquet")
    report = import_table(tmp_path / "table.parquet", tmp_path / "copy")
    assert (report.added, len(report.failures)) == (0, 44)
    assert "--root" in report.failures[0].reason


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("swath:href", "/vsicurl/http://127.0.0.1/a.tif"), ("swath:href", "/etc/passwd"), ("swath:href", "../x.tif"),
        ("swath:href", "gopher://x/a.tif"), ("swath:layers", '[["red", "/etc/passwd", 1]]'), ("swath:layers", "[[1]]"),
        ("swath:layers", "[" * 3000), ("swath:layers", '[["red", "a.tif", 1, "x"]]'), ("swath:layers", None),
        ("swath:window", [0, 0, -5, 5]), ("swath:window", [0, 0, 5]), ("swath:window", None),
        ("swath:sensor", "'; DROP TABLE chips"), ("swath:properties", "[1]"), ("swath:properties", "{"),
        ("geometry", b"\x00"), ("embedding", [math.nan] * 16), ("embedding", [0.0] * 16), ("embedding", None),
    ],
)  # fmt: skip
def test_hostile_rows_are_left_out_and_listed(tmp_path: Path, column: str, value: Any) -> None:
    chips = source_chips(write_scenes(tmp_path / "scenes", 1), 64)
    archive = filled(tmp_path / "archive", chips, units(4))
    file = tmp_path / "scenes" / "table.parquet"
    export_table(archive, file)
    table = pq.read_table(file)
    values = [value, *table[column].to_pylist()[1:]]
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, table.schema.field(column), pa.array(values, table[column].type)), file)
    report = import_table(file, tmp_path / "copy")
    assert (report.added, len(report.failures)) == (3, 1)
    assert report.failures[0].reason
    assert Archive.open(tmp_path / "copy").verify(files=True).ok


def test_tables_that_are_none(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_bytes(b"\x80\x04\x95cposix\nsystem\n")
    pq.write_table(pa.table({"id": [1]}), tmp_path / "other.parquet")
    for name in ("text.parquet", "other.parquet", "absent.parquet"):
        with pytest.raises(SourceError):
            import_table(tmp_path / name, tmp_path / "copy", model_id="m")
    with pytest.raises(ModelMismatchError):
        import_table(foreign(tmp_path / "t.parquet"), archive.uri, model_id="another@1", sensor="rgb")
    with pytest.raises(InputError, match="layout"):
        export_table(archive, tmp_path / "x.parquet", "xml")  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be written"):
        export_table(archive, tmp_path / "file" / "x.parquet")
