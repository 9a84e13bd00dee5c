"""Rows on disk while a corpus is written: parts that appear whole or not at all, joined into one table at the end.

``OUT.parquet.parts/`` holds the settings, a lock and ``part-NNNNN.parquet``. A kill loses the rows of the part that
was being filled, and the next run writes exactly the rows that no part has. Joining writes the table beside its place
and then moves it there; only then are the parts removed.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swath.corpus.long.records import SETTINGS_KEY, Record, schema
from swath.errors import DataError, InputError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class TableForm:
    """What kind of table is written.

    Attributes:
        title: what messages call it.
        key: where its metadata keep the settings that it was made with.
        schema: gives its columns; ``row`` (int64) and ``dropped`` (bool) are among them.
    """

    title: str
    key: bytes
    schema: Callable[[], pa.Schema]


LONG_CAPTIONS = TableForm("a table of long captions", SETTINGS_KEY, schema)


class Parts:
    """The unfinished state of one table.

    Args:
        table: the table to be.
        settings: what its rows depend on, as JSON values; rows made with other settings are never mixed in.
        form: what kind of table it is.
    """

    def __init__(self, table: Path, settings: Mapping[str, Any], form: TableForm = LONG_CAPTIONS) -> None:
        self.table = table
        self._form = form
        self.folder = table.with_name(table.name + ".parts")
        self._settings = json.loads(json.dumps(dict(settings)))

    def finished(self) -> bool:
        """Whether the table is there, made with the same settings.

        Raises:
            InputError: there is a table with other settings, or something else in its place.
        """
        if not self.table.exists():
            return False
        if table_settings(self.table, self._form) != self._settings:
            raise InputError(
                f"{self.table} exists and was not made from the same pairs with the same settings; "
                "give another name, or remove it"
            )
        return True

    @contextmanager
    def opened(self) -> Iterator[set[int]]:
        """Hold the folder of parts for this process; gives the rows that are there.

        Raises:
            InputError: another process is at it, or the parts were made with other settings.
            DataError: the folder cannot be written, or a part is damaged.
        """
        note = self.folder / "settings.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise InputError(f"{self.table} is being written by another process") from None
                if note.exists() and json.loads(note.read_text(encoding="utf-8")) != self._settings:
                    raise InputError(
                        f"{self.folder} holds parts made from other pairs or with other settings; "
                        "repeat those settings, or remove the folder to begin anew"
                    )
                _write_text(note, json.dumps(self._settings, indent=2))
                yield self._rows()
        except OSError as error:
            raise DataError(f"{self.folder} cannot be written: {error}") from error

    def write(self, records: Sequence[Record]) -> None:
        """Write one part."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        number = max((int(path.stem.rpartition("-")[2]) for path in self._files()), default=-1) + 1
        target = self.folder / f"part-{number:05d}.parquet"
        partial = target.with_suffix(".partial")
        pq.write_table(pa.Table.from_pylist(list(records), schema=self._form.schema()), partial)
        partial.replace(target)

    def whole(self) -> pa.Table:
        """All rows that are there, in their order, the dropped ones included."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = [pq.read_table(path) for path in self._files()] or [self._form.schema().empty_table()]
        return pa.concat_tables(tables).sort_by("row")

    def join(self, metadata: Mapping[str, str], whole: pa.Table | None = None) -> None:
        """Write the table from all parts, in the order of the rows, without the dropped ones; then remove the parts.

        Args:
            metadata: put into the table's metadata beside the settings.
            whole: what to write in place of `whole()`, for columns that depend on all rows.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        whole = self.whole() if whole is None else whole
        whole = whole.filter(pa.compute.invert(whole["dropped"])).drop_columns(["dropped"])
        notes = {self._form.key: json.dumps(self._settings).encode()}
        notes |= {key.encode(): value.encode() for key, value in metadata.items()}
        partial = self.table.with_name(self.table.name + ".partial")
        pq.write_table(whole.replace_schema_metadata(notes), partial)
        partial.replace(self.table)
        self.discard()

    def discard(self) -> None:
        """Remove the parts."""
        shutil.rmtree(self.folder)

    def _rows(self) -> set[int]:
        """The rows that the parts hold."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        found = set[int]()
        for path in self._files():
            try:
                found.update(pq.read_table(path, columns=["row"])["row"].to_pylist())
            except (pa.ArrowInvalid, OSError) as error:
                raise DataError(f"{path} is damaged: {error}; remove it, and its rows are written again") from error
        return found

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.parquet"))


def table_settings(table: Path, form: TableForm = LONG_CAPTIONS) -> object:
    """The settings in a table's metadata.

    Raises:
        InputError: the file is no table of this form.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(table).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{table} exists and is not a Parquet table: {error}") from error
    if form.key not in metadata:
        raise InputError(f"{table} exists and is not {form.title}; give another name")
    return json.loads(metadata[form.key])


def _write_text(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
