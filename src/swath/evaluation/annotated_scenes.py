"""Queries with outlined regions, in the layout of AIR-SLT's ``anno.json``: ``[{caption, jpg_name, points}]``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swath.errors import DataError
from swath.sources.documents import read_json


@dataclass(frozen=True, eq=False)
class RegionQuery:
    """A text and where in an image it is true.

    Attributes:
        caption: the text, stripped.
        image: the image's name, relative to the folder of images.
        regions: polygons, each (N, 2) vertices (x, y) in pixels.
        place: its place in the file, from 0.
    """

    caption: str
    image: str
    regions: tuple[NDArray[np.float64], ...]
    place: int


@dataclass(frozen=True, slots=True)
class BadQuery:
    """An entry that cannot be used.

    Attributes:
        place: its place in the file, from 0.
        reason: what is wrong with it.
    """

    place: int
    reason: str


def read_region_queries(path: str | Path) -> tuple[list[RegionQuery], list[BadQuery]]:
    """Read an annotation file; entries that are broken are listed, the others kept.

    Raises:
        DataError: the file is no JSON list, or no entry of it can be used.
        SourceError: the file cannot be read.
    """
    document = read_json(str(path))
    if not isinstance(document, list):
        raise DataError(f"{path}: not a list of {{caption, jpg_name, points}}; give an AIR-SLT anno.json")
    queries, bad = [], []
    for place, entry in enumerate(document):
        try:
            queries.append(_query(entry, place))
        except ValueError as error:
            bad.append(BadQuery(place, str(error)))
    if not queries:
        first = f"; entry {bad[0].place}: {bad[0].reason}" if bad else ""
        raise DataError(f"{path}: no usable entry among {len(document)}{first}")
    return queries, bad


def _query(entry: Any, place: int) -> RegionQuery:  # noqa: ANN401 - an entry of a JSON list
    if not isinstance(entry, dict):
        raise ValueError("not an object")
    missing = [name for name in ("caption", "jpg_name", "points") if not entry.get(name)]
    if missing:
        raise ValueError(f"lacks {', '.join(missing)}")
    caption, image, points = entry["caption"], entry["jpg_name"], entry["points"]
    if not isinstance(caption, str) or not caption.strip():
        raise ValueError("caption is no text")
    if not isinstance(image, str) or Path(image).is_absolute() or ".." in Path(image).parts:
        raise ValueError(f"jpg_name {image!r} is no name inside the folder of images")
    if not isinstance(points, list):
        raise ValueError("points is no list of polygons")
    return RegionQuery(caption.strip(), image, tuple(_polygon(polygon, at) for at, polygon in enumerate(points)), place)


def _polygon(points: Any, at: int) -> NDArray[np.float64]:  # noqa: ANN401 - JSON
    try:
        polygon = np.array(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"polygon {at} is no list of [x, y]") from None
    if polygon.ndim != 2 or polygon.shape[1] != 2 or len(polygon) < 3 or not np.isfinite(polygon).all():
        raise ValueError(f"polygon {at} is no list of 3 or more [x, y]")
    return polygon
