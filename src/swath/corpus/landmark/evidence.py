"""What is known of a chip's labels, from label rasters (by place or by file name) and from label lists."""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from swath.chips import Chip
from swath.data.labels.systems import NODATA, LabelSystem
from swath.errors import DataError
from swath.raster import SUFFIXES, describe, footprint, read_labels

_NAMES = ("image", "filename", "file_name", "path", "key", "id", "row")
_LABELS = ("labels", "label", "class", "class_name")
_EVERYWHERE = shapely.box(-180.0, -90.0, 180.0, 90.0)
"""Where the one raster without a georeference lies: under every chip."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one source of labels says of a chip.

    Attributes:
        shares: unified label -> share of the labelled pixels (0 to 1); None in label lists, which tell no areas.
        classes: names of the source's own classes that were found.
        known: (H, W) True where there is a class; None in label lists.
    """

    shares: Mapping[str, float | None]
    classes: tuple[str, ...]
    known: NDArray[np.bool_] | None = None


class LabelSource(Protocol):
    """Labels for chips."""

    @property
    def settings(self) -> dict[str, object]:
        """What the labels depend on, as JSON values."""
        ...

    def of(self, chip: Chip, valid: NDArray[np.bool_]) -> Evidence | None:
        """What is known of a chip; None where nothing is.

        Args:
            chip: the chip.
            valid: (H, W) False where the image has no data; labels there do not count.

        Raises:
            DataError: a class that the label system does not have, or two rasters of the name wanted.
            RasterError: a label raster cannot be read.
        """
        ...


def shares(
    codes: NDArray[np.int64], known: NDArray[np.bool_], system: LabelSystem, where: str
) -> tuple[dict[str, float], tuple[str, ...], NDArray[np.bool_]]:
    """Harmonise the classes of a raster.

    Args:
        codes: (H, W) the system's codes.
        known: (H, W) False where there is none.
        system: what the codes mean.
        where: the file, for the message.

    Returns:
        Unified label -> share of the pixels that have a class; the names of the classes; and (H, W) which pixels have
        one, pixels of nodata classes left out.

    Raises:
        DataError: a code that the system does not have.
    """
    found, counts = np.unique(codes[known], return_counts=True)
    strange = [int(code) for code in found if int(code) not in system.by_code]
    if strange:
        raise DataError(
            f"{where}: unknown class {', '.join(map(str, strange[:5]))} of label system {system.name!r}, which has "
            f"{', '.join(map(str, list(system.by_code)[:60]))}; name the right system, or give a table of your own"
        )
    categories = [system.by_code[int(code)] for code in found]
    nodata = [int(code) for code, entry in zip(found, categories, strict=True) if entry.label == NODATA]
    labelled = known & ~np.isin(codes, nodata)
    total = int(np.count_nonzero(labelled))
    pixels: dict[str, int] = {}
    for entry, count in zip(categories, counts.tolist(), strict=True):
        if entry.label not in ("", NODATA):
            pixels[entry.label] = pixels.get(entry.label, 0) + count
    names = tuple(entry.name for entry in categories if entry.label != NODATA)
    return {label: count / total for label, count in pixels.items()}, names, labelled


class LabelRasters:
    """Label rasters of one system, found by where they lie or by the names of their files.

    Args:
        path: a raster, a folder of rasters, or a pattern (``labels/*_label.tif``).
        system: what their codes mean.
        pair: (old, new): the raster of a scene has the scene's file name with `old` replaced by `new`, and lies in the
            given folder or pattern. None finds rasters by place: those under a chip, the first in order of their
            names where several have a class.

    Raises:
        DataError: no raster is there.
        RasterError: a raster's header cannot be read.
    """

    def __init__(self, path: str | Path, system: LabelSystem, pair: tuple[str, str] | None = None) -> None:
        self.system = system
        self._pair = pair
        text = os.fspath(path)
        pattern = os.path.join(glob.escape(text), "**", "*") if os.path.isdir(text) else text
        names = [text] if os.path.isfile(text) else glob.glob(pattern, recursive=True)
        self.files = [os.path.realpath(name) for name in sorted(names) if name.lower().endswith(SUFFIXES)]
        if not self.files:
            raise DataError(f"no label raster at {text} ({', '.join(SUFFIXES)}); check the path or the pattern")
        self._named: dict[str, list[str]] = {}
        for file in self.files:
            self._named.setdefault(os.path.basename(file), []).append(file)
        self._places = [] if pair is not None else [self._place(file) for file in self.files]
        self._tree = shapely.STRtree([area if area is not None else _EVERYWHERE for area in self._places])

    @property
    def settings(self) -> dict[str, object]:
        """Files with sizes and times, the system's content, the way of finding."""
        stamps = [(file, os.stat(file).st_size, os.stat(file).st_mtime_ns) for file in self.files]
        listed = hashlib.sha256(json.dumps(stamps).encode()).hexdigest()
        return {
            "system": self.system.name,
            "table": self.system.id,
            "rasters": listed,
            "pair": list(self._pair) if self._pair is not None else None,
        }

    def of(self, chip: Chip, valid: NDArray[np.bool_]) -> Evidence | None:
        """The areas of the classes under a chip; None where no raster has a class there."""
        codes, known, files = self.codes(chip, valid.shape)
        found, names, labelled = shares(codes, known & valid, self.system, ", ".join(files[:3]))
        return Evidence(found, names, labelled) if labelled.any() else None

    def codes(self, chip: Chip, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.bool_], tuple[str, ...]]:
        """The classes under a chip as the rasters have them.

        Args:
            chip: the chip.
            shape: (H, W) of its pixels.

        Returns:
            (H, W) codes, (H, W) where there is one, and the rasters that lie there.

        Raises:
            DataError: two rasters of the name wanted.
            RasterError: a raster cannot be read.
        """
        codes = np.zeros(shape, dtype=np.int64)
        known = np.zeros(shape, dtype=np.bool_)
        files = self._under(chip)
        for file in files:
            more, there = read_labels(file, chip)
            fresh = there & ~known
            codes[fresh] = more[fresh]
            known |= there
        return codes, known, tuple(files)

    def _under(self, chip: Chip) -> list[str]:
        if self._pair is not None:
            own = os.path.basename(chip.scene.href)
            wanted = own.replace(*self._pair)
            # A name without the part to replace would find the image itself.
            named = self._named.get(wanted, []) if wanted != own else []
            if len(named) > 1:
                raise DataError(f"{named[0]} and {named[1]} are both called {wanted}; give a pattern that finds one")
            return named
        if chip.footprint is None:
            return self.files
        under = self._tree.query(chip.footprint.geometry, predicate="intersects")
        return [self.files[number] for number in sorted(under.tolist())]

    def _place(self, file: str) -> BaseGeometry | None:
        found = footprint(describe(file))
        if found is None and len(self.files) > 1:
            raise DataError(f"{file} has no georeference, so nothing says which chip it belongs to; pair it by name")
        return found.geometry if found is not None else None


