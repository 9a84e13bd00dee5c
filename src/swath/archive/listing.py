"""`listing`: all rows of one or several archives that satisfy a query, in one order, page by page.

A listing belongs to one version of each archive, so its pages stay what they are while archives grow. It keeps eight
bytes a row; rows are read when a page asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from swath.archive import ranking
from swath.archive.conditions import Name
from swath.archive.hits import Hit
from swath.archive.query import Query
from swath.archive.schema import HIT_COLUMNS

if TYPE_CHECKING:
    from swath.archive.archive import Archive
    from swath.archive.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order; rows without a value come last."""

    name: Name
    descending: bool = False


NEWEST = (Order(Name("datetime"), descending=True),)
"""Newest first."""


class Listing:
    """Rows in their order; `numbers` are what the archives are called by."""

    def __init__(
        self, snapshots: Sequence[Snapshot], which: NDArray[np.int64], rows: NDArray[np.uint64], archives: Sequence[int]
    ) -> None:
        self._snapshots = list(snapshots)
        self._which = which
        self._rows = rows
        self.numbers = list(archives)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def versions(self) -> list[int]:
        """The versions that are listed."""
        return [snapshot.version for snapshot in self._snapshots]

    def page(self, start: int, count: int) -> list[tuple[int, Hit]]:
        """Some of the rows.

        Returns:
            (place of the archive among those that were given, hit); hits have no score.
        """
        which, rows = self._which[start : start + count], self._rows[start : start + count]
        found: dict[int, Hit] = {}
        for place in np.unique(which):
            at = np.flatnonzero(which == place)
            taken = self._snapshots[place].take(rows[at], HIT_COLUMNS)
            for index, row in zip(at, taken, strict=True):
                found[int(index)] = Hit.from_row(start + int(index) + 1, None, None, row, ranking.footprint(row))
        return [(self.numbers[int(which[index])], found[index]) for index in range(len(rows))]

    def place_of(self, archive: int, chip: str) -> int | None:
        """Where a chip stands; None where it is not listed."""
        if archive not in self.numbers:
            return None
        own = self.numbers.index(archive)
        snapshot = self._snapshots[own]
        found = snapshot.rows_of([chip], ["id", "_rowid"])
        if not found:
            return None
        places = np.flatnonzero((self._which == own) & (self._rows == np.uint64(found[0]["_rowid"])))
        return int(places[0]) if len(places) else None


def listing(
    archives: Sequence[Archive],
    queries: Sequence[Query],
    order: Sequence[Order] = NEWEST,
    versions: Sequence[int] | None = None,
    numbers: Sequence[int] | None = None,
) -> Listing:
    """List all rows that satisfy the filters of queries.

    Args:
        archives: where to look.
        queries: one each; only their filters count.
        order: keys, the first counts most; equal rows come in the order of their ids.
        versions: of each archive; the newest by default.
        numbers: what `Listing.page` calls each archive; by default its place in `archives`.

    Raises:
        QueryError: a filter or key that cannot be read, or a version that is not kept any more.
    """
    tables, snapshots = [], []
    for place, (archive, query) in enumerate(zip(archives, queries, strict=True)):
        snapshot = archive.snapshot(None if versions is None else versions[place])
        snapshots.append(snapshot)
        tables.append(_with_place(_keys(snapshot, query, order), place))
    numbers = list(range(len(archives))) if numbers is None else list(numbers)
    if not tables:
        return Listing([], np.empty(0, np.int64), np.empty(0, np.uint64), numbers)
    table = pa.concat_tables(tables)
    keys: list[tuple[str, str]] = []
    for number, key in enumerate(order):
        name = f"key{number}"
        if key.name.is_property:
            table = table.set_column(table.schema.get_field_index(name), name, _comparable(table[name]))
        keys.append((name, "descending" if key.descending else "ascending"))
    # What has no value comes last, in either direction: the default of Arrow.
    at = pc.sort_indices(table, [*keys, ("id", "ascending")])
    rows = np.asarray(table["_rowid"].take(at).to_numpy(), dtype=np.uint64)
    return Listing(snapshots, np.asarray(table["archive"].take(at).to_numpy(), dtype=np.int64), rows, numbers)


def _keys(snapshot: Snapshot, query: Query, order: Sequence[Order]) -> pa.Table:
    """Row ids, ids and keys of the rows that satisfy a query's filters."""
    columns = {"_rowid": "_rowid", "id": "id"} | {f"key{at}": key.name.sql() for at, key in enumerate(order)}
    sql = query.filters.sql()
    search = snapshot.table.search().select(columns).limit(None)
    with snapshot.reading():
        table = (search.where(sql) if sql else search).to_arrow()
    if query.filters.is_spatial:
        rows = np.asarray(table["_rowid"].to_numpy(), dtype=np.uint64)
        table = table.filter(pa.array(ranking.keeps(query, snapshot, rows)))
    return table.cast(pa.schema([pa.field(field.name, field.type) for field in table.schema]))


def _with_place(table: pa.Table, place: int) -> pa.Table:
    return table.append_column("archive", pa.array(np.full(table.num_rows, place, np.int64)))


def _comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers where all values are numbers, else texts."""
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        return column
