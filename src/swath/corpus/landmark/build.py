"""A landmark corpus: chips with harmonised labels, captions and splits, kept in parts until all are there."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from swath.chips import Chip, Footprint
from swath.corpus.landmark.captions import CaptionStyle, caption, paragraph
from swath.corpus.landmark.evidence import Evidence, LabelSource
from swath.corpus.landmark.records import LANDMARK, Labelled, Record, common_folder, finished, name_of, record_of
from swath.corpus.landmark.splitting import by_blocks, by_scenes, held_out, stratified
from swath.corpus.landmark.summary import LEFT_OUT_KEY, Summary, summarise, write_summary
from swath.corpus.long.parts import Parts
from swath.corpus.long.records import image_folder
from swath.corpus.writers import GrammarWriter
from swath.data.labels.systems import Vocabulary, vocabulary
from swath.data.parquet import IMAGES_KEY
from swath.errors import DataError, EmptyChipError, InputError, SwathError
from swath.raster import read_chip

if TYPE_CHECKING:
    import pyarrow as pa

PART_ROWS = 256
"""Rows of a part."""

MOST_FAILURES = 50
"""Failures that a summary names."""

EMPTY = "image without data"
UNLABELLED = "too few labelled pixels, or not in a label list"
BELOW = "no label above its threshold"
FAILED = "failure"

WHOLE = 0.99
"""Share of an image's valid pixels that a label raster must know for its shares to be told as shares of the image."""

