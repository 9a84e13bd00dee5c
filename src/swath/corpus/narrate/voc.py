"""Pascal VOC annotations: an XML file an image.

An ``object`` has a ``bndbox`` (xmin, ymin, xmax, ymax) or, oriented, a ``robndbox`` (cx, cy, w, h, angle in radians, as
roLabelImg writes it) or a ``quad`` / ``polygon`` of x1, y1 ... x4, y4.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from swath.corpus.narrate.boxes import Box, BoxedImage, Corners, Gatherer, numbers, polygon, turned, upright
from swath.errors import DataError

_DECLARATION = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def read_voc(path: Path) -> tuple[list[BoxedImage], list[str]]:
    """Read one XML file, or all of a folder (also of its ``Annotations/``).

    Args:
        path: the file or folder.

    Returns:
        The images, and what is wrong with files that could not be read.

    Raises:
        DataError: no file, or none that can be read.
    """
    files = [path] if path.is_file() else sorted(path.rglob("*.xml"))
    images, failures = [], []
    for file in files:
        try:
            images.append(_read(file))
        except DataError as error:
            failures.append(str(error))
    if not images:
        raise DataError(failures[0] if failures else f"{path} has no .xml annotation")
    return images, failures


def _read(file: Path) -> BoxedImage:
    try:
        text = file.read_text(encoding="utf-8").removeprefix("\ufeff")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    if not text.strip():
        raise DataError(f"{file} is empty; there is nothing to write from")
    if _DECLARATION.search(text):
        raise DataError(f"{file} declares entities; refused, as annotations need none")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - declarations of entities are refused above
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"{file} is not valid XML: {error}") from error
    name = (root.findtext("filename") or file.with_suffix("").name).strip()
    width, height = (root.findtext(f"size/{side}") or "" for side in ("width", "height"))
    known = width.isdecimal() and height.isdecimal() and int(width) > 0 and int(height) > 0
    gathered = Gatherer(name, (int(width), int(height)) if known else None)
    for number, entry in enumerate(root.iter("object")):
        _add(gathered, entry, f"object[{number}]")
    return gathered.image()


def _add(gathered: Gatherer, entry: ElementTree.Element, source: str) -> None:
    label = (entry.findtext("name") or "").strip()
    if not label:
        gathered.refuse(f"{source} has no class")
        return
    try:
        corners, oriented = _corners(entry, source)
    except DataError as error:
        gathered.refuse(str(error), label)
    else:
        gathered.add(Box(label, corners, source, oriented))


def _corners(entry: ElementTree.Element, source: str) -> tuple[Corners, bool]:
    turned_box = entry.find("robndbox")
    if turned_box is not None:
        x, y, width, height, angle = _values(turned_box, ("cx", "cy", "w", "h", "angle"), source)
        return turned(x, y, width, height, angle), True
    for tag in ("quad", "polygon"):
        found = entry.find(tag)
        if found is not None:
            return polygon(_values(found, ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4"), source)), True
    box = entry.find("bndbox")
    if box is None:
        raise DataError(f"{source} has no box")
    left, top, right, bottom = _values(box, ("xmin", "ymin", "xmax", "ymax"), source)
    return upright(left, top, max(right - left, 0.0), max(bottom - top, 0.0)), False


def _values(element: ElementTree.Element, tags: tuple[str, ...], source: str) -> list[float]:
    return numbers([element.findtext(tag) for tag in tags], source)
