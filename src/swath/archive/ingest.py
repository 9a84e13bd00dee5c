"""`ingest`: read, prepare, encode and commit chips, each as fast as it can be while the model never waits.

    feeder      takes chips, passes over those that are in the archive before any pixel is read
    readers     read pixels, make the model's input and the thumbnail
    this thread groups by sensor into batches
    encoders    encode batches: one on an accelerator, one a core on a CPU
    writer      commits every `commit_rows` rows or `commit_seconds` seconds

Queues between them are bounded, so memory is too. A chip that cannot be read or encoded is reported and the rest go
on. A commit is atomic and inserts absent ids only: after a kill at any moment, a second run redoes what was not
committed and ends with the same rows as one that was never interrupted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swath.archive.archive import Archive
from swath.archive.encoder import Encoder
from swath.archive.pipeline import PRESENT, Feeder, IngestOptions, Ready, Writer, take_cores
from swath.chips import Chip, Pixels
from swath.errors import EmptyChipError, InputError, SwathError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is.

    Attributes:
        done: chips dealt with: committed or waiting for a commit, present already, empty, or failed.
        total: chips there are; None while unknown.
        added: rows committed.
        present: chips that were in the archive already.
        empty: chips without (enough) valid pixels.
        failed: chips that could not be read or encoded.
        rate: chips read and encoded a second, so far.
        seconds_left: None while the total is unknown.
    """

    done: int
    total: int | None
    added: int
    present: int
    empty: int
    failed: int
    rate: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class ChipFailure:
    """A chip that could not be indexed."""

    href: str
    window: list[int]
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did.

    Attributes:
        added: rows committed.
        present: chips that were in the archive already, or that another process added meanwhile.
        empty: chips without (enough) valid pixels, left out.
        failures: chips that could not be indexed, with the reason.
        seconds: how long it took.
    """

    added: int
    present: int
    empty: int
    failures: list[ChipFailure]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


@dataclass(slots=True)
class _Counts:
    present: int = 0
    empty: int = 0
    encoded: int = 0
    failures: list[ChipFailure] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def encode(self, count: int) -> None:
        """Count chips encoded; several threads do."""
        with self._lock:
            self.encoded += count

    def fail(self, chip: Chip, error: BaseException) -> None:
        reason = str(error) if isinstance(error, SwathError) else f"{type(error).__name__}: {error}"
        self.failures.append(ChipFailure(chip.scene.href, chip.window.to_list(), reason))


def ingest(
    archive: Archive,
    chips: Iterable[Chip],
    encoder: Encoder,
    *,
    options: IngestOptions | None = None,
    total: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    read: Callable[[Chip], Pixels] | None = None,
    thumbnail: Callable[[Pixels], bytes] | None = None,
) -> IngestReport:
    """Index chips in this process.

    Args:
        archive: where to.
        chips: what; chips that are in the archive already are passed over unread.
        encoder: the archive's model.
        options: batch size, threads, commits.
        total: number of chips, for the time left; by default their `len` if they have one.
        progress: called in this thread after every batch, and at the end.
        read: reads a chip's pixels; by default `swath.raster.read_chip`.
        thumbnail: makes its picture; by default `swath.raster.thumbnail`.

    Raises:
        ModelMismatchError: the encoder is not the archive's model.
        ArchiveError: the archive cannot be written (disk full, read-only). What was committed is safe.
        KeyboardInterrupt: on Ctrl-C, after what was encoded has been committed.
    """
    archive.check_model(encoder.model_id, encoder.dim)
    report = index_chips(
        archive,
        chips,
        encoder,
        archive.present_ids(),
        options=options,
        total=total,
        progress=progress,
        read=read,
        thumbnail=thumbnail,
    )
    archive.ensure_background(encoder)
    return report


def index_chips(
    archive: Archive,
    chips: Iterable[Chip],
    encoder: Encoder,
    present: NDArray[np.bytes_],
    *,
    options: IngestOptions | None = None,
    total: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    read: Callable[[Chip], Pixels] | None = None,
    thumbnail: Callable[[Pixels], bytes] | None = None,
) -> IngestReport:
    """Read, encode and commit chips: what every engine does with its share of them.

    Args:
        archive: where to.
        chips: what.
        encoder: the archive's model.
        present: sorted ids of chips that are passed over unread.
        options: see `ingest`, as all that follow.
        total: number of chips.
        progress: called after every batch.
        read: reads a chip's pixels.
        thumbnail: makes its picture.

    Raises:
        ModelMismatchError: the encoder is not the archive's model.
        ArchiveError: the archive cannot be written.
    """
    import torch  # slow, and looking into an archive does without

    archive.check_model(encoder.model_id, encoder.dim)
    cores = torch.get_num_threads()
    options = options or IngestOptions()
    if total is None and isinstance(chips, Sized):
        total = len(chips)
    counts = _Counts()
    started = time.monotonic()
    writer = Writer(archive, options)
    feeder = Feeder(chips, _reader(encoder, options, read, thumbnail), present, options)

    def tell() -> None:
        if progress is not None:
            progress(_progress(counts, writer.added, total, time.monotonic() - started))

    try:
        workers = options.encoders or (cores if _on_cpu(encoder) else 1)
        with ThreadPoolExecutor(workers, "swath-encoder", take_cores, (max(1, cores // workers),)) as pool:
            under_way: deque[Future[None]] = deque()
            for sensor, batch in _batches(feeder, counts, options.batch_size, tell):
                under_way.append(pool.submit(_encode, encoder, sensor, batch, counts, writer, options.keep_tokens))
                if len(under_way) >= workers:
                    under_way.popleft().result()
                tell()
            for future in under_way:
                future.result()
    finally:
        # Also on Ctrl-C or an error: stop reading, commit what is encoded.
        feeder.stop()
        take_cores(cores)
        writer.close()
    tell()
    found = counts.present + writer.repeated
    return IngestReport(writer.added, found, counts.empty, counts.failures, time.monotonic() - started)


def _batches(feeder: Feeder, counts: _Counts, size: int, tell: Callable[[], None]) -> Iterator[tuple[str, list[Ready]]]:
    """Full batches of one sensor each, the rest at the end."""
    waiting: dict[str, list[Ready]] = {}
    for chip, outcome in feeder:
        if outcome is PRESENT:
            counts.present += 1
            if counts.present % 1000 == 0:
                tell()
        elif isinstance(outcome, EmptyChipError):
            counts.empty += 1
        elif isinstance(outcome, BaseException):
            counts.fail(chip, outcome)
        else:
            batch = waiting.setdefault(chip.scene.sensor, [])
            batch.append(outcome)
            if len(batch) == size:
                yield chip.scene.sensor, waiting.pop(chip.scene.sensor)
    yield from waiting.items()


def _encode(
    encoder: Encoder, sensor: str, batch: list[Ready], counts: _Counts, writer: Writer, keep_tokens: bool
) -> None:
    """Encode a batch and hand it to the writer. If the model refuses it, its chips are tried one by one."""
    import torch

    try:
        features = encoder.encode_images(torch.stack([ready.tensor for ready in batch]), sensor)
    except SwathError as error:
        if len(batch) == 1:
            counts.fail(batch[0].chip, error)
            return
        for ready in batch:
            _encode(encoder, sensor, [ready], counts, writer, keep_tokens)
        return
    good = torch.isfinite(features.pooled).all(dim=1).tolist()
    if not all(good):
        for ready, fine in zip(batch, good, strict=True):
            if not fine:
                counts.fail(ready.chip, InputError("the model gave a vector with NaN or infinite values"))
        features = features.select([place for place, fine in enumerate(good) if fine])
    kept = [ready for ready, fine in zip(batch, good, strict=True) if fine]
    writer.put(kept, features if keep_tokens else features.pooled)
    counts.encode(len(kept))


def _on_cpu(encoder: Encoder) -> bool:
    device = getattr(encoder, "device", None)
    return device is None or device.type == "cpu"


def _reader(
    encoder: Encoder,
    options: IngestOptions,
    read: Callable[[Chip], Pixels] | None,
    thumbnail: Callable[[Pixels], bytes] | None,
) -> Callable[[Chip], Ready]:
    if read is None or thumbnail is None:
        from swath import raster  # GDAL is needed only where chips are files

        read, thumbnail = read or raster.read_chip, thumbnail or raster.thumbnail

    def work(chip: Chip) -> Ready:
        pixels = read(chip)
        picture = thumbnail(pixels) if options.keep_thumbnails else None
        return Ready(chip, encoder.prepare(pixels), picture)

    return work


def _progress(counts: _Counts, added: int, total: int | None, seconds: float) -> Progress:
    worked = counts.encoded + counts.empty + len(counts.failures)
    done = worked + counts.present
    rate = worked / seconds if seconds > 0 else 0.0
    left = max(total - done, 0) / rate if total is not None and rate > 0 else None
    return Progress(done, total, added, counts.present, counts.empty, len(counts.failures), rate, left)
