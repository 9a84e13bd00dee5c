"""Further facts from a file: boxes, masks, map tags, dates and places for images whose data set has none.

JSON Lines, one image a line (or a Parquet table with the same columns):

``{"image": "00001.webp", "size": [224, 224], "gsd": 0.5, "boxes": [{"label": "ship", "bbox": [x, y, width, height],
"length": 179.0}], "shares": {"water": 0.42}, "tags": {"landuse": "harbour"}, "place": "Hamburg", "location": [9.9,
53.5], "date": "2020-10-05", "sensor": "Sentinel-2", "statements": ["The ships lie in two rows."]}``

Only ``image`` is needed. ``bbox`` is in pixels from the upper left corner; positions need ``size`` (width, height).
``complete`` (true by default) says that all things of the labels are boxed; where it is false no numbers are told.
``mask`` names a label raster beside the file, with ``classes`` ``{"1": "water"}``: its shares are counted; values
without a class are no data.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from swath.corpus.facts import Fact, Facts
from swath.corpus.gathering import class_name
from swath.corpus.seasons import parse_date
from swath.data.karpathy import parse_location
from swath.errors import DataError

Row = Mapping[str, Any]

_THIRDS = (("upper", "", "lower"), ("left", "", "right"))
_SIDES = {"upper": "top", "lower": "bottom", "": "middle"}


def read_facts(path: Path) -> dict[str, Facts]:
    """Facts by image name, from a JSON Lines file or a Parquet table (see the module's text).

    Raises:
        DataError: not readable, an image named twice, or an entry that is not as described; the message names the line.
    """
    found: dict[str, Facts] = {}
    for number, row in enumerate(_rows(path), 1):
        where = f"{path}, line {number}"
        _check_text(where, row)
        name = row.get("image")
        if not isinstance(name, str) or not name:
            raise DataError(f'{where} has no "image"')
        if name in found:
            raise DataError(f"{where}: image {name!r:.80} is listed twice")
        found[name] = Facts(name, tuple(_facts(where, row, path.parent)))
    if not found:
        raise DataError(f"{path} has no facts")
    return found


def _rows(path: Path) -> Iterator[Row]:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            yield from pq.read_table(path).to_pylist()
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path} is not a readable Parquet file: {error}") from error
        return
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # JSON's texts may hold other line separators
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"facts {path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}, line {number} is not valid JSON: {error}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path}, line {number} is not a JSON object")
        yield row


def _check_text(where: str, row: Row) -> None:
    """Refuse halves of surrogate pairs, which JSON can write and no file can hold.

    Raises:
        DataError: there is one.
    """
    try:
        json.dumps(dict(row), ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{where} has a text that is no Unicode: {error.reason}; mend it") from error


def _facts(where: str, row: Row, folder: Path) -> Iterator[Fact]:
    for number, text in enumerate(_list(where, row, "statements")):
        yield Fact("statement", "", _text(where, "statements", text), f"statements[{number}]")
    yield from _boxes(where, row)
    shares = dict(_items(where, row, "shares"))
    if row.get("mask"):
        shares |= _mask_shares(where, row, folder)
    for name, share in shares.items():
        yield Fact("share", class_name(name), _number(where, f"share of {name}", share, 0.0, 1.0), "shares")
    for key, value in _items(where, row, "tags"):
        yield Fact("tag", key, _text(where, f"tag {key}", value), f"tags.{key}")
    if row.get("place"):
        yield Fact("place", "", _text(where, "place", row["place"]), "place")
    location = parse_location(where, row.get("location"))
    if location is not None:
        yield Fact("location", "", location, "location")
    if row.get("date"):
        yield Fact("date", "", parse_date(str(row["date"]), where).isoformat(), "date")
    if row.get("sensor"):
        yield Fact("sensor", "", _text(where, "sensor", row["sensor"]), "sensor")
    if row.get("gsd") is not None:
        yield Fact("gsd", "", _number(where, "gsd", row["gsd"], 1e-6, 1e6), "gsd")


def _boxes(where: str, row: Row) -> Iterator[Fact]:
    size = row.get("size")
    extent = None
    if size is not None:
        if not isinstance(size, list) or len(size) != 2:
            raise DataError(f"{where}: size must be [width, height] in pixels; found {size!r:.60}")
        extent = tuple(_number(where, "size", value, 1.0, 1e9) for value in size)
    boxes = _list(where, row, "boxes")
    labels = Counter[str]()
    placed: list[Fact] = []
    for number, box in enumerate(boxes):
        if not isinstance(box, Mapping) or not box.get("label"):
            raise DataError(f'{where}: boxes[{number}] needs a "label"; found {box!r:.80}')
        label, source = class_name(_text(where, "label", box["label"])), f"boxes[{number}]"
        labels[label] += 1
        if extent is not None and box.get("bbox") is not None:
            placed.append(Fact("position", label, _position(f"{where}, {source}", box["bbox"], extent), source))
        if box.get("length") is not None:
            placed.append(Fact("length", label, _number(where, "length", box["length"], 0.1, 1e6), source))
    if row.get("complete", True):
        yield from (Fact("count", label, count, "boxes") for label, count in labels.items())
    yield from placed


def _position(where: str, box: object, extent: tuple[float, ...]) -> str:
    """In which of nine parts of the image the middle of a box lies: "upper left", "top", "middle".

    Raises:
        DataError: not a box, without area, or outside the image.
    """
    if not isinstance(box, list) or len(box) != 4:
        raise DataError(f"{where}: bbox must be [x, y, width, height] in pixels; found {box!r:.80}")
    x, y, width, height = (_number(where, "bbox", value, -1e9, 1e9) for value in box)
    if width <= 0 or height <= 0:
        raise DataError(f"{where}: bbox {box} has no area")
    right, down = (x + width / 2) / extent[0], (y + height / 2) / extent[1]
    if not (0 <= right <= 1 and 0 <= down <= 1):
        raise DataError(f"{where}: bbox {box} lies outside the image of {extent[0]:g} x {extent[1]:g} pixels")
    tall, wide = _THIRDS[0][min(int(3 * down), 2)], _THIRDS[1][min(int(3 * right), 2)]
    return f"{tall} {wide}" if tall and wide else wide or _SIDES[tall]


def _mask_shares(where: str, row: Row, folder: Path) -> dict[str, float]:
    """Shares of the classes of a label raster."""
    import rasterio
    from rasterio.errors import RasterioError

    classes = {
        int(value): str(name) for value, name in _items(where, row, "classes") if str(value).lstrip("-").isdigit()
    }
    if not classes:
        raise DataError(f'{where}: a mask needs "classes", for example {{"1": "water"}}')
    file = (folder / str(row["mask"])).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise DataError(f"{where}: mask {row['mask']!r} leads out of {folder}; refused")
    try:
        with rasterio.open(file) as raster:
            values, counts = np.unique(raster.read(1), return_counts=True)
    except RasterioError as error:
        raise DataError(f"{where}: mask {file} cannot be read: {error}") from error
    known = {int(value): int(count) for value, count in zip(values, counts, strict=True) if int(value) in classes}
    total = sum(known.values())
    return {classes[value]: count / total for value, count in known.items()}


def _list(where: str, row: Row, key: str) -> list[Any]:
    value = row.get(key)
    if value is not None and not isinstance(value, list):
        raise DataError(f'{where}: "{key}" must be a list; found {value!r:.60}')
    return value or []


def _items(where: str, row: Row, key: str) -> list[tuple[str, Any]]:
    value = row.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise DataError(f'{where}: "{key}" must be an object; found {value!r:.60}')
    # A Parquet table gives every row every key.
    return [(str(name), item) for name, item in (value or {}).items() if item is not None]


def _text(where: str, what: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: {what} must be a text; found {value!r:.60}")
    return value


def _number(where: str, what: str, value: object, least: float, most: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not isinstance(value, int | float) or not least <= value <= most:
        raise DataError(f"{where}: {what} must be a number from {least:g} to {most:g}; found {value!r:.60}")
    return float(value)