class LabelList:
    """Labels of images by their names: a CSV, JSON or Parquet table of one system's classes.

    A column names the image (`image`, `filename`, `key`, `id`, `row`): as the scene's id, its file name, or that name
    without ending. Another has the labels: one, or several (a list, or parted by ``;`` or ``|``).

    Args:
        path: the table. JSON is a list of objects, or an object of such under the images' names.
        system: the classes.

    Raises:
        DataError: unreadable, a column is missing, or a label is unknown.
    """

    def __init__(self, path: str | Path, system: LabelSystem) -> None:
        self.system = system
        self._path = Path(path)
        rows = _rows(self._path)
        name_column, label_column = (_column(rows, names, self._path) for names in (_NAMES, _LABELS))
        self.labels: dict[str, tuple[str, ...]] = {}
        for number, row in enumerate(rows, 1):
            name = str(row.get(name_column) if row.get(name_column) is not None else "").strip()
            if not name:
                raise DataError(f"{self._path}, row {number}: column {name_column!r} names no image")
            for label in _several(row.get(label_column)):
                try:
                    entry = system.find(label)
                except DataError as error:
                    raise DataError(f"{self._path}, row {number}: {error}") from error
                self.labels[name] = tuple(dict.fromkeys((*self.labels.get(name, ()), entry.name)))

    @property
    def settings(self) -> dict[str, object]:
        """The list's content and the system's."""
        content = json.dumps(sorted(self.labels.items())).encode()
        return {"system": self.system.name, "table": self.system.id, "list": hashlib.sha256(content).hexdigest()}

    def of(self, chip: Chip, valid: NDArray[np.bool_]) -> Evidence | None:  # noqa: ARG002 - one signature for all
        """The labels listed for the chip's scene; None where it is not in the list."""
        scene, file = chip.scene.id, os.path.basename(chip.scene.href)
        keys = (scene, os.path.splitext(scene)[0], file, os.path.splitext(file)[0], os.path.basename(scene))
        classes = next((self.labels[key] for key in keys if key in self.labels), None)
        if classes is None:
            return None
        found = [self.system.find(name).label for name in classes]
        return Evidence(dict.fromkeys(label for label in found if label not in ("", NODATA)), classes)


def _rows(path: Path) -> list[Mapping[str, object]]:
    try:
        if path.suffix.lower() == ".parquet":
            import pyarrow.parquet as pq

            rows: object = pq.read_table(path).to_pylist()
        elif path.suffix.lower() == ".json":
            rows = json.loads(path.read_text(encoding="utf-8"))
        else:
            rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8").removeprefix("\ufeff"))))
    except (OSError, ValueError) as error:
        raise DataError(f"label list {path} cannot be read: {error}") from error
    if isinstance(rows, Mapping):
        rows = [{"image": name, **(row if isinstance(row, Mapping) else {"labels": row})} for name, row in rows.items()]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise DataError(f"label list {path} must be a table with a row an image, and have at least one")
    return rows


def _column(rows: Sequence[Mapping[str, object]], names: Sequence[str], path: Path) -> str:
    for name in names:
        if name in rows[0]:
            return name
    raise DataError(f"label list {path} has the columns {', '.join(rows[0])}; it needs one of {', '.join(names)}")


def _several(value: object) -> list[str]:
    """The labels in a cell."""
    if isinstance(value, list | tuple):
        return [str(item) for item in value]
    parts = str(value if value is not None else "").replace("|", ";").split(";")
    return [part.strip() for part in parts if part.strip()]
