"""The archive: chips and their embeddings in one table, and every way to search it."""

from __future__ import annotations

from swath.archive.archive import Archive
from swath.archive.encoder import Encoder
from swath.archive.hits import Hit, Hits
from swath.archive.ingest import IngestReport, Progress, ingest
from swath.archive.maintenance import ArchiveInfo, OptimizeReport, VerifyReport
from swath.archive.pipeline import IngestOptions
from swath.archive.query import Query
from swath.archive.snapshot import Limits

__all__ = [
    "Archive",
    "ArchiveInfo",
    "Encoder",
    "Hit",
    "Hits",
    "IngestOptions",
    "IngestReport",
    "Limits",
    "OptimizeReport",
    "Progress",
    "Query",
    "VerifyReport",
    "ingest",
]
