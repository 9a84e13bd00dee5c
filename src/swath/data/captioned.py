"""Captions that a model writes about image files and scenes, kept in a table of pairs.

The table (Parquet) has a row a chip: ``filename``, ``caption``, the columns of windows (`swath.data.scene_parts`), the
chip's ``id`` and the ``captioner``. Files are named from the folder that all of them share, so
`swath.data.read_dataset` reads the table like any other data set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from swath.chips import Chip, Pixels
from swath.data.parquet import IMAGES_KEY
from swath.errors import DataError, SwathError
from swath.raster import read_chip, scene_grid
from swath.sources import open_source
from swath.sources.cutting import cut_scene

WHOLE = 512
"""Images up to so many pixels on each side are written about as a whole."""

CHIP = 256
"""Side of the chips that larger ones are cut into."""

SAVE_EVERY = 512
"""Captions after which the table is written."""

_LAYER = pa.struct(
    [
        ("band", pa.string()),
        ("file", pa.string()),
        ("index", pa.int32()),
        ("scale", pa.float64()),
        ("offset", pa.float64()),
        ("nodata", pa.float64()),
    ]
)
_SCHEMA = pa.schema(
    [
        ("filename", pa.string()),
        ("caption", pa.string()),
        ("id", pa.string()),
        ("window", pa.list_(pa.int64())),
        ("layers", pa.list_(_LAYER)),
        ("sensor", pa.string()),
        ("datetime", pa.string()),
        ("captioner", pa.string()),
    ]
)


class CaptionWriter(Protocol):
    """What writes captions."""

    @property
    def id(self) -> str:
        """Its name: equal ids write equal captions."""
        ...

    def caption(self, pixels: Sequence[Pixels], *, first: int = 0) -> list[str]:
        """A text for each image; `first` is the number of the first one in the whole run."""
        ...


@dataclass(frozen=True, slots=True)
class Missed:
    """An image that could not be captioned."""

    href: str
    reason: str


class CaptionTable:
    """Captions of one captioner by chip.

    Args:
        path: the Parquet file; what it holds of the same captioner is kept, of another replaced. None keeps no file.
        captioner: who writes.

    Raises:
        DataError: the file is no table of captions.
    """

    def __init__(self, path: Path | None, captioner: str) -> None:
        self.path, self.captioner = path, captioner
        self._rows: dict[str, dict[str, Any]] = {}
        self._unsaved = 0
        if path is not None and path.exists():
            self._rows = {row["id"]: row for row in _read(path) if row["captioner"] == captioner}

    def __contains__(self, chip: Chip) -> bool:
        return chip.id in self._rows

    def row(self, chip: Chip) -> dict[str, Any]:
        """The row of a chip that is in the table: JSON values."""
        return self._rows[chip.id]

    def add(self, chips: Sequence[Chip], texts: Sequence[str]) -> None:
        """Take captions in; now and then the file is written."""
        for chip, text in zip(chips, texts, strict=True):
            self._rows[chip.id] = _row(chip, text, self.captioner)
        self._unsaved += len(chips)
        if self._unsaved >= SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the file in one move, if there is one."""
        if self.path is None or not self._unsaved:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        files = [layer["file"] for row in self._rows.values() for layer in row["layers"] if "://" not in layer["file"]]
        root = os.path.commonpath([os.path.dirname(file) for file in files]) if files else str(self.path.parent)
        rows = [_moved(row, lambda file: os.path.relpath(file, root)) for row in self._rows.values()]
        images = os.path.relpath(root, self.path.parent.resolve())
        table = pa.Table.from_pylist(rows, schema=_SCHEMA).replace_schema_metadata({IMAGES_KEY: images})
        part = self.path.with_name(f".{self.path.name}")
        pq.write_table(table, part)
        part.replace(self.path)
        self._unsaved = 0


def _read(path: Path) -> list[dict[str, Any]]:
    """The rows of a table, their files with whole paths.

    Raises:
        DataError: the file is no table of captions.
    """
    try:
        table = pq.read_table(path, columns=_SCHEMA.names)
        root = path.parent.resolve() / (table.schema.metadata or {})[IMAGES_KEY].decode()
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is no table of captions ({error}); choose another name for it") from error
    return [_moved(row, lambda file: os.path.normpath(root / file)) for row in table.to_pylist()]


