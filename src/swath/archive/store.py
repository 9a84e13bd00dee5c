"""The door to Lance: open, create, commit rows exactly once, and say in plain words what is wrong with the files.

An archive is a Lance database (a folder, or an object-store address) with two tables: `chips`, one row a chip, and
`meta`, one row a fact about the archive. `meta` is written last: an archive exists when its `meta` does.

Exactly once. `chips` declares `id` as its primary key, and rows are added by a merge that inserts only absent ids.
Lance commits optimistically: two writers that insert the same key in parallel conflict on the second commit, which is
then redone against the first. A commit is one atomic manifest write, so a kill loses the uncommitted batch and nothing
else.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import lancedb
import pyarrow as pa

from swath.archive.creation import check_place, create_in_folder, create_in_store
from swath.archive.failures import CONFLICT, is_local, reading, writing
from swath.archive.schema import chip_schema, primary_key
from swath.errors import ArchiveCorruptError, ArchiveError, ArchiveNotFoundError

FORMAT_VERSION = 1

T = TypeVar("T")

_META_SCHEMA = pa.schema([primary_key("key"), pa.field("value", pa.string()), pa.field("data", pa.large_binary())])
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds
_PATIENCE = 60.0  # seconds for which a commit is tried again while other processes commit
LOOKS = 3  # at what another process may be moving, or removing in favour of a newer version


@dataclass(frozen=True, slots=True)
class ArchiveMeta:
    """What an archive remembers about itself.

    Attributes:
        model_id: the model that made every vector.
        dim: length of a vector.
        model: name or folder that `DualEncoder.from_pretrained` loads; empty if unknown.
        settings: how it was built (chip size, stride, ...); for information.
        created: when, UTC, ISO 8601.
        format: version of the layout.
    """

    model_id: str
    dim: int
    model: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    format: int = FORMAT_VERSION


class Store:
    """The two tables of one archive."""

    def __init__(self, uri: str, connection: Any, chips: Any, meta: Any, about: ArchiveMeta) -> None:  # noqa: ANN401 - lancedb is untyped
        self.uri = uri
        self.about = about
        self.chips = chips
        self._connection = connection
        self._meta = meta

    @classmethod
    def create(cls, uri: str | Path, about: ArchiveMeta, options: Mapping[str, str] | None = None) -> Store:
        """Make an empty archive.

        Args:
            uri: a folder or an object-store address.
            about: what it will remember about itself.
            options: of the object store (``endpoint``, ``region``, ``allow_http``, ...); others are those of the
                environment (``AWS_ENDPOINT``, ``AWS_ACCESS_KEY_ID``, ...).

        Raises:
            ArchiveError: there is one already, or the place cannot be written.
        """
        address = _address(uri)
        row = {"key": "archive", "value": json.dumps(asdict(about)), "data": None}
        # `chips` without `meta`: a kill left it, it is empty and is taken over, or another process is making both.
        tables = {
            "chips": chip_schema(about.dim).empty_table(),
            "meta": pa.Table.from_pylist([row], schema=_META_SCHEMA),
        }
        with writing(address):
            if is_local(address):
                check_place(Path(address))
            connection = _connect(address, options)
            if "meta" in _tables(connection) and _table(connection, "meta") is not None:
                raise ArchiveError(_present(address))
            made = (
                create_in_folder(Path(address), lambda aside: _connect(aside, options), tables)
                if is_local(address)
                else create_in_store(address, connection, tables)
            )
            if not made:
                raise ArchiveError(_present(address))
            chips, meta = (connection.open_table(name) for name in tables)
        return cls(address, connection, chips, meta, about)

    @classmethod
    def open(cls, uri: str | Path, options: Mapping[str, str] | None = None) -> Store:
        """Open an archive; `options` are those of `create`.

        Raises:
            ArchiveNotFoundError: nothing there.
            ArchiveCorruptError: damaged or incomplete files.
            ArchiveError: written by a newer swath.
        """
        address = _address(uri)
        if is_local(address) and not any((Path(address) / f"{table}.lance").is_dir() for table in ("chips", "meta")):
            raise ArchiveNotFoundError(_missing(address))
        for _ in range(LOOKS - 1):
            try:
                return cls._open(address, options)
            except ArchiveCorruptError:  # unless another process is just making it, or removing an old version
                time.sleep(_FIRST_PAUSE)
        return cls._open(address, options)

    @classmethod
    def _open(cls, address: str, options: Mapping[str, str] | None) -> Store:
        with reading(address):
            connection = _connect(address, options)
            tables = _tables(connection)
            found = {name: _open_newest(connection, address, name, tables) for name in ("meta", "chips")}
            # What a kill left while an archive was being made has no row yet and is none.
            if found["meta"] is None and (found["chips"] is None or not found["chips"].count_rows()):
                raise ArchiveNotFoundError(_missing(address))
            missing = [name for name, table in found.items() if table is None]
            if missing:
                raise ArchiveCorruptError(
                    f"archive {address} is incomplete: its {missing[0]!r} table is missing; restore it from a copy, "
                    f"or remove the folder and index again"
                )
            rows = found["meta"].search().where("key = 'archive'").limit(1).to_list()
        return cls(address, connection, found["chips"], found["meta"], _about(address, rows))

    def snapshot(self) -> Any:  # noqa: ANN401 - lancedb is untyped
        """A second handle on `chips`, fixed at the newest version until it is dropped."""
        with reading(self.uri):
            return self._connection.open_table("chips")

    def version(self, number: int) -> Any:  # noqa: ANN401 - lancedb is untyped
        """A handle on `chips` as it was at a version; None where that version is not kept any more."""
        table = self.snapshot()
        try:
            table.checkout(number)
        except (ValueError, RuntimeError, OSError):
            return None
        return table

    def rows(self) -> int:
        """Number of rows in the newest version."""
        with reading(self.uri):
            self.chips.checkout_latest()
            return int(retried(self.chips, self.chips.count_rows))

    def newest_version(self) -> int:
        """The newest version of `chips`, also if another process wrote it."""
        with reading(self.uri):
            self.chips.checkout_latest()
            return int(self.chips.version)

    def changed_at(self) -> int | None:
        """When a version of `chips` was last written, by the file system's clock, in nanoseconds; None if remote.

        It costs a hundredth of `newest_version`. 0 where there is no such folder.
        """
        if not is_local(self.uri):
            return None
        try:
            return _versions(self.uri, "chips").stat().st_mtime_ns
        except OSError:
            return 0

    def insert(self, rows: pa.Table) -> int:
        """Commit the rows whose ids are not there yet, all at once.

        Args:
            rows: with the schema of `chip_schema` and no id twice.

        Returns:
            How many were inserted.

        Raises:
            ArchiveError: the disk is full or cannot be written; rows committed before are safe.
        """
        # Not through an index on `id`: that path of Lance (0.40) leaves out the check for keys that another writer
        # has just inserted, and stores them twice. The scan of one text column costs 0.3 s for a million rows.
        merge = self.chips.merge_insert("id").when_not_matched_insert_all().use_index(False)
        with writing(self.uri):
            result = retried(self.chips, lambda: merge.execute(rows))
        return int(result.num_inserted_rows)

    def add_columns(self, columns: pa.Schema) -> None:
        """Give `chips` further columns, empty in every row; those that are there stay."""
        with writing(self.uri):
            self.chips.checkout_latest()
            if set(columns.names) <= set(self.chips.schema.names):
                return
            try:
                retried(self.chips, lambda: self.chips.add_columns(columns))
            except (RuntimeError, ValueError):
                # Another process may have been first.
                self.chips.checkout_latest()
                if not set(columns.names) <= set(self.chips.schema.names):
                    raise

    def update(self, rows: pa.Table) -> int:
        """Replace values of rows that are there, in one commit; columns that are not given stay as they are.

        Args:
            rows: ``id`` and other columns.

        Returns:
            How many rows were changed; those deleted meanwhile are not there any more.
        """
        with writing(self.uri):
            merge = self.chips.merge_insert("id").when_matched_update_all().use_index(False)
            result = retried(self.chips, lambda: merge.execute(rows))
        return int(result.num_updated_rows)

    def delete(self, condition: str) -> int:
        """Remove the rows for which SQL holds; returns how many."""
        with writing(self.uri):
            return int(retried(self.chips, lambda: self.chips.delete(condition)).num_deleted_rows)

    def tidy(self, keep: timedelta) -> None:
        """Compact the facts about the archive and drop their versions that were superseded longer than `keep` ago."""
        with writing(self.uri):
            retried(self._meta, lambda: self._meta.optimize(cleanup_older_than=age_to_drop(self._meta, keep)))

    def put(self, key: str, value: Any, data: bytes | None = None) -> None:  # noqa: ANN401 - any JSON value
        """Write one fact about the archive."""
        rows = pa.Table.from_pylist([{"key": key, "value": json.dumps(value), "data": data}], schema=_META_SCHEMA)
        with writing(self.uri):
            merge = self._meta.merge_insert("key").when_matched_update_all().when_not_matched_insert_all()
            retried(self._meta, lambda: merge.execute(rows))

    def get(self, key: str) -> tuple[Any, bytes | None] | None:
        """Read one fact about the archive; None if it was never written."""
        with reading(self.uri):
            self._meta.checkout_latest()
            found = retried(self._meta, lambda: self._meta.search().where(f"key = '{key}'").limit(1).to_list())
        return (json.loads(found[0]["value"]), found[0]["data"]) if found else None


def retried(table: Any, action: Callable[[], T]) -> T:  # noqa: ANN401 - lancedb is untyped
    """Write to a table, or read it: again while other writers get in the way, for a minute.

    Whatever else goes wrong is tried again, a few times, if the table has a newer version by then: what was read may
    have been removed in its favour.
    """
    until, pause, others = time.monotonic() + _PATIENCE, _FIRST_PAUSE, 0
    while True:
        version = table.version
        try:
            return action()
        except (RuntimeError, ValueError, OSError) as error:
            conflict = any(sign in str(error).lower() for sign in CONFLICT)
            others += not conflict
            if time.monotonic() > until or others >= LOOKS:
                raise
            table.checkout_latest()
            if not conflict and table.version == version:
                raise
        time.sleep(random.uniform(0, pause))
        pause = min(2 * pause, _LONGEST_PAUSE)


def age_to_drop(table: Any, keep: timedelta) -> timedelta:  # noqa: ANN401 - lancedb is untyped
    """The age from which versions may be removed if what was the newest one at most `keep` ago is to stay.

    A version is as old as its writing, however long it was the newest: that which readers have held for weeks, until a
    moment ago, would be the first to go.
    """
    if keep <= timedelta(0):
        return keep
    now = datetime.now()
    settled = [version["timestamp"] for version in table.list_versions() if version["timestamp"] <= now - keep]
    # A tenth more, for the time until they are removed.
    return now - max(settled) + keep / 10 if settled else keep


def _about(address: str, found: list[dict[str, Any]]) -> ArchiveMeta:
    try:
        values = json.loads(found[0]["value"])
        version = int(values["format"])
        if version <= FORMAT_VERSION:
            return ArchiveMeta(**values)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ArchiveCorruptError(
            f"archive {address} has lost its record of model and format; restore it from a copy, or index again"
        ) from error
    raise ArchiveError(f"archive {address} has format {version}, this swath reads up to {FORMAT_VERSION}; update swath")


def _open_newest(connection: Any, address: str, table: str, tables: set[str]) -> Any:  # noqa: ANN401 - lancedb is untyped
    """Open a table, None if it is not there; refuse one whose newest manifest is gone.

    Lance would quietly serve the version before it.
    """
    written = _written_version(address, table)  # first: another process may write a version meanwhile
    opened = _table(connection, table) if table in tables else None
    if written is not None and opened is not None and opened.version < written:
        raise ArchiveCorruptError(
            f"archive {address} has lost the newest version of its {table!r} table (found {opened.version}, "
            f"wrote {written}); restore {_versions(address, table)} from a copy, or remove the folder and index again"
        )
    return opened


def _table(connection: Any, table: str) -> Any:  # noqa: ANN401 - lancedb is untyped
    """A table that is listed; None where it has no version, because a kill ended its making."""
    try:
        return connection.open_table(table)
    except ValueError as error:
        if "was not found" not in str(error):
            raise
        return None


def _written_version(address: str, table: str) -> int | None:
    """The version that Lance says it wrote last; None where it left no such hint, or the table is not local."""
    if not is_local(address):
        return None
    try:
        return int(json.loads((_versions(address, table) / "latest_version_hint.json").read_text())["version"])
    except (ValueError, KeyError, TypeError, OSError):
        return None


def _versions(address: str, table: str) -> Path:
    return Path(address) / f"{table}.lance" / "_versions"


def _missing(address: str) -> str:
    return f"no archive at {address}; make one with: swath index SOURCE --to {address}"


def _present(address: str) -> str:
    return f"there is an archive at {address} already; open it, or choose another place"


def _connect(address: str, options: Mapping[str, str] | None) -> Any:  # noqa: ANN401 - lancedb is untyped
    return lancedb.connect(address, storage_options=dict(options) if options else None)


def _tables(connection: Any) -> set[str]:  # noqa: ANN401 - lancedb is untyped
    return set(connection.list_tables().tables)


def _address(uri: str | Path) -> str:
    text = str(uri)
    return text if "://" in text else str(Path(text).expanduser().absolute())
