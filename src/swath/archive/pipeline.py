"""The threads around the encoder: `Feeder` reads chips ahead of it, `Writer` commits rows behind it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from swath.archive.archive import Archive
from swath.archive.rows import make_rows
from swath.chips import Chip
from swath.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from swath.features import Features

PRESENT = object()
"""What comes of a chip that is in the archive already."""

_END = object()


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How an ingest runs.

    Attributes:
        batch_size: images encoded at once.
        readers: threads that read and prepare.
        encoders: batches encoded at a time. None takes one on an accelerator and one a core on a CPU: batches side by
            side, a core each, share the cores with the readers without waiting for each other as the parts of one
            batch do.
        commit_rows: rows after which a commit is made.
        commit_seconds: seconds after which one is made anyway; at most this much work is redone after a kill.
        keep_tokens: keep compressed local tokens.
        keep_thumbnails: keep thumbnails.
    """

    batch_size: int = 32
    readers: int = 2
    encoders: int | None = None
    commit_rows: int = 2048
    commit_seconds: float = 30.0
    keep_tokens: bool = True
    keep_thumbnails: bool = True

    def __post_init__(self) -> None:
        if min(self.batch_size, self.readers, self.encoders or 1, self.commit_rows) < 1 or self.commit_seconds < 0:
            raise InputError(f"batch size, readers, encoders and commit rows must be at least 1, got {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A chip whose pixels have been read."""

    chip: Chip
    tensor: Tensor
    thumbnail: bytes | None


def take_cores(count: int) -> None:
    """Give the calling thread's share of torch's work that many cores; threads side by side do best with one each.

    Other threads keep theirs. Those that begin later follow, until some thread sets the number again.
    """
    import torch  # slow, and looking into an archive does without

    torch.set_num_threads(count)


class Feeder:
    """Reads chips ahead, in their order: an iterator over (chip, what came of it)."""

    def __init__(
        self,
        chips: Iterable[Chip],
        work: Callable[[Chip], Ready],
        present: NDArray[np.bytes_],
        options: IngestOptions,
    ) -> None:
        self._chips = chips
        self._work = work
        self._present = present
        # Two batches ahead: one is ready while the next is being read.
        self._queue: queue.Queue[tuple[Chip | None, Any]] = queue.Queue(2 * options.batch_size)
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(options.readers, "swath-reader", take_cores, (1,))
        self._thread = threading.Thread(target=self._feed, name="swath-feeder", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[tuple[Chip, Any]]:
        while True:
            chip, outcome = self._queue.get()
            if chip is None:
                if isinstance(outcome, BaseException):
                    raise outcome
                return
            if isinstance(outcome, Future):
                error = outcome.exception()
                yield chip, error if error is not None else outcome.result()
            else:
                yield chip, outcome

    def stop(self) -> None:
        """End reading; chips under way are dropped."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._thread.join(timeout=5.0)

    def _feed(self) -> None:
        ending: Any = _END
        try:
            for chip in self._chips:
                if self._stopped.is_set():
                    break
                known = _contains(self._present, chip.id)
                self._put(chip, PRESENT if known else self._pool.submit(self._work, chip))
        except BaseException as error:  # raised again in the main thread
            ending = error
        self._put(None, ending)

    def _put(self, chip: Chip | None, outcome: Any) -> None:  # noqa: ANN401 - a future or a sign
        while not self._stopped.is_set():
            try:
                self._queue.put((chip, outcome), timeout=0.2)
            except queue.Full:
                continue
            return


def _contains(ids: NDArray[np.bytes_], wanted: str) -> bool:
    key = wanted.encode()
    at = int(np.searchsorted(ids, key))
    return at < len(ids) and ids[at] == key


class Writer:
    """Makes rows and commits them in a thread of its own, so that the model waits for neither.

    Attributes:
        added: rows committed.
        repeated: rows left out because another process, or an equal chip before, had added them meanwhile.
    """

    def __init__(self, archive: Archive, options: IngestOptions) -> None:
        self.added = 0
        self.repeated = 0
        self._archive = archive
        self._options = options
        self._error: BaseException | None = None
        self._closed = False
        self._queue: queue.Queue[tuple[list[Ready], Features | Tensor] | None] = queue.Queue(8)
        self._thread = threading.Thread(target=self._run, name="swath-writer", daemon=True)
        self._thread.start()

    def put(self, batch: list[Ready], vectors: Features | Tensor) -> None:
        """Hand over encoded chips; raises what an earlier commit failed with."""
        self._check()
        if batch:
            self._queue.put((batch, vectors))

    def close(self) -> None:
        """Commit what is left; raises what a commit failed with."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        pending: list[pa.Table] = []
        since = 0.0
        while True:
            wait = None if not pending else max(0.0, since + self._options.commit_seconds - time.monotonic())
            try:
                encoded = self._queue.get(timeout=wait)
            except queue.Empty:
                pending = self._commit(pending)
                continue
            if encoded is None:
                self._commit(pending)
                return
            if self._error is not None:
                continue  # nothing more is tried: the caller is told, and a later run goes on from what is there
            since = since if pending else time.monotonic()
            try:
                pending.append(self._rows(*encoded))
            except BaseException as error:  # raised again in the main thread
                self._error = error
            if sum(part.num_rows for part in pending) >= self._options.commit_rows:
                pending = self._commit(pending)

    def _rows(self, batch: list[Ready], vectors: Features | Tensor) -> pa.Table:
        thumbnails = [ready.thumbnail for ready in batch]
        return make_rows(
            [ready.chip for ready in batch], vectors, None, thumbnails, self._archive.model_id, self._archive.dim
        )

    def _commit(self, pending: list[pa.Table]) -> list[pa.Table]:
        if pending:
            try:
                rows = pa.concat_tables(pending)
                added = self._archive.add_rows(rows)
                self.added += added
                self.repeated += rows.num_rows - added
            except BaseException as error:  # raised again in the main thread
                self._error = error
        return []
