"""`Snapshot`: one version of an archive's rows, and the scores of its vectors.

Three ways lead to the same ranking, chosen by size alone:

1. all vectors fit in `Limits.cache_bytes`: they are loaded once, and scores are one matrix product;
2. few rows match the filter (`Limits.exact_matches`), or there is no vector index: their vectors are streamed from
   disk;
3. otherwise Lance's IVF_PQ index proposes candidates under the filter and ranks them by their full vectors.

The first two are exact. The third widens until the caller has enough, and ends in the second. It is also taken by
searches without a filter of more rows than `Limits.exact_rows`, whether or not they fit in memory: reading a
gigabyte for each query takes longer than asking the index. Filters are faster in memory than in the index.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from swath.archive.failures import reading
from swath.archive.filters import NO_TIME, Columns, Filters
from swath.archive.merging import Ranking, best_first, first_scores, merged, scaled
from swath.archive.products import products
from swath.archive.scale import Coded, Scale
from swath.archive.schema import BOUNDS
from swath.archive.where import id_in
from swath.errors import ArchiveCorruptError

_BLOCK = 8192  # rows whose products with several vectors are held at a time
_SINGLY = 4  # reading a row on its own takes some four times as long as reading it with all others
_COUNTS = 256  # filters whose rows are remembered


@dataclass(frozen=True, slots=True)
class Limits:
    """When a search is exact and how wide an index search looks.

    Attributes:
        cache_bytes: vectors up to this size are kept in memory (1 GiB holds 524,288 of length 512); where new versions
            are loaded while older ones answer (`Archive.load_ahead`), up to twice that for as long as it takes.
        exact_matches: with a vector index, filters that leave at most this many rows are searched exactly.
        exact_rows: with a vector index, archives of more rows are asked through it where there is no filter.
        largest_k: an index search is asked for at most this many candidates; beyond, the search is exact.
        probes: partitions of the index that are visited.
        refine: candidates re-scored by their full vectors, as a multiple of those asked for.
    """

    cache_bytes: int = 2**30
    exact_matches: int = 50_000
    exact_rows: int = 2**18
    largest_k: int = 4096
    probes: int = 64
    refine: int = 40


@dataclass(frozen=True, slots=True, eq=False)
class _Cache:
    """Row ids (N,), ascending, with vectors (N, D) and the columns that filters read."""

    rows: NDArray[np.uint64]
    vectors: NDArray[np.float32]
    columns: Columns
    sensors: Coded


class Snapshot:
    """One version of the `chips` table; safe to share between threads."""

    def __init__(self, uri: str, table: Any, dim: int, limits: Limits) -> None:  # noqa: ANN401 - lancedb is untyped
        self.reading = partial(reading, uri, table)
        with self.reading():
            self.version, self.rows = int(table.version), int(table.count_rows())
        self.dim = dim
        self.limits = limits
        self.table = table
        self.uri = uri
        self._lock = threading.Lock()
        self._cache: _Cache | None = None
        self._read = 0  # candidates, from files
        self._sample: NDArray[np.float32] | None = None
        self._indexed: bool | None = None
        self._captioned: bool | None = None
        self._counts: dict[str, int] = {}
        self._samples: dict[str, NDArray[np.float32]] | None = None
        self._by_sensor: dict[str, NDArray[np.uint64]] | None = None

    @property
    def bytes(self) -> int:
        """Size of all vectors in memory."""
        return self.rows * self.dim * 4

    @property
    def fits_in_memory(self) -> bool:
        """Whether all vectors fit in the memory that a search may use."""
        return self.bytes <= self.limits.cache_bytes

    def load(self) -> None:
        """Read now what searches would wait for: all vectors, where they fit in memory, and samples of them."""
        if self.fits_in_memory:
            self._loaded()
        self.sample()
        self.samples()

    @property
    def has_vector_index(self) -> bool:
        """Whether `optimize` has built an index over the vectors."""
        if self._indexed is None:
            with self.reading():
                self._indexed = any(index.columns == ["vector"] for index in self.table.list_indices())
        return self._indexed

    def count(self, sql: str | None) -> int:
        """Number of rows that satisfy a filter."""
        if sql is None:
            return self.rows
        found = self._counts.get(sql)
        if found is None:
            with self.reading():
                found = self._counts[sql] = int(self.table.count_rows(sql))
            while len(self._counts) > _COUNTS:
                self._counts.pop(next(iter(self._counts)), None)
        return found

    def rankings(
        self, vector: NDArray[np.float32], filters: Filters, k: int, scale: Scale | None = None
    ) -> Iterator[Ranking]:
        """Rank the rows that satisfy a filter by their inner product with a vector.

        Args:
            vector: (D,), of any length.
            filters: what rows must satisfy; what is spatial, by bounds only.
            k: hits wanted.
            scale: calibrates the products of each sensor; None leaves them as they are.

        Yields:
            Parts of the ranking, best first, no row twice, until every matching row has been given.
        """
        seen = np.empty(0, np.uint64)
        # In memory, one pass over all sensors is less than asking for each of them.
        if self.prefers_index(filters.sql(), k) and not (scale is not None and self.fits_in_memory):
            if scale is not None:
                # The index knows nothing of sensors: it is asked for each of them.
                wanted = [name for name in self.sensors if not filters.sensors or name in filters.sensors]
                yield from merged(
                    [scaled(self.rankings(vector, filters.only(name), k), scale, name) for name in wanted]
                )
                return
            for rows, scores in self._nearest(vector, filters.sql(), k):
                fresh = ~np.isin(rows, seen)
                seen = np.concatenate([seen, rows[fresh]])
                yield rows[fresh], scores[fresh]
        rows, scores = self.scores(vector, filters, scale)
        if len(seen):
            fresh = ~np.isin(rows, seen)
            rows, scores = rows[fresh], scores[fresh]
        yield from best_first(rows, scores, k)

    def scores(self, vector: NDArray[np.float32], filters: Filters, scale: Scale | None = None) -> Ranking:
        """Exact inner products of a vector with every row that satisfies filters, in no particular order.

        Args:
            vector: (D,), of any length.
            filters: what rows must satisfy; what is spatial, by bounds only.
            scale: calibrates the products of each sensor.
        """
        sql = filters.sql()
        # A first query that needs few rows does not wait for all of them to be loaded.
        if self.fits_in_memory and (self._cache is not None or self.count(sql) > 0.05 * self.rows):
            cache = self._loaded()
            if sql is None:
                scores = products(cache.vectors, vector)
                return cache.rows, scores if scale is None else scale.apply(scores, cache.sensors)
            at = self._places(cache, filters)
            # Gathering rows costs more than a full product once a good part of them is wanted.
            dense = len(at) > 0.4 * len(cache.rows)
            scores = products(cache.vectors, vector)[at] if dense else products(cache.vectors, vector, at)
            return cache.rows[at], scores if scale is None else scale.apply(scores, cache.sensors[at])
        found = [np.empty(0, np.uint64)], [np.empty(0, np.float32)]
        for rows, matrix, sensors in self._stream(sql):
            found[0].append(rows)
            found[1].append(matrix @ vector if scale is None else scale.apply(matrix @ vector, sensors))
        return np.concatenate(found[0]), np.concatenate(found[1])

    def best_means(
        self, vectors: NDArray[np.float32], filters: Filters, best: int, scale: Scale | None = None
    ) -> NDArray[np.float64]:
        """How well each of several vectors is matched: the mean of its highest inner products.

        Args:
            vectors: (N, D).
            filters: what rows must satisfy; what is spatial, by bounds only.
            best: how many rows count, fewer where fewer satisfy the filters.
            scale: calibrates the products of each sensor.

        Returns:
            (N,); NaN where no row satisfies the filters.
        """
        import torch  # its products do not suffer on a busy machine, as those of OpenBLAS do

        if not self.fits_in_memory and self.prefers_index(filters.sql(), best):
            first = (first_scores(self.rankings(vector, filters, best, scale), best) for vector in vectors)
            return np.array([scores.mean(dtype=np.float64) for scores in first])
        asked = torch.tensor(vectors)
        top = torch.empty(len(vectors), 0)
        for matrix, sensors in self._matrices(filters):
            scores = asked @ torch.from_numpy(matrix).T
            if scale is not None:
                gain, offset = (torch.from_numpy(values) for values in scale.columns(sensors))
                scores = scores * gain + offset
            top = torch.cat([top, scores], dim=1)
            top = top.topk(min(best, top.shape[1]), dim=1, sorted=False).values
        return top.double().mean(dim=1).numpy()

    def row_ids(self, sql: str | None) -> NDArray[np.uint64]:
        """Lance's ids of the rows that satisfy a filter; valid in this snapshot only."""
        query = self.table.search().select(["_rowid"]).limit(None)
        with self.reading():
            found = (query.where(sql) if sql else query).to_arrow()
        return np.asarray(found["_rowid"].to_numpy(), dtype=np.uint64)

    def centres(self, sql: str | None) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
        """Row ids and (N, 2) lon, lat of the centre of bounds, for the georeferenced rows that satisfy a filter."""
        located = "minx IS NOT NULL" + (f" AND {sql}" if sql else "")
        query = self.table.search().select(["_rowid", *BOUNDS]).limit(None).where(located)
        with self.reading():
            found = query.to_arrow()
        west, south, east, north = (found[name].to_numpy() for name in BOUNDS)
        return found["_rowid"].to_numpy(), np.column_stack([(west + east) / 2, (south + north) / 2])

    def newest_first(self, sql: str | None) -> NDArray[np.uint64]:
        """Row ids that satisfy a filter, newest first, unknown dates last, then by id."""
        query = self.table.search().select(["_rowid", "datetime", "id"]).limit(None)
        with self.reading():
            found = (query.where(sql) if sql else query).to_arrow()
        order = pc.sort_indices(found, [("datetime", "descending"), ("id", "ascending")])
        return np.asarray(found["_rowid"].take(order).to_numpy(), dtype=np.uint64)

    def take(self, rows: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> list[dict[str, Any]]:
        """Read columns of rows, in the order of the row ids."""
        if len(rows) == 0:
            return []
        with self.reading():
            wanted = [*self._with_caption(columns), "_rowid"]
            table = self.table.take_row_ids([int(row) for row in rows]).select(wanted).to_arrow()
        # Vectors stay arrays: as lists of Python's numbers they take longer than all the rest.
        vectors = vectors_from(table["vector"], self.dim) if "vector" in columns else None
        found = {
            row["_rowid"]: row for row in table.drop_columns(["vector"] if vectors is not None else []).to_pylist()
        }
        if vectors is not None:
            for name, vector in zip(table["_rowid"].to_pylist(), vectors, strict=True):
                found[name]["vector"] = vector
        return [found[int(row)] for row in rows]

    def footprints(self, rows: NDArray[np.uint64]) -> NDArray[np.object_]:
        """Footprints (N,) of rows; None where there is no georeference."""
        return np.asarray(shapely.from_wkb([row["geometry"] for row in self.take(rows, ["geometry"])]), dtype=object)

    def ids(self) -> NDArray[np.bytes_]:
        """The ids of all rows, sorted, as bytes (32 bytes a row instead of a Python string's 81)."""
        with self.reading():
            found = self.table.search().select(["id"]).limit(None).to_arrow()
        parts = [np.array(chunk.to_pylist(), dtype=np.bytes_) for chunk in found["id"].chunks if len(chunk)]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, "S1")

    def rows_of(self, ids: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
        """Columns (with ``id``) of chips by id, in that order; absent ids are left out."""
        if not ids:
            return []
        query = self.table.search().where(id_in(ids)).select(self._with_caption(columns)).limit(None)
        with self.reading():
            found = {row["id"]: row for row in query.to_arrow().to_pylist()}
        return [found[name] for name in ids if name in found]

    def _with_caption(self, columns: Sequence[str]) -> list[str]:
        """Columns, with the caption where they are a hit's and the archive has been captioned."""
        if "properties" not in columns:
            return list(columns)
        if self._captioned is None:
            self._captioned = "caption" in self.table.schema.names
        return [*columns, "caption"] if self._captioned else list(columns)

    def vectors_of(self, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Embeddings of chips by id; absent ids are left out."""
        query = self.table.search().where(id_in(ids)).select(["id", "vector"]).limit(None)
        with self.reading():
            found = query.to_arrow()
        return dict(zip(found["id"].to_pylist(), vectors_from(found["vector"], self.dim), strict=True))

    def sample(self, size: int = 2048) -> NDArray[np.float32]:
        """(M, D) vectors evenly spread over the archive, the same for every query: parts are scaled by them."""
        if self._sample is None:
            at = np.unique(np.linspace(0, max(self.rows - 1, 0), min(size, self.rows)).astype(np.int64))
            if self._cache is not None:
                self._sample = self._cache.vectors[at]
            else:
                with self.reading():
                    found = self.table.take_offsets(at.tolist()).select(["vector"]).to_arrow()
                self._sample = vectors_from(found["vector"], self.dim)
        return self._sample

    @property
    def sensors(self) -> tuple[str, ...]:
        """Names of the sensors that have rows, sorted."""
        return tuple(self._sensor_rows())

    def samples(self, size: int = 512) -> dict[str, NDArray[np.float32]]:
        """(M, D) vectors of each sensor, evenly spread over its rows: what its scores are scaled by."""
        if self._samples is None:
            found = {}
            for name, rows in self._sensor_rows().items():
                chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(size, len(rows))).astype(np.int64))]
                taken = self.take(chosen, ["vector"]) if self._cache is None else []
                found[name] = (
                    self._cache.vectors[np.searchsorted(self._cache.rows, chosen)]
                    if self._cache is not None
                    else np.array([row["vector"] for row in taken], dtype=np.float32)
                )
            self._samples = found
        return self._samples

    def _sensor_rows(self) -> dict[str, NDArray[np.uint64]]:
        """Row ids of each sensor, ascending; sensors sorted."""
        if self._by_sensor is None:
            if self._cache is not None:
                rows, sensors = self._cache.rows, self._cache.sensors
            else:
                with self.reading():
                    found = self.table.search().select(["_rowid", "sensor"]).limit(None).to_arrow()
                rows, sensors = found["_rowid"].to_numpy(), Coded.of(found["sensor"])
            self._by_sensor = {
                name: np.sort(rows[sensors.codes == code])
                for code, name in sorted(enumerate(sensors.names), key=_second)
            }
        return self._by_sensor

    def _places(self, cache: _Cache, filters: Filters) -> NDArray[np.int64]:
        """Places in the cache of the rows that satisfy filters."""
        if filters.where is None:
            return np.flatnonzero(filters.mask(cache.columns))
        return np.searchsorted(cache.rows, self.row_ids(filters.sql()))

    def _matrices(self, filters: Filters) -> Iterator[tuple[NDArray[np.float32], Coded]]:
        """The vectors of all rows that satisfy filters, block by block, each (n, D) and writable, and their sensors."""
        sql = filters.sql()
        if not self.fits_in_memory:
            for _, matrix, sensors in self._stream(sql):
                yield np.array(matrix), sensors
            return
        cache = self._loaded()
        places = np.arange(len(cache.rows)) if sql is None else self._places(cache, filters)
        for start in range(0, len(places), _BLOCK):
            block = places[start : start + _BLOCK]
            yield cache.vectors[block], cache.sensors[block]

    def prefers_index(self, sql: str | None, k: int) -> bool:
        """Whether k rows under a filter are asked of the vector index."""
        if self.fits_in_memory and (sql is not None or self.rows <= self.limits.exact_rows):
            return False
        if k > self.limits.largest_k or not self.has_vector_index:
            return False
        return self.count(sql) > self.limits.exact_matches

    def _nearest(self, vector: NDArray[np.float32], sql: str | None, k: int) -> Iterator[Ranking]:
        """Rankings of growing length from the vector index; each begins anew, so rows repeat."""
        wanted = max(2 * k, 64)
        length = float(np.linalg.norm(vector))
        while wanted <= self.limits.largest_k:
            candidates = wanted * self.limits.refine
            cache = self._worth_loading(candidates)
            query = self.table.search(vector, vector_column_name="vector").distance_type("cosine")
            query = query.nprobes(self.limits.probes).select(["_rowid", "_distance"])
            # Lance reads candidates one by one from its files, which takes most of a search; memory gives them at once.
            query = query.limit(candidates) if cache else query.limit(wanted).refine_factor(self.limits.refine)
            with self.reading():
                # `to_arrow` would ask for the table's schema once more.
                found = (query.where(sql, prefilter=True) if sql else query).to_batches().read_all()
            rows = found["_rowid"].to_numpy()
            if cache:
                scores = products(cache.vectors, vector, np.searchsorted(cache.rows, rows))
            else:
                scores = ((1.0 - found["_distance"].to_numpy()) * length).astype(np.float32)
            order = np.lexsort((rows, -scores))[:wanted]
            yield rows[order], scores[order]
            if len(rows) < wanted:
                return
            wanted *= 4

    def _worth_loading(self, candidates: int) -> _Cache | None:
        """What searches in memory need, once so many candidates have been read that reading all would have paid."""
        if self._cache is None and self.fits_in_memory:
            self._read += candidates
            if self._read * _SINGLY > self.rows and not self._lock.locked():
                return self._loaded()
        return self._cache

    def _loaded(self) -> _Cache:
        """What searches in memory need, loaded once."""
        with self._lock:
            if self._cache is None:
                rows, columns, sensors = self._columns()
                matrix, read = np.empty((len(rows), self.dim), np.float32), np.zeros(len(rows), np.bool_)
                for ids, vectors, _ in self._stream(None):
                    places = np.searchsorted(rows, ids).clip(max=max(len(rows) - 1, 0))
                    matrix[places] = vectors
                    read[places] = rows[places] == ids
                if not read.all():
                    raise ArchiveCorruptError(f"archive {self.uri} gives different rows on reading it twice; verify it")
                self._cache = _Cache(rows, matrix, columns, sensors)
            return self._cache

    def _columns(self) -> tuple[NDArray[np.uint64], Columns, Coded]:
        """Row ids (N,), ascending, and what filters read of those rows."""
        query = self.table.search().select(["_rowid", *BOUNDS, "datetime", "sensor"]).limit(None)
        with self.reading():
            found = query.to_arrow().sort_by("_rowid")
        times = found["datetime"].cast(pa.int64()).fill_null(NO_TIME)
        sensors = Coded.of(found["sensor"])
        bounds = np.column_stack([found[name].to_numpy() for name in BOUNDS]).astype(np.float64)
        names = np.array(sensors.names or [""], dtype=np.str_)[sensors.codes]
        return found["_rowid"].to_numpy(), Columns(bounds, times.to_numpy(), names), sensors

    def _stream(self, sql: str | None) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.float32], Coded]]:
        """Row ids, vectors and sensors of the rows that satisfy a filter, batch by batch."""
        query = self.table.search().select(["_rowid", "vector", "sensor"]).limit(None)
        with self.reading():
            for batch in (query.where(sql) if sql else query).to_batches():
                yield batch["_rowid"].to_numpy(), vectors_from(batch["vector"], self.dim), Coded.of(batch["sensor"])


def _second(pair: tuple[int, str]) -> str:
    return pair[1]


def vectors_from(column: pa.ChunkedArray | pa.Array, dim: int) -> NDArray[np.float32]:
    """(N, `dim`) float32 out of an Arrow column of vectors."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    # An array of fixed-size lists keeps the offset of a slice, `flatten` honours it.
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False), dtype=np.float32).reshape(-1, dim)
