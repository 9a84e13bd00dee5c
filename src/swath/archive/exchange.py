"""Archives as GeoParquet, so that they travel: `export_table` and `import_table`.

Two layouts, both with one row a chip and its embedding:

- ``major-tom``: the columns of the Major TOM embeddings (``unique_id``, ``embedding``, ``timestamp``, ``product_id``,
  ``grid_cell``, ``grid_row_u``, ``grid_col_r``, ``geometry``, ``centre_lat``, ``centre_lon``, ``utm_footprint``,
  ``utm_crs``, ``pixel_bbox``);
- ``stac``: stac-geoparquet 1.0, an item a chip, with a column ``embedding``.

Columns ``swath:...`` hold what an archive needs beyond them, so that a table that swath wrote gives the same archive
again, captions too. Tables of others can be imported as well: vectors without their pixels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from swath.archive.archive import Archive
from swath.archive.captions import CAPTION_COLUMNS
from swath.archive.exchange_rows import RowError, chip_of, exported, schema_of
from swath.archive.rows import unique
from swath.archive.schema import chip_table, unit_vectors
from swath.archive.where import compile_where
from swath.chips import Chip
from swath.errors import InputError, SourceError

Layout = Literal["major-tom", "stac"]

_ROWS = 1024
_COLUMNS = (
    "id", "scene_id", "sensor", "datetime", "href", "window", "layers", "geometry", "crs", "properties", "thumbnail",
    "vector", "tokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """A row that was left out."""

    row: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        added: chips that are new in the archive.
        present: chips that were there.
        failures: rows that were left out, with the reason.
    """

    added: int = 0
    present: int = 0
    failures: list[ImportFailure] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def export_table(archive: Archive, path: str | Path, layout: Layout = "major-tom", where: str | None = None) -> int:
    """Write an archive as GeoParquet.

    Args:
        archive: the archive.
        path: the file; it appears when it is complete.
        layout: its columns.
        where: only rows that satisfy this filter (see `swath.archive.where`).

    Returns:
        How many chips were written.

    Raises:
        InputError: the filter cannot be read, or the layout is unknown.
        SourceError: the file cannot be written.
    """
    if layout not in ("major-tom", "stac"):
        raise InputError(f"there is no layout {layout!r}; take major-tom or stac")
    target, snapshot, about = Path(path), archive.snapshot(), archive.about
    captioned = "caption" in snapshot.table.schema.names
    search = snapshot.table.search().select([*_COLUMNS, *(CAPTION_COLUMNS.names if captioned else [])]).limit(None)
    if where is not None:
        search = search.where(compile_where(where))
    known = {"format": 1, "layout": layout, "model_id": about.model_id, "dim": about.dim, "model": about.model,
             "settings": about.settings}  # fmt: skip
    schema = schema_of(layout, about.dim, known)
    count, part = 0, target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")  # another may write the same file
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(part, schema, compression="zstd") as writer, snapshot.reading():
            for batch in search.to_batches(_ROWS):
                writer.write_table(pa.Table.from_pylist([exported(row, layout) for row in batch.to_pylist()], schema))
                count += batch.num_rows
        part.replace(target)
    except OSError as error:
        raise SourceError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        if part.is_file():
            part.unlink()
    return count