def _moved(row: dict[str, Any], move: Callable[[str], str]) -> dict[str, Any]:
    """A row with other paths for its local files."""
    name, _, window = row["filename"].rpartition("#")

    def place(file: str) -> str:
        return file if "://" in file else move(file)

    layers = [{**layer, "file": place(layer["file"])} for layer in row["layers"]]
    return {**row, "filename": f"{place(name)}#{window}", "layers": layers}


def gather_chips(
    images: Iterable[str], chip: int | None = None, sensor: str | None = None
) -> tuple[list[Chip], list[Missed]]:
    """The chips of images, folders, scenes and STAC documents, each once, and what could not be opened.

    Args:
        images: anything that `swath.sources.open_source` takes.
        chip: side of the chips in pixels; None takes images of up to `WHOLE` pixels as a whole, and cuts larger ones
            into chips of `CHIP`.
        sensor: read all as this sensor; None to recognise each.

    Raises:
        SourceError: there is nothing at one of `images`.
        SensorError: there is no such sensor.
    """
    found: dict[str, Chip] = {}
    missed: list[Missed] = []
    for name in images:
        source = open_source(name, sensor=sensor)
        for scene in source.scenes():
            try:
                grid = scene_grid(scene)
                longest = max(grid.width, grid.height)
                size = chip or (CHIP if longest > WHOLE else longest)
                found |= {entry.id: entry for entry in cut_scene(scene, size)}
            except SwathError as error:
                missed.append(Missed(scene.href, str(error)))
        missed += [Missed(failure.href, failure.reason) for failure in source.failures]
    return list(found.values()), missed


def caption_chips(
    chips: Sequence[Chip],
    writer: CaptionWriter,
    table: CaptionTable,
    *,
    batch_size: int = 32,
    progress: Callable[[int, int, float], None] | None = None,
) -> list[Missed]:
    """Write a caption for every chip that the table has none of. One that cannot be read stops nothing.

    Args:
        chips: what to write about.
        writer: writes.
        table: where captions go; saved at the end, also of a run that is interrupted.
        batch_size: chips at a time.
        progress: called after every batch with chips done, chips to do, and chips a second.

    Returns:
        chips that could not be read or captioned.
    """
    todo = [(number, chip) for number, chip in enumerate(chips) if chip not in table]
    missed: list[Missed] = []
    started = time.monotonic()
    try:
        for start in range(0, len(todo), batch_size):
            part = todo[start : start + batch_size]
            missed += _caption_batch(part, writer, table)
            if progress is not None:
                done = start + len(part)
                progress(done, len(todo), done / max(time.monotonic() - started, 1e-9))
    finally:
        table.save()
    return missed


def _caption_batch(part: Sequence[tuple[int, Chip]], writer: CaptionWriter, table: CaptionTable) -> list[Missed]:
    good: list[tuple[int, Chip, Pixels]] = []
    missed: list[Missed] = []
    for number, chip in part:
        try:
            good.append((number, chip, read_chip(chip)))
        except SwathError as error:
            missed.append(Missed(chip.scene.href, str(error)))
    if not good:
        return missed
    try:
        texts = writer.caption([pixels for _, _, pixels in good], first=good[0][0])
    except SwathError as error:
        if len(good) == 1:
            return [*missed, Missed(good[0][1].scene.href, str(error))]
        for number, chip, _ in good:  # one of them is to blame
            missed += _caption_batch([(number, chip)], writer, table)
        return missed
    table.add([chip for _, chip, _ in good], texts)
    return missed


def _row(chip: Chip, text: str, captioner: str) -> dict[str, Any]:
    scene, window = chip.scene, chip.window
    return {
        "filename": f"{scene.href}#{','.join(map(str, window.to_list()))}",
        "caption": text,
        "id": chip.id,
        "window": window.to_list(),
        "layers": [
            {
                "band": layer.band,
                "file": layer.href,
                "index": layer.index,
                "scale": layer.scale,
                "offset": layer.offset,
                "nodata": layer.nodata,
            }
            for layer in scene.layers
        ],
        "sensor": scene.sensor,
        "datetime": None if scene.datetime is None else scene.datetime.isoformat(),
        "captioner": captioner,
    }
