"""Making the tables of an archive, whatever is killed meanwhile and whoever makes the same archive at that moment.

Lance looks whether a table is there and writes it later: a table that another process makes in between is overwritten,
with the rows that it has got by then. So in a folder, tables are made beside the archive and moved into place, which
is atomic and replaces nothing. An object store can move nothing: there, what was overwritten is put back.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from swath.errors import ArchiveError

_MAKING = ".making-"
_LEFT_SECONDS = 86_400.0  # after which what a kill left of a making is removed
_THERE = (errno.ENOTEMPTY, errno.EEXIST)


def check_place(folder: Path) -> None:
    """Make a folder; refuse one that holds something else than an archive, such as the images to be indexed.

    Raises:
        ArchiveError: no folder can be made there, or it holds something else, which is named.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        raise ArchiveError(f"no folder can be made at {folder} ({error.strerror}); choose another place") from error
    for entry in folder.iterdir():
        if entry.name.startswith(_MAKING):
            _remove_if_old(entry)
        elif entry.name not in ("chips.lance", "meta.lance"):
            raise ArchiveError(f"{folder} is no archive and not empty (it holds {entry.name!r}); choose another place")


def create_in_folder(folder: Path, connect: Callable[[str], Any], tables: Mapping[str, pa.Table]) -> bool:
    """Make those tables that are not there, in their order.

    Args:
        folder: of the archive.
        connect: opens the database of a folder.
        tables: their rows, by name.

    Returns:
        Whether the last one was made here, and so the archive; False where it was there already.

    Raises:
        ArchiveError: a table is there, and holds other vectors.
    """
    made = False
    with TemporaryDirectory(prefix=_MAKING, dir=folder, ignore_cleanup_errors=True) as aside:
        connection = connect(aside)
        for name, rows in tables.items():
            connection.create_table(name, data=rows)
        for name, rows in tables.items():
            made = _move(Path(aside) / f"{name}.lance", folder)
            if not made:
                made = create_in_store(str(folder), connect(str(folder)), {name: rows}, _is_rest(folder, name))
    return made


def create_in_store(
    address: str,
    connection: Any,  # noqa: ANN401 - lancedb is untyped
    tables: Mapping[str, pa.Table],
    make: bool = True,
) -> bool:
    """Make tables where none can be moved into place; see `create_in_folder`.

    Args:
        address: of the archive.
        connection: to its database.
        tables: their rows, by name.
        make: make what is not there; False only looks at what is.
    """
    made = False
    for name, rows in tables.items():
        try:
            table = connection.create_table(name, data=rows) if make else None
        except (ValueError, RuntimeError) as error:
            if "already exists" not in str(error):
                raise
            table = None
        made = table is not None and not put_back(connection, table)
        _check_schema(table if made else connection.open_table(name), rows.schema, address)
    return made


def put_back(connection: Any, table: Any) -> bool:  # noqa: ANN401 - lancedb is untyped
    """Undo that a table which has just been made replaced one that another process had made in the meantime.

    Returns:
        Whether it did.
    """
    if table.version == 1:
        return False
    before = connection.open_table(table.name)
    before.checkout(table.version - 1)
    key = before.schema.names[0]
    merge = table.merge_insert(key).when_matched_update_all().when_not_matched_insert_all().use_index(False)
    merge.execute(before.to_arrow())
    return True


def _move(table: Path, folder: Path) -> bool:
    """Move a table into a folder; False where there is one of its name."""
    try:
        table.rename(folder / table.name)
    except OSError as error:
        if error.errno not in _THERE:
            raise
        return False
    return True


def _is_rest(folder: Path, name: str) -> bool:
    """Whether a kill ended the making of a table before it had a version, as it could before tables were moved."""
    return not any((folder / f"{name}.lance" / "_versions").glob("*.manifest"))


def _check_schema(table: Any, schema: pa.Schema, address: str) -> None:  # noqa: ANN401 - lancedb is untyped
    """Refuse to go on with a table of vectors of another length."""
    if "vector" in schema.names and table.schema.field("vector").type != schema.field("vector").type:
        raise ArchiveError(
            f"{address} holds the rest of another archive, or one is being made there with another model; wait for "
            "that one, or remove the folder and try again"
        )


def _remove_if_old(folder: Path) -> None:
    try:
        if time.time() - folder.stat().st_mtime > _LEFT_SECONDS:
            shutil.rmtree(folder)
    except OSError:
        return  # gone already, or another user's: it is in nobody's way
