"""SAR-Narrator: a route's images with captions, checked, scored, split, and kept in parts until all are there."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swath.corpus.checker import Checker
from swath.corpus.compose import compose
from swath.corpus.landmark.records import Record
from swath.corpus.llm.errors import LanguageModelError, UnavailableError
from swath.corpus.long.parts import Parts
from swath.corpus.long.records import image_folder
from swath.corpus.narrate.admissible import inadmissible, rules_id
from swath.corpus.narrate.dealing import deal
from swath.corpus.narrate.images import image_root
from swath.corpus.narrate.material import Item, Material, Route
from swath.corpus.narrate.quality import DUPLICATE, SCORE, QualityControl, Rejection, text_of, without_duplicates
from swath.corpus.narrate.scoring import Scorer
from swath.corpus.narrate.summary import COUNTED_KEY, Summary, summarise, write_summary
from swath.corpus.narrate.table import NARRATED, Narration, record_of
from swath.corpus.narrate.writing import Caption, StatementWriter, paragraph
from swath.corpus.writers.base import Sentence, Writer
from swath.data.parquet import IMAGES_KEY
from swath.errors import DataError, InputError, SwathError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 64
"""Images that are told, captioned, scored and written together; a kill loses at most so many."""

MOST_FAILURES_IN_A_ROW = 5
"""So many images in a row that the language model was not available for end the run."""

NOTHING = "no caption stays"

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How a corpus is narrated.

    Attributes:
        captions: captions of an image.
        paragraph: whether to write a long caption, too.
        quality: what a caption must be.
        fractions: split -> its part, dealt out by whole scenes or records; empty gives no splits.
        seed: chooses wordings and splits.
        licence: terms, put into every row.
        dataset: the corpus' name, put into every row.
    """

    captions: int = 5
    paragraph: bool = True
    quality: QualityControl = field(default_factory=QualityControl)
    fractions: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    licence: str = ""
    dataset: str = ""

    def __post_init__(self) -> None:
        if self.captions < 1:
            raise InputError(f"{self.captions} captions an image are none; ask for at least 1")


@dataclass(frozen=True, slots=True)
class NarrationReport:
    """What a run did.

    Attributes:
        table: the finished table.
        written: images worked on in this run; `present`: those that an interrupted run had done.
        summary: what the table holds.
        failures: annotations that could not be read at all.
        seconds: duration of the run.
    """

    table: Path
    written: int
    present: int
    summary: Summary
    failures: list[str]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"table": str(self.table)}


@dataclass(slots=True)
class _Run:
    """A run in progress."""

    route: Route
    options: Options
    writer: Writer | None
    scorer: Scorer | None
    pending: list[str] = field(default_factory=list)
    in_a_row: int = 0
    last_error: UnavailableError | None = None


def write_narration(
    route: Route,
    to: Path,
    options: Options | None = None,
    *,
    writer: Writer | None = None,
    scorer: Scorer | None = None,
    progress: Progress = lambda _done, _total, _rate: None,
) -> NarrationReport:
    """Write a table of a route's images with captions, and a summary beside it.

    Run again after an interruption: what is written stays. An image that cannot be read or told of is left out, counted
    by its reason, and never ends the run.

    Args:
        route: where images and facts come from.
        to: the Parquet table to write.
        options: how many captions, quality, splits.
        writer: a language model that writes the captions; the rules write where its texts are rejected, and where
            there is none.
        scorer: scores captions against their images; needed for a keep threshold.
        progress: called with images done, all images, and images a second.

    Raises:
        InputError: an option cannot be meant, or `to` exists with other settings.
        DataError: no image gets a caption.
        LanguageModelError: the language model is not available; rows written so far stay, and the next run goes on.
    """
    start = time.monotonic()
    options = options or Options()
    if options.quality.keep is not None and scorer is None:
        raise InputError("a keep threshold needs a model that scores captions (--score MODEL)")
    deal([item.unit for item in route.items if not item.split], options.fractions)
    root = image_root(route.items)
    parts = Parts(to, _settings(route, options, writer, scorer), NARRATED)
    failures = list(route.failures)
    if parts.finished():
        return NarrationReport(to, 0, len(route.items), _summary(to), failures, time.monotonic() - start)
    run = _Run(route, options, writer, scorer)
    with parts.opened() as done:
        todo = [row for row in range(len(route.items)) if row not in done]
        written = 0
        for records in _batches(run, todo, root):
            parts.write(records)
            written += len(records)
            elapsed = max(time.monotonic() - start, 1e-9)
            progress(len(done) + written, len(route.items), written / elapsed)
            _stop_if_gone(run, len(done) + written)
        if run.pending:
            raise LanguageModelError(
                f"{run.last_error}; {len(route.items) - len(run.pending)} of {len(route.items)} images are done and "
                "kept, run the same command again for the rest"
            )
        whole, left_out = _finished(parts, options)
        notes = {IMAGES_KEY.decode(): image_folder(to, root), COUNTED_KEY.decode(): json.dumps(left_out)}
        parts.join(notes, whole)
    return NarrationReport(to, written, len(done), _summary(to), failures, time.monotonic() - start)


