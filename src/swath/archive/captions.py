"""Captions in an archive: every chip is read again, written about, and found by its words from then on.

Texts go into two columns that an archive gets when it is first captioned: `caption`, which a filter may name
(``caption LIKE '%harbor%'``), and `captioner`, the id of what wrote it. Every commit is atomic, so after a kill a
second run writes what is missing; another captioner writes anew. While a run is under way, chips may be added, deleted
and captioned by other processes, and the archive be optimized.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from swath.archive.failures import reading
from swath.archive.schema import HIT_COLUMNS, chip_from_row, primary_key
from swath.archive.store import Store, retried
from swath.archive.where import id_in, quoted
from swath.chips import Chip, Pixels
from swath.errors import InputError, SwathError

CAPTION_COLUMNS = pa.schema([pa.field("caption", pa.string()), pa.field("captioner", pa.string())])
"""What a captioned archive has beyond `swath.archive.schema.chip_schema`."""

_ROWS = pa.schema([primary_key("id"), *CAPTION_COLUMNS])
_READ = [*(name for name in HIT_COLUMNS if name != "thumbnail"), "captioner"]
_AT_ONCE = 1024  # chips that are looked up at once


class CaptionWriter(Protocol):
    """What writes captions; `swath.models.Captioner` is one."""

    @property
    def id(self) -> str:
        """Its name: equal ids write equal captions."""
        ...

    def caption(self, pixels: Sequence[Pixels]) -> list[str]:
        """A text for each image."""
        ...


@dataclass(frozen=True, slots=True)
class CaptionFailure:
    """A chip that could not be captioned."""

    href: str
    window: list[int]
    reason: str


@dataclass(slots=True)
class CaptionReport:
    """What a captioning run did.

    Attributes:
        written: captions committed.
        present: chips that had a caption of this captioner already, or got one from another process meanwhile.
        failures: chips that could not be read or captioned, with the reason.
        seconds: how long it took.
    """

    written: int = 0
    present: int = 0
    failures: list[CaptionFailure] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CaptionOptions:
    """How an archive is captioned.

    Attributes:
        batch_size: chips captioned at once.
        readers: threads that read pixels.
        commit_rows: captions after which a commit is made.
        commit_seconds: seconds after which one is made anyway; at most this much work is redone after a kill.
    """

    batch_size: int = 32
    readers: int = 2
    commit_rows: int = 1024
    commit_seconds: float = 30.0

    def __post_init__(self) -> None:
        if min(self.batch_size, self.readers, self.commit_rows) < 1 or self.commit_seconds < 0:
            raise InputError(f"batch size, readers and commit rows must be at least 1, got {self}")


def caption_archive(
    store: Store,
    writer: CaptionWriter,
    *,
    options: CaptionOptions | None = None,
    read: Callable[[Chip], Pixels] | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> CaptionReport:
    """Write a caption for every chip that has none of this writer.

    A chip that cannot be read or captioned is reported and the rest go on.

    Args:
        store: the archive's.
        writer: writes.
        options: batches, threads, commits.
        read: reads a chip's pixels; by default `swath.raster.read_chip`.
        progress: called after every batch with chips done, chips in all, and chips a second.

    Raises:
        ArchiveError: the archive cannot be written. What was committed is safe.
        KeyboardInterrupt: on Ctrl-C, after what was written has been committed.
    """
    from swath.raster import read_chip  # GDAL, which searching does without

    options, started = options or CaptionOptions(), time.monotonic()
    store.add_columns(CAPTION_COLUMNS)
    missing, present = _missing(store, writer.id)
    run = _Run(store, writer, options, CaptionReport(present=present))
    try:
        with ThreadPoolExecutor(options.readers, "swath-reader") as pool:
            for chips, done in _batches(store, missing, options.batch_size, run):
                # A thread that failed gives its error in place of pixels.
                found = list(pool.map(lambda chip: _attempt(read or read_chip, chip), chips))
                run.take(chips, found)
                if progress is not None:
                    progress(done, len(missing), done / max(time.monotonic() - started, 1e-9))
    finally:
        run.commit()
    run.report.seconds = time.monotonic() - started
    return run.report


class _Run:
    """Captions that wait for their commit."""

    def __init__(self, store: Store, writer: CaptionWriter, options: CaptionOptions, report: CaptionReport) -> None:
        self.store, self.writer, self.options, self.report = store, writer, options, report
        self._pending: dict[str, str] = {}
        self._since = time.monotonic()

    def take(self, chips: Sequence[Chip], pixels: Sequence[Pixels | SwathError]) -> None:
        """Write about a batch."""
        good = [(chip, image) for chip, image in zip(chips, pixels, strict=True) if isinstance(image, Pixels)]
        for chip, image in zip(chips, pixels, strict=True):
            if not isinstance(image, Pixels):
                self._fail(chip, image)
        try:
            texts = self.writer.caption([image for _, image in good]) if good else []
        except SwathError as error:
            if len(good) > 1:  # one of them is to blame: find out which
                for chip, image in good:
                    self.take([chip], [image])
                return
            self._fail(good[0][0], error)
            return
        self._pending |= {chip.id: text for (chip, _), text in zip(good, texts, strict=True)}
        if (
            len(self._pending) >= self.options.commit_rows
            or time.monotonic() - self._since > self.options.commit_seconds
        ):
            self.commit()

    def commit(self) -> None:
        """Keep what is pending."""
        if self._pending:
            columns = {
                "id": list(self._pending),
                "caption": list(self._pending.values()),
                "captioner": [self.writer.id] * len(self._pending),
            }
            self.report.written += self.store.update(pa.table(columns, schema=_ROWS))
        self._pending, self._since = {}, time.monotonic()

    def _fail(self, chip: Chip, error: SwathError) -> None:
        self.report.failures.append(CaptionFailure(chip.scene.href, chip.window.to_list(), str(error)))


def _missing(store: Store, captioner: str) -> tuple[list[str], int]:
    """The ids of the chips that have no caption of a captioner, and how many have one."""
    table = store.snapshot()
    query = f"captioner IS NULL OR captioner != {quoted(captioner)}"

    def look() -> tuple[list[str], int]:
        found = table.search().where(query).select(["id"]).limit(None).to_arrow()
        return found["id"].to_pylist(), int(table.count_rows()) - found.num_rows

    with reading(store.uri):
        return retried(table, look)


def _batches(store: Store, ids: Sequence[str], size: int, run: _Run) -> Iterator[tuple[list[Chip], int]]:
    """Chips by their ids, batch by batch, and how many ids have been dealt with once a batch has.

    They are looked up in the archive as it is by then: a run may take days, for which no version is kept. Those that
    have been deleted, or captioned by another process, are passed over.
    """
    step = max(size, _AT_ONCE)
    for start in range(0, len(ids), step):
        part = ids[start : start + step]
        rows = _rows(store, part)
        left = [name for name in part if name in rows and rows[name]["captioner"] != run.writer.id]
        run.report.present += len(rows) - len(left)
        for at in range(0, max(len(left), 1), size):
            last = at + size >= len(left)
            done = start + (len(part) if last else at + size)
            yield [chip_from_row(rows[name]) for name in left[at : at + size]], done


def _rows(store: Store, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The newest rows of chips by their ids; deleted ones are left out."""
    table = store.snapshot()
    with reading(store.uri):
        found = retried(table, lambda: table.search().where(id_in(ids)).select(_READ).limit(None).to_arrow())
    return {row["id"]: row for row in found.to_pylist()}


def _attempt(read: Callable[[Chip], Pixels], chip: Chip) -> Pixels | SwathError:
    try:
        return read(chip)
    except SwathError as error:
        return error
