"""Looking after an archive: what is in it (`info`), making it fast (`optimize`), finding what is wrong (`verify`)."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from lancedb.index import BTree, IvfPq

from swath.archive.extents import bounding_box
from swath.archive.failures import writing
from swath.archive.interval import rfc3339
from swath.archive.schema import BOUNDS, INDEXED
from swath.archive.snapshot import Snapshot, vectors_from
from swath.archive.store import Store, age_to_drop, retried
from swath.archive.tokens import unpack
from swath.errors import SwathError

INDEX_ROWS = 100_000
"""Rows from which a vector index is worth its making; below, exact search is as fast."""

GROWTH = 4
"""An archive this many times larger than when its vector index was trained gets it anew; until then it is added to."""

_EXAMPLES = 1000
_FOREVER = timedelta(days=36_500)
_TRAINED = "vector_index"


@dataclass(frozen=True, slots=True)
class ArchiveInfo:
    """What is in an archive.

    Attributes:
        uri: where it is.
        rows: chips.
        scenes: distinct scenes.
        sensors: chips by sensor.
        model: the model that made the embeddings.
        dim: length of an embedding.
        bbox: (west, south, east, north) of everything georeferenced; west > east across the antimeridian.
        datetime: (first, last) acquisition time, RFC 3339.
        size_bytes: size on disk; None for an object store.
        indexes: indexed columns.
        version: of the table; every commit makes one.
        created: when the archive was made.
        settings: how it was built.
    """

    uri: str
    rows: int
    scenes: int
    sensors: dict[str, int]
    model: str
    dim: int
    bbox: tuple[float, float, float, float] | None
    datetime: tuple[str, str] | None
    size_bytes: int | None
    indexes: list[str]
    version: int
    created: str
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OptimizeReport:
    """What `optimize` did.

    Attributes:
        rows: chips in the archive.
        indexes: indexed columns.
        size_before: bytes on disk; None for an object store.
        size_after: bytes on disk.
        seconds: how long it took.
        unindexed_rows: rows that the vector index does not hold (a search looks at them one by one); 0 without one.
    """

    rows: int
    indexes: list[str]
    size_before: int | None
    size_after: int | None
    seconds: float
    unindexed_rows: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: its kind, the chip or file concerned, and what is the matter."""

    kind: str
    subject: str
    detail: str


@dataclass(slots=True)
class VerifyReport:
    """What `verify` found.

    Attributes:
        rows: rows looked at.
        files: files looked at.
        counts: problems by kind.
        problems: the problems themselves, the first thousand.
    """

    rows: int = 0
    files: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts

    def note(self, kind: str, subject: str, detail: str) -> None:
        """Take down a problem."""
        self.counts[kind] += 1
        if len(self.problems) < _EXAMPLES:
            self.problems.append(Problem(kind, subject, detail))

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {"ok": self.ok, **asdict(self), "counts": dict(self.counts)}


def info(store: Store, snapshot: Snapshot) -> ArchiveInfo:
    """Describe an archive."""
    query = snapshot.table.search().select(["sensor", "scene_id", "datetime", *BOUNDS]).limit(None)
    with snapshot.reading():
        found = query.to_arrow()
        indexes = sorted({column for index in snapshot.table.list_indices() for column in index.columns})
    counted = pc.value_counts(found["sensor"]).to_pylist()
    times = pc.min_max(found["datetime"]).as_py()
    return ArchiveInfo(
        uri=store.uri,
        rows=snapshot.rows,
        scenes=len(pc.unique(found["scene_id"])),
        sensors={entry["values"]: entry["counts"] for entry in sorted(counted, key=lambda entry: entry["values"])},
        model=store.about.model_id,
        dim=store.about.dim,
        bbox=bounding_box(found),
        datetime=None if times["min"] is None else (rfc3339(times["min"]), rfc3339(times["max"])),
        size_bytes=_size(store.uri),
        indexes=indexes,
        version=snapshot.version,
        created=store.about.created,
        settings=store.about.settings,
    )


def optimize(
    store: Store, *, keep: timedelta = timedelta(hours=1), vector_index: bool | None = None, rebuild: bool = False
) -> OptimizeReport:
    """Compact files, drop old versions, index what filters use, and index the vectors of large archives.

    Safe beside readers and writers: what they hold stays for as long as `keep` after it was the newest.

    Args:
        store: the archive.
        keep: how long versions and their files stay after a newer one was written; 0 only where nobody reads or writes.
        vector_index: whether to index vectors; by default from `INDEX_ROWS` rows.
        rebuild: make indexes anew, also those that exist. Otherwise new rows are added to them, and only the vector
            index is made anew once the archive has grown `GROWTH` times over.

    Raises:
        ArchiveError: the archive cannot be written.
    """
    started, before, rows = time.monotonic(), _size(store.uri), store.rows()
    table = store.chips
    with writing(store.uri):
        # Compaction moves rows and would have to remap every index: it goes first. Nothing is removed yet.
        retried(table, lambda: table.optimize(cleanup_older_than=_FOREVER))
        present = {column for index in table.list_indices() for column in index.columns}
        for column in INDEXED if rows else ():
            if rebuild or column not in present:
                retried(table, partial(table.create_index, column, config=BTree(), replace=True))
        wanted = rows >= INDEX_ROWS if vector_index is None else vector_index
        outgrown = rows >= GROWTH * _trained_on(store, rows)
        if wanted and rows and (rebuild or outgrown or "vector" not in present):
            config = _vector_index(rows, store.about.dim)
            retried(table, partial(table.create_index, "vector", config=config, replace=True))
            store.put(_TRAINED, {"rows": rows})
        # Rows that no index knows yet are put into those that exist: partitions and codes stay as they were trained.
        retried(table, lambda: table.optimize(cleanup_older_than=age_to_drop(table, keep)))
        store.tidy(keep)
        indexes = sorted({column for index in table.list_indices() for column in index.columns})
        unindexed = _unindexed(table)
    return OptimizeReport(rows, indexes, before, _size(store.uri), time.monotonic() - started, unindexed)