def import_table(
    path: str | Path,
    uri: str | Path,
    *,
    model_id: str | None = None,
    sensor: str | None = None,
    root: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Add the rows of a GeoParquet table with embeddings to an archive, which is made where there is none.

    A row that cannot be used is listed and left out. Run again after an interruption: what is there is passed over.

    Args:
        path: a table that `export_table` wrote, or any in the Major TOM embeddings layout.
        uri: the archive.
        model_id: the model that made the embeddings, where the table does not say.
        sensor: the sensor of all rows, where the table does not say.
        root: the folder that local files of chips must lie in; by default that of the table. A table is foreign data
            and must not name any file of this machine.
        progress: told after every batch how many rows are done, and of how many.

    Raises:
        SourceError: the table cannot be read, or has no embeddings.
        InputError: nobody says which model made the embeddings.
        ModelMismatchError: the archive is another model's.
    """
    source = Path(path)
    try:
        file = pq.ParquetFile(source)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{source}: cannot be read as Parquet ({error}); check the file") from error
    known = _known(file)
    length, column = _embedding(file, source)
    maker = model_id or known.get("model_id")
    if not maker or not isinstance(maker, str):
        raise InputError(f"{source} does not say which model made its embeddings; name it: --model-id NAME")
    model, settings = known.get("model"), known.get("settings")
    archive = Archive.create(
        uri, maker, length, model=model if isinstance(model, str) else "",
        settings=settings if isinstance(settings, dict) else None, exist_ok=True,
    )  # fmt: skip
    report, done = ImportReport(), 0
    folder = str(Path(root) if root is not None else source.resolve().parent)
    for batch in _batches(file, source):
        rows = batch.drop_columns([column]).to_pylist()
        _add(archive, rows, batch[column], sensor, (str(source.resolve()), folder), report)
        done += batch.num_rows
        if progress is not None:
            progress(done, file.metadata.num_rows)
    return report


def _add(
    archive: Archive, rows: Sequence[dict[str, Any]], embeddings: pa.Array, sensor: str | None,
    place: tuple[str, str], report: ImportReport,
) -> None:  # fmt: skip
    chips: list[Chip] = []
    vectors, tokens, thumbnails, captions = [], [], [], []
    for row, embedding in zip(rows, embeddings, strict=True):
        name = str(row.get("unique_id") or row.get("id") or f"row {len(chips)}")
        try:
            vectors.append(_unit(embedding, archive.dim))
            chips.append(chip_of(row, sensor, *place))
        except RowError as error:
            del vectors[len(chips) :]
            report.failures.append(ImportFailure(name, str(error)))
            continue
        tokens.append(row.get("swath:tokens"))
        thumbnails.append(row.get("thumbnail"))
        captions.append([_text(row.get(f"swath:{name}")) for name in CAPTION_COLUMNS.names])
    if not chips:
        return
    units = unit_vectors(np.stack(vectors), archive.dim, [chip.id for chip in chips])
    table = chip_table(chips, units, tokens, thumbnails, archive.model_id)
    if any(caption is not None for caption, _ in captions):
        for name, values in zip(CAPTION_COLUMNS.names, zip(*captions, strict=True), strict=True):
            table = table.append_column(name, pa.array(values, pa.string()))
    added = archive.add_rows(unique(table))
    report.added += added
    report.present += len(chips) - added


def _unit(embedding: pa.Scalar, dim: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A vector of length 1; those of others may have any length."""
    values = np.asarray(embedding.as_py() if embedding.is_valid else (), dtype=np.float64)
    if values.shape != (dim,):
        raise RowError(f"its embedding has {values.size} numbers, not {dim}")
    norm = float(np.linalg.norm(values))
    if not np.isfinite(norm) or norm == 0.0:
        raise RowError("its embedding holds NaN or infinite values, or nothing but zeros")
    return cast("np.ndarray[Any, np.dtype[np.float32]]", (values / norm).astype(np.float32))


def _text(value: Any) -> str | None:  # noqa: ANN401 - a cell
    return value if isinstance(value, str) else None


def _known(file: pq.ParquetFile) -> dict[str, Any]:
    try:
        found = json.loads((file.schema_arrow.metadata or {}).get(b"swath", b"{}"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _embedding(file: pq.ParquetFile, source: Path) -> tuple[int, str]:
    """Length and name of the column of embeddings."""
    if "embedding" not in file.schema_arrow.names:
        raise SourceError(f"{source}: has no column embedding; it has {', '.join(file.schema_arrow.names)[:500]}")
    for batch in _batches(file, source):
        for value in batch["embedding"]:
            if value.is_valid and len(value):
                return len(value), "embedding"
    raise SourceError(f"{source}: holds no embedding")


def _batches(file: pq.ParquetFile, source: Path) -> Iterator[pa.RecordBatch]:
    try:
        yield from file.iter_batches(_ROWS)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{source}: is damaged ({error}); fetch it again") from error