def _summary(table: Path) -> Summary:
    """The table in numbers; written beside it also where only a run that was killed right before this is left to do."""
    summary = summarise(table)
    write_summary(summary, table)
    return summary


def _batches(run: _Run, todo: Sequence[int], root: Path) -> Iterator[list[Record]]:
    """The records of one batch after the other, without those that the language model was not available for."""
    options = run.options
    about = {"dataset": options.dataset, "licence": options.licence, "route": run.route.name}
    for first in range(0, len(todo), BATCH):
        rows = todo[first : first + BATCH]
        items = [run.route.items[row] for row in rows]
        found = _narrated(run, items)
        _score(run, items, found)
        records = []
        for row, item, narration in zip(rows, items, found, strict=True):
            if isinstance(narration, str):
                records.append(record_of(row, item, root, None, about | {"reason": narration}))
            elif narration is not None and not narration.captions:
                empty = {"rejected": [entry.to_dict() for entry in narration.rejected], "notes": list(narration.notes)}
                records.append(record_of(row, item, root, None, about | {"reason": NOTHING}) | empty)
            elif narration is not None:
                records.append(record_of(row, item, root, narration, about))
        yield records


def _narrated(run: _Run, items: Sequence[Item]) -> list[Narration | str | None]:
    """What is written about some images: a narration, the reason why there is none, or None where it must wait."""
    told = run.route.tell(items)
    job = partial(_one, run)
    if run.writer is None or run.writer.workers == 1:
        results: list[Narration | str | UnavailableError] = list(map(job, told))
    else:
        with ThreadPoolExecutor(run.writer.workers, thread_name_prefix="narrator") as pool:
            results = list(pool.map(job, told))
    found: list[Narration | str | None] = []
    for item, result in zip(items, results, strict=True):
        if isinstance(result, UnavailableError):
            run.pending.append(item.name)
            run.in_a_row, run.last_error = run.in_a_row + 1, result
            found.append(None)
        else:
            run.in_a_row = 0
            found.append(result)
    return found


def _one(run: _Run, told: Material | SwathError) -> Narration | str | UnavailableError:
    if isinstance(told, SwathError):
        return f"{type(told).__name__}: {told}"
    options = run.options
    early: list[Rejection] = []
    rules = StatementWriter(told.statements, options.captions, options.seed)
    captions: list[Caption] = rules.captions(told.facts)
    name, model = rules.name, ""
    if run.writer is not None:
        if run.in_a_row >= MOST_FAILURES_IN_A_ROW:
            return run.last_error or UnavailableError("the language model is not available")
        try:
            composed = compose(told.facts, run.writer, rules, Checker([inadmissible]))
        except UnavailableError as error:
            return error
        if composed is not None and composed.writer != rules.name:
            captions = [(one,) for one in composed.sentences[: options.captions]]
            name, model = composed.writer, composed.model
        early = [Rejection("", run.writer.name, entry) for entry in composed.rejected] if composed is not None else []
    kept, rejected = options.quality.inspect(captions, told.facts)
    return Narration(
        told.facts,
        kept,
        _paragraph(told, options),
        name,
        model,
        told.labels,
        (*early, *rejected),
        told.notes,
        told.origin,
    )


def _paragraph(told: Material, options: Options) -> tuple[Sentence, ...]:
    """The long caption: every sentence that is true by itself, so long as they are together."""
    if not options.paragraph:
        return ()
    sentences = paragraph(told.statements, told.facts.name, options.seed)
    checker = Checker([inadmissible])
    kept = [one for one in sentences if not checker.check(one.text, told.facts)]
    while kept and checker.check(text_of(tuple(kept)), told.facts):
        kept.pop()
    return tuple(kept)


