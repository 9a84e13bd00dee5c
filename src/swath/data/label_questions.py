"""Questions generated from a table of labels: presence, number of kinds, comparison.

A table says which labels an image has, not how often: so counts are of kinds of things, never of things, and a
comparison is between the number of kinds and a number, or between two images' worth of labels in one image. Every
answer follows from the table alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from swath.data.questions import Question, QuestionSet
from swath.data.read import read_dataset
from swath.errors import DataError

PRESENCE, COUNT, COMPARISON = "presence", "count", "comp"

GROUPS: Mapping[str, frozenset[str]] = {
    "built things": frozenset(
        {"airplane", "buildings", "cars", "court", "dock", "mobile-home", "pavement", "ship", "tanks"}
    ),
    "natural things": frozenset({"bare-soil", "chaparral", "field", "grass", "sand", "sea", "trees", "water"}),
}
"""Two groups of UCM's labels, whose numbers of kinds are compared; labels in neither take no part in comparisons."""

_PRESENCES = 4  # a question set that asks for every absent label would be nearly all "no"


def questions_of_labels(path: Path, table: Path, *, sensor: str | None = None, seed: int = 0) -> QuestionSet:
    """Questions about the images of a data set, answered by a table of labels.

    Of each image two present and two absent labels are asked for, how many kinds of things it shows, how many of each
    group, and which group has more kinds.

    Args:
        path: the data set, whose splits the questions take over.
        table: CSV with image names in the first column and a label in each other one.
        sensor: the images' sensor.
        seed: decides which labels are asked for; the same seed, the same questions.

    Raises:
        DataError: no such table, or an image is not in it.
    """
    dataset = read_dataset(path, sensor=sensor)
    labels, rows = _read(table)
    questions: list[Question] = []
    for pair in dataset.pairs:
        stem = PurePosixPath(pair.name).stem
        if stem not in rows:
            raise DataError(f"image {pair.name} of {dataset.name} has no row in {table}")
        rng = np.random.default_rng([seed, *stem.encode()])
        asked = _ask(labels, rows[stem], rng)
        questions += [
            Question(f"{stem}-{number}", pair.name, text, answer, kind, pair.split)
            for number, (kind, text, answer) in enumerate(asked)
        ]
    chips = {pair.name: pair.chip for pair in dataset.pairs}
    return QuestionSet(f"{dataset.name}-labels", chips, tuple(questions), dataset.failures)


def _ask(labels: Sequence[str], present: frozenset[str], rng: np.random.Generator) -> Iterator[tuple[str, str, str]]:
    """(type, question, answer) about one image."""
    for group, answer in ((sorted(present), "yes"), (sorted(set(labels) - present), "no")):
        for at in rng.permutation(len(group))[: _PRESENCES // 2]:
            yield PRESENCE, f"Are there {_words(group[at])} in the image?", answer
    yield COUNT, "How many kinds of things are there?", str(len(present))
    groups = {name: members & set(labels) for name, members in GROUPS.items()}
    counts = {name: len(members & present) for name, members in groups.items() if members}
    for name, count in counts.items():
        yield COUNT, f"How many kinds of {name} are there?", str(count)
    names = list(counts)
    for first, second in [(a, b) for a in names for b in names if a != b]:
        yield COMPARISON, f"Are there more kinds of {first} than {second}?", _yes(counts[first] > counts[second])
    if len(names) == 2:
        text = f"Is the number of kinds of {names[0]} equal to the number of kinds of {names[1]}?"
        yield COMPARISON, text, _yes(counts[names[0]] == counts[names[1]])


def _words(label: str) -> str:
    return label.replace("-", " ").replace("_", " ")


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _read(path: Path) -> tuple[tuple[str, ...], dict[str, frozenset[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            rows = [row for row in csv.reader(file, delimiter="\t" if "\t" in first else ",") if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table of labels: {error}") from error
    if len(rows) < 2 or len(rows[0]) < 2:
        raise DataError(f"{path} is no table of labels: a column of image names and one for each label is needed")
    labels = tuple(cell.strip() for cell in rows[0][1:])
    found: dict[str, frozenset[str]] = {}
    for number, cells in enumerate(rows[1:], 2):
        if len(cells) != len(labels) + 1 or not {cell.strip() for cell in cells[1:]} <= {"0", "1"}:
            raise DataError(f"{path}, line {number} is not a name and {len(labels)} cells of 0 or 1")
        stem = PurePosixPath(cells[0].strip()).stem
        found[stem] = frozenset(label for label, cell in zip(labels, cells[1:], strict=True) if cell.strip() == "1")
    return labels, found
