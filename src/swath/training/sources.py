"""The training images of a recipe, data set by data set."""

from __future__ import annotations

from collections.abc import Sequence

from swath.data import Pair, read_dataset
from swath.data.dataset import Dataset
from swath.data.exclusions import read_exclusions
from swath.errors import DataError
from swath.training.recipe import DataRecipe


def read_sources(data: DataRecipe) -> list[Dataset]:
    """The data sets to train on, each as its split, without what the recipe's list excludes.

    Raises:
        DataError: a data set, split or list cannot be read, nothing is left, or the list is for other data sets.
    """
    whole = [read_dataset(data.root / source.path, sensor=source.sensor) for source in data.train]
    if data.exclude is not None:
        exclusions = read_exclusions(data.root / data.exclude)
        meant, ours = {entry.dataset for entry in exclusions.entries}, {dataset.name for dataset in whole}
        if meant and not meant & ours:
            raise DataError(
                f"{data.root / data.exclude} excludes images of {', '.join(sorted(meant))}, "
                f"but the training data sets are {', '.join(sorted(ours))}"
            )
        whole = [exclusions.apply(dataset) for dataset in whole]
    pairs = zip(whole, data.train, strict=True)
    parts = [dataset if source.split is None else dataset.split(source.split) for dataset, source in pairs]
    for part, source in zip(parts, data.train, strict=True):
        if not part.pairs:
            raise DataError(f"{data.root / source.path}: no pairs to train on")
    return parts


def spread(pairs: Sequence[Pair], limit: int | None) -> list[Pair]:
    """At most `limit` pairs, spread over the data set, so that several classes take part; groups stay whole."""
    if limit is None or len(pairs) <= limit:
        return list(pairs)
    units: dict[object, list[Pair]] = {}
    for number, pair in enumerate(pairs):
        units.setdefault(pair.group or number, []).append(pair)
    whole = list(units.values())
    count = max(1, limit * len(whole) // len(pairs))
    return [pair for index in range(count) for pair in whole[index * len(whole) // count]][:limit]
