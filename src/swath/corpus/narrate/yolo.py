"""YOLO annotations: a text file an image, a line a box, coordinates as shares of the image's sides.

A line is ``class cx cy width height`` or, oriented, ``class x1 y1 x2 y2 x3 y3 x4 y4``. Labels lie in ``labels/`` beside
``images/``, or beside the images; names come from a ``.yaml`` with ``names``, from ``classes.txt``, or from the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from swath.corpus.narrate.boxes import Box, BoxedImage, Gatherer, numbers, polygon, upright
from swath.data.images import IMAGE_SUFFIXES, image_chip
from swath.errors import DataError

_LISTS = ("classes.txt", "obj.names", "names.txt")


def read_yolo(folder: Path, images: Path | None, names: Sequence[str] | None) -> tuple[list[BoxedImage], Path]:
    """Read a folder of YOLO labels.

    Args:
        folder: the data set's folder (with ``labels/`` and ``images/``), or the folder of the labels.
        images: the image folder, where it is neither ``images/`` nor the folder itself.
        names: names of the classes in order; by default those that lie beside the labels.

    Returns:
        The images, and the image folder. An empty label file is an image without things; an image without a label
        file is none of the data set.

    Raises:
        DataError: no labels, no names, or no images.
    """
    labels = folder / "labels" if (folder / "labels").is_dir() else folder
    root = images or next((place for place in (folder / "images", folder.parent / "images") if place.is_dir()), folder)
    names = names or _names(folder)
    pictures = {
        path.relative_to(root).with_suffix("").as_posix(): path
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    }
    files = [path for path in sorted(labels.rglob("*.txt")) if path.name not in _LISTS]
    if not files or not pictures:
        raise DataError(f"{folder} has no {'label files (.txt)' if not files else 'images; name them with --images'}")
    found = []
    for file in files:
        picture = pictures.get(file.relative_to(labels).with_suffix("").as_posix())
        name = picture.relative_to(root).as_posix() if picture is not None else file.with_suffix("").name
        found.append(_image(file, name, picture, names))
    return found, root


def _names(folder: Path) -> list[str]:
    for place in (folder, folder.parent):
        for name in _LISTS:
            if (place / name).is_file():
                return [line.strip() for line in (place / name).read_text("utf-8").splitlines() if line.strip()]
        for file in sorted((*place.glob("*.yaml"), *place.glob("*.yml"))):
            found = _from_yaml(file)
            if found:
                return found
    raise DataError(f"nothing beside {folder} names its classes; give them with --classes ship,harbor or a data.yaml")


def _from_yaml(file: Path) -> list[str]:
    import yaml

    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    names = document.get("names") if isinstance(document, Mapping) else None
    if isinstance(names, Mapping):
        names = [names[key] for key in sorted(names, key=int)]
    return [str(name) for name in names] if isinstance(names, list) else []


def _image(file: Path, name: str, picture: Path | None, names: Sequence[str]) -> BoxedImage:
    if picture is None:
        return BoxedImage(name, (), (f"{file}: there is no image of this name",), None, frozenset("*"))
    try:
        window = image_chip(picture, name).window
        lines = file.read_text(encoding="utf-8").splitlines()
    except (DataError, OSError, UnicodeDecodeError) as error:
        return BoxedImage(name, (), (f"{file}: {error}",), None, frozenset("*"))
    gathered = Gatherer(name, (window.width, window.height))
    for number, line in enumerate(lines, 1):
        if line.strip():
            _add(gathered, line.split(), f"{file.name}:{number}", names, (window.width, window.height))
    return gathered.image()


def _add(gathered: Gatherer, parts: list[str], source: str, names: Sequence[str], size: tuple[int, int]) -> None:
    label = names[int(parts[0])] if parts[0].isdecimal() and int(parts[0]) < len(names) else None
    if label is None:
        gathered.refuse(f"{source} has the unknown class {parts[0]!r:.40}; there are {len(names)}")
        return
    try:
        values = numbers(parts[1:], source)
    except DataError as error:
        gathered.refuse(str(error), label)
        return
    width, height = size
    if len(values) in (4, 5):  # the fifth is a detector's confidence
        x, y, wide, high = values[0] * width, values[1] * height, values[2] * width, values[3] * height
        gathered.add(Box(label, upright(x - wide / 2, y - high / 2, wide, high), source))
    elif len(values) in (8, 9):
        scaled = [value * (width, height)[at % 2] for at, value in enumerate(values[:8])]
        gathered.add(Box(label, polygon(scaled), source, oriented=True))
    else:
        gathered.refuse(f"{source} has {len(values)} numbers; a box has 4, an oriented one 8", label)
