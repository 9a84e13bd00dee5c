"""Hits as a table in a file: CSV, GeoJSON or GeoParquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swath.errors import ArchiveError, InputError

if TYPE_CHECKING:
    from swath.archive.hits import Hits


def write_hits(hits: Hits, path: str | Path) -> Path:
    """Write hits in the form that the file's suffix names.

    ``.csv`` has the geometry as WKT in degrees; ``.parquet`` is GeoParquet in EPSG:4326. In both, ``properties`` are a
    JSON text, because scenes of different sources have different ones. ``.geojson`` is `Hits.to_geojson`.

    Raises:
        InputError: another suffix.
        ArchiveError: the file cannot be written.
    """
    place = Path(path)
    write = _WRITERS.get(place.suffix.lower())
    if write is None:
        raise InputError(f"{path}: hits are written as {', '.join(_WRITERS)}; give the file one of these endings")
    try:
        write(hits, place)
    except OSError as error:
        raise ArchiveError(f"cannot write {path}: {error.strerror or error}; choose another place") from error
    return place


def _csv(hits: Hits, path: Path) -> None:
    rows = [_cells(hit.to_dict()) | {"geometry": "" if hit.geometry is None else hit.geometry.wkt} for hit in hits]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, hits.columns())
        writer.writeheader()
        writer.writerows(rows)


def _cells(values: dict[str, Any]) -> dict[str, Any]:
    """Lists and mappings as JSON texts."""
    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
        for name, value in values.items()
    }


def _geojson(hits: Hits, path: Path) -> None:
    path.write_text(json.dumps(hits.to_geojson(), ensure_ascii=False, indent=2), encoding="utf-8")


def _parquet(hits: Hits, path: Path) -> None:
    table = hits.to_geodataframe()
    table["properties"] = [json.dumps(properties, ensure_ascii=False) for properties in table["properties"]]
    table.to_parquet(path, index=False)


_WRITERS: dict[str, Callable[[Hits, Path], None]] = {".csv": _csv, ".geojson": _geojson, ".parquet": _parquet}
