"""CrisisLandMark's published layout: ``crisislandmark.h5`` with links to shards, and ``metadata.parquet`` beside it.

The metadata's ``labels`` are the sources' own (CORINE classes, flood, fire and earthquake marks); they are harmonised
into the twelve by the tables of `swath.data.labels`. The published caption is the labels in lower case, joined with
``". "``. Tables that swath writes also have ``captions``, ``long_captions`` and ``sensor``, which then count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from swath.data.annotations import Annotation, Annotations, Layout, ReadOptions
from swath.data.dataset import Failure
from swath.data.images import ScenePart
from swath.data.labels import NODATA, LabelSystem, read_system, vocabulary
from swath.errors import DataError, SourceError
from swath.raster.hdf5 import collection_of
from swath.sensors import SENSORS, matching
from swath.sources.containers import Corpus, find_corpus

SYSTEMS = ("unified", "corine", "bigearthnet19", "bigearthnet43")
"""Label systems in which a source's label is looked up, in this order."""


def find_crisislandmark(path: Path) -> Path | None:
    """The corpus at `path`: its folder, or one of its HDF5 files."""
    try:
        return path if find_corpus(path) is not None else None
    except SourceError as error:
        raise DataError(str(error)) from error


def read_crisislandmark(path: Path, options: ReadOptions) -> Annotations:
    """Read a corpus' metadata; images are found, and refused one by one, later.

    An image with an unknown label is left out and recorded.

    Raises:
        DataError: the metadata cannot be read, or no image is left.
        MissingExtraError: h5py is not installed.
    """
    corpus = find_corpus(path)
    if corpus is None:
        raise DataError(f"{path} is no corpus in CrisisLandMark's layout")
    entries: list[Annotation] = []
    failures: list[Failure] = []
    try:
        for number, row in enumerate(corpus.rows()):
            if options.sensor is not None and not _wanted(row, options.sensor):
                continue
            try:
                entries.append(_entry(corpus, number, row, options.sensor))
            except DataError as error:
                failures.append(Failure("unknown label", row["key"], str(error), str(row.get("split") or "")))
    except SourceError as error:
        raise DataError(str(error)) from error
    if not entries:
        first = f"; first: {failures[0].name!r}: {failures[0].message}" if failures else ""
        raise DataError(f"{path} has no image {f'of sensor {options.sensor!r}' if options.sensor else ''}{first}")
    name = corpus.file.stem if corpus.table is None else corpus.table.resolve().parent.name
    return Annotations(name, corpus.file.parent, tuple(entries), tuple(failures))


CRISISLANDMARK = Layout(
    "crisislandmark",
    "metadata.parquet beside HDF5 files (CrisisLandMark), or one such HDF5 file",
    find_crisislandmark,
    read_crisislandmark,
)


def harmonised(labels: Sequence[str]) -> tuple[str, ...]:
    """The unified labels, in the vocabulary's order, of a source's own.

    Raises:
        DataError: a label that none of `SYSTEMS` has.
    """
    return _harmonised(tuple(labels))


@lru_cache(maxsize=65_536)  # hundreds of thousands of images share some thousand sets of labels
def _harmonised(labels: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for label in labels:
        entries = [entry for system in _systems() if (entry := system.maybe(label)) is not None]
        if not entries:
            raise DataError(
                f"unknown label {label!r:.80}; it is in none of the label systems {', '.join(SYSTEMS)}: "
                "correct the metadata, or harmonise it with swath corpus landmark and a table of your own"
            )
        # "Arable land" is a class of BigEarthNet, and in CORINE one above several that differ.
        found.append(next((entry.label for entry in entries if entry.label), ""))
    return vocabulary().ordered(label for label in found if label not in ("", NODATA))


@cache
def _systems() -> tuple[LabelSystem, ...]:
    return tuple(read_system(name, vocabulary()) for name in SYSTEMS)


def _entry(corpus: Corpus, number: int, row: Mapping[str, Any], sensor: str | None) -> Annotation:
    given = _texts(row.get("labels"))
    own = "captions" in row
    labels = tuple(given) if own else harmonised(given)
    captions = _texts(row.get("captions")) if own else [". ".join(label.lower() for label in labels)] if labels else []
    exact = sensor if sensor is not None and sensor in SENSORS and not row.get("sensor") else ""
    return Annotation(
        row["key"],
        captions=tuple(captions),
        long_captions=tuple(_texts(row.get("long_captions"))),
        labels=labels,
        split=str(row.get("split") or ""),
        provenance={"file": corpus.file.name, "row": number, "source_labels": given},
        part=ScenePart(f"{corpus.file.name}#{row['key']}", exact, None),
    )


def _wanted(row: Mapping[str, Any], sensor: str) -> bool:
    """Whether an image is of a sensor or family; where its key does not tell, it is tried."""
    members = matching(sensor)
    if row.get("sensor"):
        return row["sensor"] in members
    known = collection_of(row["key"])
    return known is None or {SENSORS[name].family for name in members} == {"s1" if known.radar else "s2"}


def _texts(value: object) -> list[str]:
    """The texts in a cell: a list, one text parted by ``;``, or none."""
    if value is None:
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
