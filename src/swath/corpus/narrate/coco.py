"""COCO detection annotations: one JSON with ``images``, ``annotations`` and ``categories``.

``bbox`` may be ``[x, y, width, height]``, ``[cx, cy, width, height, degrees]`` or eight numbers (four corners).
``iscrowd`` boxes stand for an unknown number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swath.corpus.narrate.boxes import Box, BoxedImage, Corners, Gatherer, numbers, polygon, turned, upright
from swath.corpus.narrate.tables import read_json
from swath.errors import DataError


def read_coco(path: Path) -> tuple[list[BoxedImage], dict[str, str]]:
    """Read a COCO file.

    Args:
        path: the JSON file.

    Returns:
        The images, and class -> class above it (``supercategory``).

    Raises:
        DataError: not COCO, or an image without a name; a box that cannot be used is a defect of its image.
    """
    document = read_json(path)
    lists = ("images", "annotations", "categories")
    if not isinstance(document, Mapping) or not all(isinstance(document.get(key), list) for key in lists):
        raise DataError(f"{path} is not in COCO layout: it needs the lists {', '.join(lists)}")
    if not document["images"] or not document["annotations"]:
        raise DataError(f"{path} has no {'images' if not document['images'] else 'annotations'}; nothing can be told")
    names, above = _categories(path, document["categories"])
    gathered: dict[object, Gatherer] = {}
    for number, image in enumerate(document["images"]):
        gathered[image.get("id")] = Gatherer(*_image(f"{path}, images[{number}]", image))
    for number, entry in enumerate(document["annotations"]):
        owner = gathered.get(entry.get("image_id")) if isinstance(entry, Mapping) else None
        if owner is None:
            raise DataError(f"{path}, annotations[{number}] belongs to no image of the file")
        _add(owner, entry, f"annotations[{number}]", names)
    return [owner.image() for owner in gathered.values()], above


def _categories(path: Path, entries: list[Any]) -> tuple[dict[object, str], dict[str, str]]:
    names, above = {}, {}
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not str(entry.get("name") or "").strip():
            raise DataError(f"{path}, categories[{number}] has no name")
        name = names[entry.get("id")] = str(entry["name"])
        parent = str(entry.get("supercategory") or "").strip()
        if parent and parent.lower() not in ("none", name.lower()):
            above[name] = parent
    return names, above


def _image(where: str, image: Any) -> tuple[str, tuple[int, int] | None]:  # noqa: ANN401 - any JSON value
    if not isinstance(image, Mapping) or not str(image.get("file_name") or ""):
        raise DataError(f'{where} has no "file_name"')
    width, height = image.get("width"), image.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return str(image["file_name"]), (width, height)
    return str(image["file_name"]), None


def _add(owner: Gatherer, entry: Mapping[str, Any], source: str, names: Mapping[object, str]) -> None:
    label = names.get(entry.get("category_id"))
    if label is None:
        owner.refuse(f"{source} has the unknown class {entry.get('category_id')!r:.40}")
    elif entry.get("iscrowd"):
        owner.refuse(f"{source} is a crowd of {label}", label)
    else:
        try:
            corners, oriented = _corners(numbers(entry.get("bbox"), source), source)
        except DataError as error:
            owner.refuse(str(error), label)
        else:
            owner.add(Box(label, corners, source, oriented))


def _corners(box: list[float], source: str) -> tuple[Corners, bool]:
    if len(box) == 4:
        return upright(box[0], box[1], max(box[2], 0.0), max(box[3], 0.0)), False
    if len(box) == 5:
        return turned(box[0], box[1], box[2], box[3], math.radians(box[4])), True
    if len(box) == 8:
        return polygon(box), True
    raise DataError(f"{source}: a bbox has 4, 5 or 8 numbers; found {len(box)}")
