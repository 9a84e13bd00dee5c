"""Long captions for a whole data set: facts of every pair, written, checked, and kept in parts until all are there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from swath.corpus.checker import Checker
from swath.corpus.compose import compose
from swath.corpus.facts import Facts, merged
from swath.corpus.gathering import contradicting, facts_of
from swath.corpus.llm.errors import LanguageModelError, UnavailableError
from swath.corpus.long.parts import Parts
from swath.corpus.long.records import Record, image_folder, record_of
from swath.corpus.long.summary import Summary, summarise, write_summary
from swath.corpus.tokens import token_count
from swath.corpus.writers.base import Writer
from swath.corpus.writers.grammar import GrammarWriter
from swath.data.dataset import Dataset
from swath.data.parquet import IMAGES_KEY
from swath.errors import DataError

PART_ROWS = 256
"""Rows of a part."""

PART_SECONDS = 30.0
"""A slow writer's rows are written at least this often."""

MOST_FAILURES_IN_A_ROW = 5
"""So many pairs in a row that the language model was not available for end the run: it is not there."""

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class LongReport:
    """What a run did.

    Attributes:
        table: the finished table.
        written: images that got their row in this run; `present`: those that had it before.
        dropped: images left out because their texts were rejected (`strict`).
        contradicted: image -> class that its captions speak of; those captions were not used.
        summary: what the table holds.
        seconds: duration of the run.
    """

    table: Path
    written: int
    present: int
    dropped: int
    contradicted: Mapping[str, str]
    summary: Summary
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


@dataclass(slots=True)
class _Run:
    """Counters of a run in progress."""

    total: int
    present: int
    written: int = 0
    pending: list[str] = field(default_factory=list)
    in_a_row: int = 0
    last_error: UnavailableError | None = None


def write_long_captions(
    dataset: Dataset,
    to: Path,
    writer: Writer | None = None,
    *,
    extra: Mapping[str, Facts] | None = None,
    licence: str = "",
    strict: bool = False,
    checker: Checker | None = None,
    progress: Progress = lambda _done, _total, _rate: None,
) -> LongReport:
    """Write a table of the data set's pairs with long captions, and a summary beside it.

    Run again after an interruption: what is written stays, and only what is missing is written.

    Args:
        dataset: the pairs.
        to: the Parquet table to write.
        writer: who writes; the grammar writer by default, which also writes where another writer's texts are rejected.
        extra: further facts by image name (see `swath.corpus.annotations`).
        licence: terms of texts and images, put into every row.
        strict: leave an image out where the writer's texts are rejected.
        checker: who judges the texts.
        progress: called with images done, all images, and images a second.

    Raises:
        InputError: `to` exists with other settings, or is being written by another process.
        DataError: a fact is broken, `extra` names images that are not there, or nothing can be written.
        LanguageModelError: the language model is not available; rows written so far stay, and the next run goes on.
    """
    start = time.monotonic()
    writer = writer or GrammarWriter()
    doubted = contradicting(dataset)
    facts = _all_facts(dataset, doubted, extra or {})
    settings = {
        **writer.settings,
        "dataset": dataset.name,
        "strict": strict,
        "licence": licence,
        "facts": hashlib.sha256("".join(item.id for item in facts).encode()).hexdigest(),
        "images": len(facts),
    }
    parts = Parts(to, settings)
    if parts.finished():
        return _report(to, 0, len(dataset), doubted, start)
    fallback = writer if isinstance(writer, GrammarWriter) else GrammarWriter()
    job = partial(_one, dataset, facts, writer, fallback, checker or Checker(), strict, licence)
    with parts.opened() as done:
        run = _Run(len(dataset), len(done))
        todo = [row for row in range(len(dataset)) if row not in done]
        _write_parts(parts, job, todo, writer.workers, run, progress)
        if run.pending:
            raise LanguageModelError(
                f"{run.last_error}; {run.total - len(run.pending)} of {run.total} images are done and kept, "
                "run the same command again for the rest"
            )
        parts.join({IMAGES_KEY.decode(): image_folder(to, dataset.root)})
    return _report(to, run.written, run.present, doubted, start)


def _all_facts(dataset: Dataset, doubted: Mapping[str, str], extra: Mapping[str, Facts]) -> list[Facts]:
    unknown = sorted(set(extra) - {pair.name for pair in dataset.pairs})
    if len(unknown) == len(extra) and extra:
        raise DataError(
            f"none of the {len(extra)} images with further facts is in {dataset.name!r}; first: {unknown[0]!r}"
        )
    return [merged(facts_of(pair, doubted), extra) for pair in dataset.pairs]


def _one(
    dataset: Dataset,
    facts: list[Facts],
    writer: Writer,
    fallback: Writer,
    checker: Checker,
    strict: bool,
    licence: str,
    row: int,
) -> Record:
    caption = compose(facts[row], writer, fallback, checker, strict)
    tokens = token_count(caption.text) if caption is not None else 0
    return record_of(row, dataset[row], facts[row], caption, tokens, licence)


def _write_parts(
    parts: Parts, job: Callable[[int], Record], todo: list[int], workers: int, run: _Run, progress: Progress
) -> None:
    """Write all rows; what is finished when something goes wrong is written, too."""
    ready: list[Record] = []
    start = flushed = time.monotonic()
    try:
        for record in _results(job, todo, workers, run):
            ready.append(record)
            run.written += 1
            now = time.monotonic()
            progress(run.present + run.written, run.total, run.written / max(now - start, 1e-9))
            if len(ready) >= PART_ROWS or now - flushed > PART_SECONDS:
                parts.write(ready)
                ready, flushed = [], now
    finally:
        if ready:
            parts.write(ready)


def _results(job: Callable[[int], Record], todo: list[int], workers: int, run: _Run) -> Iterator[Record]:
    """The rows as they get ready; those that the language model was not available for go to `run.pending`."""
    if workers == 1:
        for row in todo:
            yield from _result(partial(job, row), str(row), run)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="writer") as pool:
        waiting: dict[Future[Record], int] = {}
        left = iter(todo)
        try:
            while True:
                for row in left:
                    waiting[pool.submit(job, row)] = row
                    if len(waiting) >= 2 * workers:
                        break
                if not waiting:
                    return
                finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield from _result(future.result, str(waiting.pop(future)), run)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _result(get: Callable[[], Record], name: str, run: _Run) -> Iterator[Record]:
    try:
        record = get()
    except UnavailableError as error:
        run.pending.append(name)
        run.last_error = error
        run.in_a_row += 1
        if run.in_a_row >= MOST_FAILURES_IN_A_ROW:
            raise LanguageModelError(
                f"{error}; the same of {run.in_a_row} images in a row. {run.present + run.written} of {run.total} "
                "images are done and kept; run the same command again for the rest"
            ) from error
        return
    run.in_a_row = 0
    yield record


def _report(to: Path, written: int, present: int, doubted: Mapping[str, str], start: float) -> LongReport:
    summary = summarise(to)
    write_summary(summary, to)
    dropped = max(0, written + present - summary.images)
    return LongReport(to, written, present, dropped, doubted, summary, time.monotonic() - start)
