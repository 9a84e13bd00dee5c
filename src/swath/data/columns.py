"""Which column means what, for every layout that is a table (CSV, TSV, Parquet)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from swath.data.annotations import Annotation
from swath.data.images import ScenePart
from swath.data.scene_parts import part_of
from swath.errors import DataError

SPLIT_WORDS = frozenset({"train", "val", "valid", "validation", "dev", "test"})

# Column names seen: iEBAKER (filename,title), SAR-TEXT (filepath,caption), SARVLM (imgpath,caption),
# SkyScript (filepath,title,title_multi_objects), Hugging Face image folders (file_name,text).
_MEANINGS: dict[str, tuple[str, ...]] = {
    "image": ("filename", "filepath", "file_name", "imgpath", "image_path", "image", "path", "jpg", "png"),
    "caption": ("title", "caption", "captions", "text", "sentence", "sentences", "raw"),
    "long": ("long_caption", "long_captions", "title_multi_objects"),
    "label": ("labels", "label", "class", "cls", "class_name"),
    "split": ("split",),
    "dataset": ("dataset",),
    "lon": ("lon", "longitude"),
    "lat": ("lat", "latitude"),
    "group": ("group",),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one table by what they mean; an empty name where the table has no such column."""

    image: str
    caption: str = ""
    long: str = ""
    label: str = ""
    split: str = ""
    dataset: str = ""
    lon: str = ""
    lat: str = ""
    group: str = ""


def choose_columns(names: Sequence[str], where: str) -> Columns:
    """Find the columns that a table of pairs needs.

    Args:
        names: the table's column names.
        where: the file, for the message.

    Raises:
        DataError: no column of images, or none of captions, labels or groups.
    """
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    found = {
        meaning: next((by_lower[word] for word in words if word in by_lower), "")
        for meaning, words in _MEANINGS.items()
    }
    if not found["image"] or not (found["caption"] or found["label"] or found["group"]):
        raise DataError(
            f"{where} has the columns {', '.join(names)[:300] or '(none)'}; a table of pairs needs an image column "
            f"({', '.join(_MEANINGS['image'])}) and a caption column ({', '.join(_MEANINGS['caption'])}) "
            f"or a label column ({', '.join(_MEANINGS['label'])}) or a group column"
        )
    return Columns(**found)


def has_columns(names: Sequence[str]) -> bool:
    """Whether `choose_columns` would succeed."""
    lower = {name.strip().lower() for name in names}
    text = {*_MEANINGS["caption"], *_MEANINGS["label"], *_MEANINGS["group"]}
    return bool(lower & set(_MEANINGS["image"])) and bool(lower & text)


def split_of_file(path: Path) -> str:
    """The split that a file's name tells (``rsicd_test.csv``, ``train-00000-of-00002.parquet``), or empty."""
    words = [word for word in re.split(r"[-_.\s]+", path.stem.lower()) if word in SPLIT_WORDS]
    return words[0] if len(words) == 1 else ""


@dataclass(slots=True)
class _Gathered:
    """One image's rows, joined."""

    captions: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    split: str = ""
    location: tuple[float, float] | None = None
    group: str = ""
    part: ScenePart | None = None
    provenance: dict[str, object] = field(default_factory=dict)


class RowGatherer:
    """Joins the rows of tables into one `Annotation` an image: the usual table has a row a caption."""

    def __init__(self) -> None:
        self._images: dict[str, _Gathered] = {}

    def add(self, row: Mapping[str, object], columns: Columns, path: Path, number: int, name: str = "") -> None:
        """Add one row.

        Args:
            row: column -> value.
            columns: which column means what.
            path: the file, for messages, provenance and the split that its name tells.
            number: the row's number, from 1.
            name: the image's name, where the image column holds bytes.

        Raises:
            DataError: a caption without image, an image in two splits or groups, a place that is not on Earth, or a
                window that cannot be used.
        """
        where = f"{path}, row {number}"
        name = name or _text(row.get(columns.image))
        if not name.strip():
            raise DataError(
                f"{where}: a caption without image (column {columns.image!r} is empty); "
                "name its image there, or delete the row"
            )
        known = name in self._images
        entry = self._images.setdefault(name, _Gathered())
        split = _text(row.get(columns.split)) if columns.split else split_of_file(path)
        if known and split != entry.split:
            raise DataError(f"{where}: image {name!r} is in two splits: {entry.split!r} and {split!r}")
        entry.split = split
        entry.captions += _texts(row.get(columns.caption)) if columns.caption else []
        entry.long += _texts(row.get(columns.long)) if columns.long else []
        labels = _texts(row.get(columns.label)) if columns.label else []
        entry.labels += [label for label in labels if label and label not in entry.labels]
        entry.location = _location(where, row, columns) or entry.location
        group = _text(row.get(columns.group)) if columns.group else ""
        if known and group != entry.group:
            raise DataError(f"{where}: image {name!r} is in two groups: {entry.group!r} and {group!r}")
        entry.group = group
        if not known:
            entry.part = part_of(row, where)
            entry.provenance = {"file": path.name, "row": number}
            if columns.dataset and row.get(columns.dataset):
                entry.provenance["dataset"] = _text(row[columns.dataset])

    def annotations(self) -> tuple[Annotation, ...]:
        """One entry an image, in order of first appearance."""
        return tuple(
            Annotation(
                name,
                captions=tuple(entry.captions),
                long_captions=tuple(entry.long),
                labels=tuple(entry.labels),
                split=entry.split,
                location=entry.location,
                provenance=entry.provenance,
                part=entry.part,
                group=entry.group,
            )
            for name, entry in self._images.items()
        )


def relative_names(names: Iterable[str]) -> dict[str, str]:
    """Absolute names -> what follows their common folder, for files that carry their author's own paths.

    Returns:
        An empty mapping where any name is relative.
    """
    names = list(dict.fromkeys(names))
    parts = [_absolute_parts(name) for name in names]
    if not names or not all(parts):
        return {}
    shared = 0
    for level in zip(*(part[:-1] for part in parts), strict=False):
        if len(set(level)) > 1:
            break
        shared += 1
    return {name: "/".join(part[shared:]) for name, part in zip(names, parts, strict=True)}


def _absolute_parts(name: str) -> tuple[str, ...]:
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute():
        return posix.parts
    return windows.parts if windows.is_absolute() else ()


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _texts(value: object) -> list[str]:
    """The texts in a cell: a list column's items, or the cell itself."""
    if isinstance(value, list | tuple):
        return [_text(item.get("raw")) if isinstance(item, Mapping) else _text(item) for item in value]
    return [_text(value)]


def _location(where: str, row: Mapping[str, object], columns: Columns) -> tuple[float, float] | None:
    lon, lat = _text(row.get(columns.lon)), _text(row.get(columns.lat))
    if not columns.lon or not columns.lat or not (lon.strip() and lat.strip()):
        return None
    try:
        place = float(lon), float(lat)
    except ValueError:
        place = math.nan, math.nan
    if not (-180 <= place[0] <= 180 and -90 <= place[1] <= 90):
        raise DataError(f"{where}: lon={lon!r}, lat={lat!r} is not a place in degrees")
    return place
