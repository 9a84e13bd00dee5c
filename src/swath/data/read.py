"""The door: `read_dataset` recognises a data set's layout and reads it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from swath.data.amfmn import LISTS
from swath.data.annotations import Annotations, Layout, ReadOptions, build
from swath.data.crisislandmark import CRISISLANDMARK
from swath.data.dataset import Dataset
from swath.data.folders import FOLDERS
from swath.data.karpathy import KARPATHY
from swath.data.parquet import PARQUET
from swath.data.sandbox import SANDBOX
from swath.data.splits import apply_splits, read_splits
from swath.data.tables import TABLE
from swath.data.webdataset import SHARDS
from swath.errors import DataError
from swath.sensors import matching

LAYOUTS: tuple[Layout, ...] = (SANDBOX, CRISISLANDMARK, KARPATHY, LISTS, SHARDS, PARQUET, TABLE, FOLDERS)
"""Every layout, in the order in which they are tried: the more telling first."""


def read_dataset(
    path: str | Path,
    *,
    split_file: str | Path | None = None,
    images: str | Path | None = None,
    sensor: str | None = None,
    layout: str | None = None,
    name: str | None = None,
    unpack: str | Path | None = None,
    strict: bool = False,
) -> Dataset:
    """Read image-text pairs in any layout that swath knows (see `LAYOUTS`).

    Args:
        path: the folder or the annotation file.
        split_file: splits, where the annotations have none: JSON ``{split: [names]}`` or CSV ``filename,split``.
        images: the image folder, where it is not beside the annotations.
        sensor: the images' sensor, recognised by default; of a data set with several, only this one (or family).
        layout: name of the layout, instead of recognising it.
        name: the data set's name, instead of the one in its file.
        unpack: where images packed in shards are written; beside the shards by default.
        strict: raise at the first missing image or blank caption, instead of recording it in `Dataset.failures`.

    Returns:
        The data set, with its official splits.

    Raises:
        DataError: nothing is there, the layout is not recognised, or the file is broken.
        SensorError: there is no such sensor.
    """
    if sensor is not None:
        matching(sensor)
    annotations = read_annotations(path, images=images, layout=layout, unpack=unpack, name=name, sensor=sensor)
    if split_file is not None:
        annotations = apply_splits(annotations, read_splits(Path(split_file)), Path(split_file))
    return build(annotations, sensor, strict)


def read_annotations(
    path: str | Path,
    *,
    images: str | Path | None = None,
    layout: str | None = None,
    unpack: str | Path | None = None,
    name: str | None = None,
    sensor: str | None = None,
) -> Annotations:
    """Read a data set's annotations without looking for its images (for statistics of captions alone).

    Arguments and errors are those of `read_dataset`.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"no data set at {path}: no such file or folder")
    options = ReadOptions(
        images=Path(images) if images is not None else None,
        unpack=Path(unpack) if unpack is not None else None,
        sensor=sensor,
    )
    chosen, found = _recognise(path, layout)
    annotations = chosen.read(found, options)
    return replace(annotations, name=name) if name else annotations


def _recognise(path: Path, layout: str | None) -> tuple[Layout, Path]:
    candidates = [entry for entry in LAYOUTS if layout in (None, entry.name)]
    if not candidates:
        raise DataError(f"unknown layout {layout!r}; known: {', '.join(entry.name for entry in LAYOUTS)}")
    for entry in candidates:
        found = entry.find(path)
        if found is not None:
            return entry, found
    listed = "".join(f"\n  {entry.name}: {entry.looks_like}" for entry in candidates)
    raise DataError(f"{path} is not a data set in a layout that swath knows:{listed}")