def verify(store: Store, snapshot: Snapshot, *, files: bool = True) -> VerifyReport:
    """Read every row and look for what can be wrong.

    Looks for ids stored twice, vectors with NaN or of another length than 1, rows of another model, footprints,
    properties and tokens that cannot be read, and (with `files`) local files that are missing or cannot be opened.
    Files at remote addresses are not looked at.

    Raises:
        ArchiveCorruptError: the archive's own files are damaged, so that rows cannot be read.
    """
    report = VerifyReport()
    seen: set[str] = set()
    hrefs: dict[str, str] = {}
    for batch in _batches(snapshot):
        report.rows += batch.num_rows
        vectors = vectors_from(batch["vector"], store.about.dim)
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
        for place, row in enumerate(batch.drop_columns(["vector"]).to_pylist()):
            name = row["id"]
            if name in seen:
                report.note("duplicate", name, "the id is stored more than once")
            seen.add(name)
            if not np.isfinite(norms[place]):
                report.note("vector", name, "the vector holds NaN or infinite values")
            elif abs(norms[place] - 1.0) > 1e-3:
                report.note("vector", name, f"the vector has length {norms[place]:.4g}, not 1")
            if row["model_id"] != store.about.model_id:
                report.note("model", name, f"made with {row['model_id']}, not {store.about.model_id}")
            _check_row(row, report, hrefs)
    if files:
        _check_files(hrefs, report)
    return report


def _batches(snapshot: Snapshot) -> Iterator[pa.RecordBatch]:
    columns = ["id", "vector", "model_id", "layers", "geometry", "properties", "thumbnail", "tokens"]
    with snapshot.reading():
        yield from snapshot.table.search().select(columns).limit(None).to_batches()


def _check_row(row: dict[str, Any], report: VerifyReport, hrefs: dict[str, str]) -> None:
    try:
        for layer in json.loads(row["layers"]):
            hrefs.setdefault(layer[1], row["id"])
        json.loads(row["properties"])
        shapely.from_wkb(row["geometry"])
        if row["tokens"] is not None:
            unpack(row["tokens"])
    except (ValueError, TypeError, LookupError, shapely.errors.ShapelyError, SwathError) as error:
        report.note("row", row["id"], f"a column cannot be read: {error}")


def _check_files(hrefs: dict[str, str], report: VerifyReport) -> None:
    from swath.raster import describe  # GDAL is needed only for files

    for href, chip in hrefs.items():
        if "://" in href:
            continue
        report.files += 1
        if not Path(href).exists():
            report.note("missing file", href, f"there is no such file any more (chip {chip} and others)")
            continue
        try:
            describe(href)
        except SwathError as error:
            report.note("unreadable file", href, str(error))


def _trained_on(store: Store, rows: int) -> int:
    """Rows that the vector index was trained on; `rows` where that is not known."""
    found = store.get(_TRAINED)
    return int(found[0]["rows"]) if found is not None else max(rows, 1)


def _unindexed(table: Any) -> int:  # noqa: ANN401 - lancedb is untyped
    """Rows that the vector index does not hold."""
    names = [index.name for index in table.list_indices() if index.columns == ["vector"]]
    found = [table.index_stats(name) for name in names]
    return sum(int(stats.num_unindexed_rows) for stats in found if stats is not None)


def _vector_index(rows: int, dim: int) -> IvfPq:
    # About sqrt(rows) partitions (a power of two), and 8 components a code: measured in docs, recall 0.99 at 200,000.
    partitions = 2 ** max(0, int(np.log2(np.sqrt(rows))))
    sub_vectors = next(count for count in range(max(1, dim // 8), 0, -1) if dim % count == 0)
    return IvfPq(distance_type="cosine", num_partitions=partitions, num_sub_vectors=sub_vectors)


def _size(uri: str) -> int | None:
    """Bytes of all files of an archive in a folder; those that are removed meanwhile do not count."""
    if "://" in uri:
        return None
    size = 0
    for folder, _, names in os.walk(uri):
        for name in names:
            with suppress(FileNotFoundError):
                size += os.stat(os.path.join(folder, name)).st_size
    return size
