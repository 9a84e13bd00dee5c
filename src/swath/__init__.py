"""swath: search Earth-observation archives by meaning.

>>> import swath
>>> hits = swath.open("my-archive").search("airport beside the sea", k=10)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swath._version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from swath.archive import Archive

__all__ = ["__version__", "open"]


def open(uri: str | Path) -> Archive:  # noqa: A001 - the verb users expect: swath.open
    """Open an archive for searching.

    Args:
        uri: a folder, or an object-store address such as ``s3://bucket/archive``.

    Raises:
        ArchiveNotFoundError: there is no archive at `uri`.
        ArchiveCorruptError: its files are damaged.
    """
    from swath.archive import Archive

    return Archive.open(uri)