def _score(run: _Run, items: Sequence[Item], found: list[Narration | str | None]) -> None:
    """Score the captions and take out those below the threshold; in place."""
    if run.scorer is None:
        return
    texts = [[text_of(one) for one in entry.captions] if isinstance(entry, Narration) else [] for entry in found]
    scores = run.scorer.score([item.chip for item in items], texts)
    least = run.options.quality.keep
    for place, entry in enumerate(found):
        if not isinstance(entry, Narration):
            continue
        given = list(zip(entry.captions, scores[place], strict=True))
        low = [(one, score) for one, score in given if least is not None and not math.isnan(score) and score < least]
        stay = [(one, score) for one, score in given if (one, score) not in low]
        gone = [Rejection(text_of(one), SCORE, f"{score:.3f} < {least}") for one, score in low]
        found[place] = replace(
            entry,
            captions=[one for one, _ in stay],
            scores=[score for _, score in stay],
            rejected=(*entry.rejected, *gone),
        )


def _stop_if_gone(run: _Run, done: int) -> None:
    if run.in_a_row >= MOST_FAILURES_IN_A_ROW:
        raise LanguageModelError(
            f"{run.last_error}; the same of {run.in_a_row} images in a row. {done} of {len(run.route.items)} images "
            "are done and kept; run the same command again for the rest"
        ) from run.last_error


def _finished(parts: Parts, options: Options) -> tuple[pa.Table, dict[str, int]]:
    """The whole table, duplicates taken out and splits dealt out; and reason -> images that are left out."""
    import pyarrow as pa

    rows = parts.whole().to_pylist()
    kept = [row for row in rows if not row["dropped"]]
    if not kept:
        first = "; ".join(list(dict.fromkeys(row["reason"] for row in rows))[:3])
        parts.discard()
        raise DataError(f"none of {len(rows)} images gets a caption; first reasons: {first[:600]}")
    for row, stays in zip(kept, without_duplicates(kept, options.quality.copies), strict=True):
        _take_out(row, stays)
    open_rows = [row for row in kept if not row["split"]]
    for row, split in zip(
        open_rows, deal([row["unit"] for row in open_rows], options.fractions, options.seed), strict=True
    ):
        row["split"] = split
    return pa.Table.from_pylist(rows, schema=NARRATED.schema()), _left_out(rows)


def _left_out(rows: Sequence[Record]) -> dict[str, int]:
    """Reason -> images, the commonest first; errors of one class count together, and the first speaks for them."""
    reasons = [row["reason"].partition(": ") for row in rows if row["dropped"]]
    first = {kind: said for kind, _, said in reversed(reasons)}
    counted = Counter(kind for kind, _, _ in reasons).most_common()
    return {f"{kind}, such as: {first[kind]}" if first[kind] else kind: number for kind, number in counted}


def _take_out(row: Record, stays: Sequence[bool]) -> None:
    """Take captions out of a row, with their sentences and scores; in place."""
    if all(stays):
        return
    numbers = {old: new for new, old in enumerate(at for at, stay in enumerate(stays) if stay)}
    gone = [text for text, stay in zip(row["captions"], stays, strict=True) if not stay]
    row["captions"] = [row["captions"][old] for old in numbers]
    row["scores"] = [row["scores"][old] for old in numbers]
    row["sentences"] = [
        one | {"caption": numbers.get(one["caption"], one["caption"])}
        for one in row["sentences"]
        if one["caption"] in numbers or one["caption"] < 0
    ]
    row["rejected"] = [*row["rejected"], *(Rejection(text, DUPLICATE).to_dict() for text in gone)]


def _settings(route: Route, options: Options, writer: Writer | None, scorer: Scorer | None) -> dict[str, Any]:
    listed = "\n".join(f"{item.name}\t{item.chip.id}\t{item.unit}" for item in route.items)
    return {
        **asdict(options),
        "route": dict(route.settings) | {"name": route.name},
        "writer": writer.settings if writer is not None else {"writer": "rules"},
        "rules": rules_id(),
        "scorer": scorer.id if scorer is not None else None,
        "images": hashlib.sha256(listed.encode()).hexdigest(),
    }
