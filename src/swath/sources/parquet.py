"""GeoParquet tables that list rasters: one row a scene, or stac-geoparquet with an ``assets`` column."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyproj
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from swath.chips import Footprint, SceneRef
from swath.errors import SourceError, SwathError
from swath.raster import scene_from_file
from swath.raster.hrefs import local_path, resolve
from swath.sources.documents import json_values
from swath.sources.items import without_crossings
from swath.sources.stac import ItemSource

HREF_COLUMNS = ("href", "path", "url", "location", "filename", "file")
"""Columns looked for, in this order, where none is named."""

_ROWS = 1024
_ITEM_COLUMNS = ("type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "links", "assets", "collection")


class ParquetSource(ItemSource):
    """Scenes listed in a (Geo)Parquet file, read in batches of rows.

    Of a plain table the columns ``id``, ``datetime``, ``sensor`` and ``geometry`` (WKB) are used where they exist; all
    other columns become properties. Relative hrefs count from the table's folder, which local files must lie in.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        sensor: str | None = None,
        bands: Sequence[str] | None = None,
        href_column: str | None = None,
    ) -> None:
        """Open a table.

        Args:
            path: the Parquet file.
            sensor: sensor or family of all rows; None to take the ``sensor`` column or recognise each.
            bands: names of the files' bands in file order, where the files name none.
            href_column: the column with paths or URLs; None to look for one of `HREF_COLUMNS`.

        Raises:
            SourceError: it is not Parquet or has no such column.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        super().__init__(str(path), base=local_path(path), sensor=sensor)
        self.bands = bands
        try:
            self._file = pq.ParquetFile(self.base)
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{path}: cannot be read as Parquet ({error}); check the file") from error
        columns = self._file.schema_arrow.names
        wanted = (href_column,) if href_column else ("assets", *HREF_COLUMNS)
        self.column = next((name for name in wanted if name in columns), None)
        if self.column is None:
            raise SourceError(
                f"{path}: has no column {' or '.join(wanted)}; it has {', '.join(columns)}: name the column of hrefs"
            )
        self._geometry, self._to_degrees = _geometry_column(self._file.schema_arrow.metadata or {}, columns)

    def _scenes(self) -> Iterator[SceneRef]:
        for batch in self._file.iter_batches(batch_size=_ROWS):
            for row in batch.to_pylist():
                try:
                    yield self._item(row) if self.column == "assets" else self._row(row)
                except SwathError as error:
                    self.fail(str(row.get("id") or row.get(self.column or "") or self.name), error)

    def _row(self, row: Mapping[str, Any]) -> SceneRef:
        written = row[str(self.column)]
        if not written:
            raise SourceError(f"{self.name}: a row without {self.column}; remove it or fill it in")
        href = resolve(str(written), self.base, self.root)
        used = (self.column, "id", "sensor", "datetime", self._geometry, "bbox")
        scene = scene_from_file(
            href,
            sensor=self.sensor or row.get("sensor"),
            bands=self.bands,
            scene_id=str(row["id"]) if row.get("id") is not None else None,
            properties=json_values({key: value for key, value in row.items() if key not in used and value is not None}),
        )
        geometry = self._shape(row)
        if scene.footprint is None and geometry is not None:
            scene = replace(scene, footprint=Footprint(geometry, "EPSG:4326"))
        moment = _moment(row.get("datetime"))
        return scene if moment is None else replace(scene, datetime=moment)

    def _item(self, row: Mapping[str, Any]) -> SceneRef:
        """A row of stac-geoparquet: properties are columns, assets a struct with nulls for what an item lacks."""
        geometry = self._shape(row)
        document = {
            "type": "Feature",
            "stac_version": row.get("stac_version") or "1.0.0",
            "stac_extensions": row.get("stac_extensions") or [],
            "id": row.get("id"),
            "geometry": None if geometry is None else mapping(geometry),
            "bbox": None if geometry is None else list(geometry.bounds),
            "links": [_without_nulls(link) for link in row.get("links") or []],
            "assets": _without_nulls(row["assets"] or {}),
            "collection": row.get("collection"),
            "properties": json_values({k: v for k, v in row.items() if k not in _ITEM_COLUMNS and v is not None}),
        }
        document["properties"].setdefault("datetime", None)
        return self.scene(document, self.base)

    def _shape(self, row: Mapping[str, Any]) -> BaseGeometry | None:
        """The row's geometry in EPSG:4326."""
        value = row.get(self._geometry) if self._geometry else None
        if not isinstance(value, bytes):
            return None
        try:
            geometry = shapely.from_wkb(value)
        except shapely.errors.ShapelyError as error:
            raise SourceError(f"{self.name}: row {row.get('id')!r}: unreadable geometry ({error})") from error
        if self._to_degrees is not None:
            geometry = shapely.transform(geometry, self._to_degrees.transform, interleaved=False)
        return without_crossings(geometry)


def _geometry_column(
    metadata: Mapping[bytes, bytes], columns: Sequence[str]
) -> tuple[str | None, pyproj.Transformer | None]:
    """The primary geometry column, and the way to degrees where it is not in them (the GeoParquet default)."""
    about = json.loads(metadata.get(b"geo", b"{}"))
    name = about.get("primary_column", "geometry")
    if name not in columns:
        return None, None
    written = about.get("columns", {}).get(name, {}).get("crs")
    if not written:
        return name, None
    crs = pyproj.CRS.from_user_input(written)
    same = crs.to_authority() in (("OGC", "CRS84"), ("EPSG", "4326"))
    return name, None if same else pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


def _moment(value: object) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Structs come with every key any row has: drop the empty ones."""
    if isinstance(value, dict):
        return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_without_nulls(entry) for entry in value]
    return value


def is_parquet(path: str | os.PathLike[str]) -> bool:
    """Whether a path is named like a Parquet file."""
    return os.fspath(path).lower().endswith((".parquet", ".geoparquet", ".pq"))