SplitMethod = Literal["stratified", "scenes", "blocks", "none"]

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How a corpus is made.

    Attributes:
        threshold: share of the labelled pixels from which an image has a label.
        thresholds: label -> its own threshold.
        min_labelled: share of an image's valid pixels that a label raster must know; below, it says nothing.
        captions: styles of short captions, one caption each.
        long: whether to write a paragraph, too.
        without: caption of images that are labelled but have no label above its threshold; empty leaves them out.
        split: by images (`stratified`), by whole scenes (`scenes`), by blocks of the Earth (`blocks`, free of leaks),
            or none.
        fractions: split -> its part; CrisisLandMark's by default.
        held_out: split -> patterns of scene names; these scenes go there whole, and the others are divided.
        block_km: side of a block in kilometres.
        seed: chooses splits and wordings.
        licence: terms, put into every row.
        dataset: the corpus' name, put into every row.
    """

    threshold: float = 0.01
    thresholds: Mapping[str, float] = field(default_factory=dict)
    min_labelled: float = 0.05
    captions: tuple[CaptionStyle, ...] = ("joined",)
    long: bool = False
    without: str = ""
    split: SplitMethod = "stratified"
    fractions: Mapping[str, float] = field(default_factory=lambda: {"train": 0.2, "corpus": 0.8})
    held_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    block_km: float = 50.0
    seed: int = 0
    licence: str = ""
    dataset: str = ""

    def check(self, labels: Sequence[str]) -> None:
        """Refuse what cannot be meant.

        Raises:
            InputError: naming the value.
        """
        for label, value in {"(default)": self.threshold, **self.thresholds}.items():
            if not 0.0 <= value <= 1.0:
                raise InputError(f"threshold {value} of {label} must be a share between 0 and 1")
        unknown = sorted(set(self.thresholds) - set(labels))
        if unknown:
            raise InputError(f"threshold of unknown label {unknown[0]!r}; labels: {', '.join(labels)}")
        if not 0.0 <= self.min_labelled <= 1.0:
            raise InputError(f"min_labelled {self.min_labelled} must be a share between 0 and 1")
        if not self.captions and not self.long:
            raise InputError("a corpus needs captions: name a style, or ask for long ones")
        if self.split != "none":
            stratified([], self.fractions)


@dataclass(frozen=True, slots=True)
class LandmarkReport:
    """What a run did.

    Attributes:
        table: the finished table.
        written: chips worked on in this run; `present`: those that an interrupted run had done.
        summary: what the table holds.
        seconds: duration of the run.
    """

    table: Path
    written: int
    present: int
    summary: Summary
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self) | {"table": str(self.table)}


def write_landmark(
    chips: Sequence[Chip],
    to: Path,
    sources: Sequence[LabelSource],
    options: Options | None = None,
    *,
    unified: Vocabulary | None = None,
    progress: Progress = lambda _done, _total, _rate: None,
) -> LandmarkReport:
    """Write a corpus of the chips with harmonised labels, and a summary beside it.

    Run again after an interruption: what is written stays. A chip that cannot be read or labelled is left out, counted
    by its reason, and never ends the run.

    Args:
        chips: the images (`swath.sources.cut`, or `Dataset.images`).
        to: the Parquet table to write.
        sources: where labels come from; an image has the labels of all of them.
        options: thresholds, captions, splits.
        unified: the labels; CrisisLandMark's 12 by default.
        progress: called with chips done, all chips, and chips a second.

    Raises:
        InputError: an option cannot be meant, `to` exists with other settings, or files are remote.
        DataError: no chips, no label sources, two chips of one name, or no chip gets a label.
    """
    start = time.monotonic()
    options, unified = options or Options(), unified or vocabulary()
    options.check(unified.labels)
    if not chips or not sources:
        raise DataError(f"a corpus needs {'chips' if not chips else 'label sources'}; there are none")
    names = _names(chips)
    if options.split == "blocks":
        _check_blocks(chips, names, options)
    held_out([chip.scene.id for chip in chips], options.held_out)
    root = common_folder(chips)
    parts = Parts(to, _settings(chips, names, sources, options, unified), LANDMARK)
    if parts.finished():
        return LandmarkReport(to, 0, len(chips), _summary(to, options, sources), time.monotonic() - start)
    job = partial(
        _one, root=root, sources=sources, options=options, unified=unified, writer=GrammarWriter(options.seed)
    )
    with parts.opened() as done:
        todo = [row for row in range(len(chips)) if row not in done]
        for first in range(0, len(todo), PART_ROWS):
            rows = todo[first : first + PART_ROWS]
            records = []
            for count, row in enumerate(rows, len(done) + first + 1):
                records.append(job(row, names[row], chips[row]))
                elapsed = time.monotonic() - start
                progress(count, len(chips), (count - len(done)) / max(elapsed, 1e-9))
            parts.write(records)
        _join(parts, image_folder(to, root), options)
    return LandmarkReport(to, len(todo), len(done), _summary(to, options, sources), time.monotonic() - start)


def _summary(table: Path, options: Options, sources: Sequence[LabelSource]) -> Summary:
    """The table in numbers; written beside it also where only a run that was killed right before this is left to do."""
    summary = summarise(table)
    systems = [source.settings["system"] for source in sources]
    write_summary(summary, table, {"table": table.name, "settings": asdict(options), "systems": systems})
    return summary


def _join(parts: Parts, images: str, options: Options) -> None:
    """Make the table of all parts, with splits.

    Args:
        parts: whole.
        images: the folder that image names are relative to, as the table tells it.
        options: how splits are dealt.

    Raises:
        DataError: no chip has a label; the parts are thrown away, since labels will have to change.
    """
    whole = parts.whole()
    left_out = json.dumps(_left_out(whole))
    if whole["dropped"].to_pylist().count(False) == 0:
        parts.discard()
        raise DataError(
            f"none of {len(whole)} chips gets a label: {left_out[:600]}; check that label rasters lie under the "
            "images, names in lists, and thresholds"
        )
    table, metadata = finished(whole, _splits(whole, options))
    parts.join(metadata | {IMAGES_KEY.decode(): images, LEFT_OUT_KEY.decode(): left_out}, table)


def _one(
    row: int,
    name: str,
    chip: Chip,
    *,
    root: Path,
    sources: Sequence[LabelSource],
    options: Options,
    unified: Vocabulary,
    writer: GrammarWriter,
) -> Record:
    about = {"dataset": options.dataset, "licence": options.licence}
    try:
        labelled = _label(name, chip, sources, options, unified, writer)
    except EmptyChipError:
        labelled = EMPTY
    except SwathError as error:
        labelled = f"{FAILED}: {error}"
    if isinstance(labelled, str):
        return record_of(row, name, chip, root, None, about | {"reason": labelled})
    return record_of(row, name, chip, root, labelled, about)


def _label(
    name: str,
    chip: Chip,
    sources: Sequence[LabelSource],
    options: Options,
    unified: Vocabulary,
    writer: GrammarWriter,
) -> Labelled | str:
    """What is written about a chip, or the reason why it is left out."""
    valid = read_chip(chip).valid
    known = [found for source in sources if (found := source.of(chip, valid)) and _tells(found, valid, options)]
    if not known:
        return UNLABELLED
    shares: dict[str, float | None] = {}
    for evidence in known:
        for label, share in evidence.shares.items():
            if share is None or share >= options.thresholds.get(label, options.threshold):
                shares[label] = max((part for part in (share, shares.get(label)) if part is not None), default=None)
    classes = dict.fromkeys(entry for evidence in known for entry in evidence.classes)
    if not shares:
        return Labelled({}, tuple(classes), [options.without], []) if options.without else BELOW
    labels = unified.ordered(shares)
    shares = {label: shares[label] for label in labels}
    short = [caption(labels, style, unified, f"{options.seed}:{name}", tuple(classes)) for style in options.captions]
    told = _told(known, valid)
    long = paragraph(chip, {label: told.get(label) for label in labels}, unified, writer) if options.long else ""
    return Labelled(shares, tuple(classes), short, [long] if long else [])


def _tells(evidence: Evidence, valid: np.ndarray[Any, np.dtype[np.bool_]], options: Options) -> bool:
    if evidence.known is None:
        return True
    return bool(np.count_nonzero(evidence.known) >= options.min_labelled * np.count_nonzero(valid))


def _told(known: Sequence[Evidence], valid: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, float | None]:
    """Label -> its share of the image as far as it may be told: not where a part is unknown or sources differ."""
    told: dict[str, float | None] = {}
    for evidence in known:
        whole = evidence.known is not None and np.count_nonzero(evidence.known) >= WHOLE * np.count_nonzero(valid)
        for label, share in evidence.shares.items():
            if share is not None:
                other = told.get(label, share)
                agreed = other is not None and round(100 * share) == round(100 * other)
                told[label] = share if whole and agreed else None
    return told


def _splits(whole: pa.Table, options: Options) -> list[str]:
    """The split of each row that stays."""
    rows = whole.select(["image", "window", "labels", "geometry", "dropped"]).to_pylist()
    scenes = [row["image"].removesuffix("#" + "_".join(map(str, row["window"]))) for row in rows]
    chosen = held_out(scenes, options.held_out)  # of all: a scene may be held out and have no label
    free = [place for place, split in enumerate(chosen) if not split and not rows[place]["dropped"]]
    dealt = _dealt([rows[place] for place in free], [scenes[place] for place in free], options)
    for place, split in zip(free, dealt, strict=True):
        chosen[place] = split
    return [split for split, row in zip(chosen, rows, strict=True) if not row["dropped"]]


def _dealt(rows: Sequence[Mapping[str, Any]], scenes: Sequence[str], options: Options) -> list[str]:
    """The split of each row that is not held out."""
    import shapely

    labels = [row["labels"] for row in rows]
    if options.split == "none":
        return [""] * len(labels)
    if options.split == "stratified":
        return stratified(labels, options.fractions, options.seed)
    if options.split == "scenes":
        return by_scenes(scenes, labels, options.fractions, options.seed)
    bounds = [Footprint(shapely.from_wkb(row["geometry"]), "").bbox for row in rows]
    return by_blocks(bounds, labels, options.fractions, options.seed, options.block_km)


def _check_blocks(chips: Sequence[Chip], names: Sequence[str], options: Options) -> None:
    """Refuse, before any work, images that cannot be put into blocks."""
    nowhere = [name for name, chip in zip(names, chips, strict=True) if chip.footprint is None]
    if nowhere:
        raise InputError(
            f"blocks need footprints, but {len(nowhere)} images have none, first: {nowhere[0]!r}; "
            "split by images instead"
        )
    bounds = [chip.footprint.bbox for chip in chips if chip.footprint is not None]
    by_blocks(bounds, [()] * len(bounds), options.fractions, options.seed, options.block_km)


def _left_out(whole: pa.Table) -> dict[str, Any]:
    dropped = [row for row in whole.select(["image", "dropped", "reason"]).to_pylist() if row["dropped"]]
    reasons = Counter(row["reason"].partition(":")[0] for row in dropped)
    failures = [f"{row['image']}: {row['reason']}" for row in dropped if row["reason"].startswith(FAILED)]
    return {"reasons": dict(reasons.most_common()), "failures": failures[:MOST_FAILURES]}


def _names(chips: Sequence[Chip]) -> list[str]:
    scenes = Counter(chip.scene.id for chip in chips)
    names = [name_of(chip, scenes[chip.scene.id] == 1) for chip in chips]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"two chips are called {twice!r}; scenes need ids of their own")
    return names


def _settings(
    chips: Sequence[Chip], names: Sequence[str], sources: Sequence[LabelSource], options: Options, unified: Vocabulary
) -> dict[str, Any]:
    listed = "\n".join(f"{name}\t{chip.id}" for name, chip in zip(names, chips, strict=True))
    return {
        **asdict(options),
        "chips": hashlib.sha256(listed.encode()).hexdigest(),
        "sources": [source.settings for source in sources],
        "vocabulary": dict(unified.phrases),
    }
