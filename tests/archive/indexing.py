"""Index generated scenes in a process of its own, so that it can be killed."""

from __future__ import annotations

import multiprocessing
import resource
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from archive.fakes import FakeEncoder, source_chips
from swath.archive import Archive, IngestOptions, ingest
from swath.errors import SwathError
from swath.features import Features

OPTIONS = IngestOptions(batch_size=4, readers=2, commit_rows=8, commit_seconds=0.05)
STEADY = IngestOptions(batch_size=4, readers=2, commit_rows=4, commit_seconds=86_400)
"""As many commits, of as many rows, on every machine."""

# The server imports what is large and starts no threads, once for all processes; Lance starts one, which a fork loses.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["numpy", "torch", "pyarrow", "rasterio"])


class SlowEncoder(FakeEncoder):
    """Takes its time, so that there is some to be killed in."""

    def encode_images(self, batch: object, sensor: str) -> Features:
        time.sleep(0.01)
        return super().encode_images(batch, sensor)


def start(
    scenes: Path, uri: Path, size_limit: int | None = None, options: IngestOptions = OPTIONS
) -> tuple[BaseProcess, Connection]:
    """Start indexing. The connection gives ``ready``, then what came of it."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_index, args=(scenes, uri, size_limit, options, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == "ready"
    return process, ours


def run(
    scenes: Path, uri: Path, size_limit: int | None = None, options: IngestOptions = OPTIONS
) -> tuple[int, int, int] | str:
    """Index to the end: (added, present, failed), or the error's name and message."""
    process, outcome = start(scenes, uri, size_limit, options)
    found = outcome.recv()
    process.join()
    return found


def _index(scenes: Path, uri: Path, size_limit: int | None, options: IngestOptions, out: Connection) -> None:
    encoder = SlowEncoder()
    chips = source_chips(scenes)
    out.send("ready")
    try:
        archive = Archive.create(uri, encoder.model_id, encoder.dim, encoder=encoder, exist_ok=True)
        if size_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size_limit, size_limit))
        report = ingest(archive, chips, encoder, options=options)
    except SwathError as error:
        out.send(f"{type(error).__name__}: {error}")
    else:
        out.send((report.added, report.present, len(report.failures)))
