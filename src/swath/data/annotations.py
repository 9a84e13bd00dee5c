"""What every reader gives, and the one way from there to a `Dataset`.

A reader only parses its layout into `Annotation` values; safety of paths, missing images and empty captions are
handled here, the same for all layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from swath.data.dataset import Dataset, Failure
from swath.data.images import ScenePart, UnreadableImageError, image_chip, is_file, part_chip
from swath.data.pairs import Pair
from swath.errors import DataError

MAX_NAME = 1024
"""Longest image name in characters; file systems take less."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a data set's file says of one image, before the image is looked for.

    Attributes:
        name: the image's path relative to the image folder.
        captions: short captions as written, blank ones included.
        long_captions: captions of a paragraph.
        labels: class names.
        split: the official split; empty where there is none.
        location: (lon, lat) in degrees; None where unknown.
        provenance: where the annotation stands (file, row, data set of a merged set).
        part: where in which file the image is; None where `name` is a file that is the image.
        group: shared by images of one place and time; empty where there is none.
    """

    name: str
    captions: tuple[str, ...] = ()
    long_captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    split: str = ""
    location: tuple[float, float] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict, hash=False)
    part: ScenePart | None = None
    group: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The image's files, relative to the image folder."""
        if self.part is None:
            return (self.name,)
        return tuple(dict.fromkeys((self.part.file, *(layer.href for layer in self.part.layers))))


@dataclass(frozen=True, slots=True)
class Annotations:
    """A data set's annotations, and the folder its image names are relative to.

    Attributes:
        name: the data set's name.
        root: the image folder.
        entries: one entry an image.
        failures: what the reader itself had to leave out (a damaged shard).
    """

    name: str
    root: Path
    entries: tuple[Annotation, ...]
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a caller may tell a reader.

    Attributes:
        images: the image folder, where it is not beside the annotation file.
        unpack: where images that are packed in shards are written.
        sensor: the sensor wanted; readers of data sets with several sensors give only its images.
    """

    images: Path | None = None
    unpack: Path | None = None
    sensor: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout on disk: how to recognise it and how to read it.

    Attributes:
        name: what `read_dataset(layout=...)` calls it.
        looks_like: one line for people: what files make it up.
        find: the file or folder to read at a path, or None where the path is not this layout.
        read: the annotations at what `find` gave.
    """

    name: str
    looks_like: str
    find: Callable[[Path], Path | None]
    read: Callable[[Path, ReadOptions], Annotations]


def image_root(beside: Path, names: Iterable[str], options: ReadOptions) -> Path:
    """The folder that image names are relative to.

    Args:
        beside: the folder of the annotation file.
        names: image names; the first few are tried.
        options: `images` settles the matter.

    Returns:
        `options.images`; or the first of ``images/``, the folder itself and its other sub-folders that holds one of
        the first names; or ``images/`` (where it exists) so that the missing images are reported against it.

    Raises:
        DataError: `options.images` is not a folder.
    """
    if options.images is not None:
        if not options.images.is_dir():
            raise DataError(f"{options.images} is not a folder of images; correct images=...")
        return options.images
    tried = [name for name, _ in zip(names, range(20), strict=False)]
    preferred = beside / "images"
    for folder in (preferred, beside, *sorted(entry for entry in beside.iterdir() if entry.is_dir())):
        if any(is_file(folder / name) for name in tried if _is_inside(name)):
            return folder
    return preferred if preferred.is_dir() else beside


def build(annotations: Annotations, sensor: str | None = None, strict: bool = False) -> Dataset:
    """Find each annotation's image and make pairs.

    A missing or unreadable image, a blank caption and an image with nothing written about it are recorded in
    `Dataset.failures` and left out; an image of a group teaches by its partners and needs no text.

    Args:
        annotations: what a reader gave.
        sensor: name of the images' sensor; recognised from each file by default.
        strict: raise at the first failure instead of recording it.

    Returns:
        The data set, in the order of the annotations.

    Raises:
        DataError: an image is listed twice, a name points outside the image folder, nothing usable is left, or (with
            `strict`) anything failed.
    """
    failures: list[Failure] = list(annotations.failures)
    pairs: list[Pair] = []
    check_names(annotations)
    for entry in annotations.entries:
        found = _pair(entry, annotations, sensor, failures)
        if found is not None:
            pairs.append(found)
        if strict and failures:
            first = failures[0]
            raise DataError(f"data set {annotations.name!r}, image {first.name!r}: {first.kind}: {first.message}")
    if not pairs:
        detail = f"; first: {failures[0].name!r}: {failures[0].message}" if failures else ""
        raise DataError(
            f"data set {annotations.name!r} has no usable pair among {len(annotations.entries)} images "
            f"under {annotations.root}{detail}; check the image folder (images=...)"
        )
    return Dataset(annotations.name, tuple(pairs), tuple(failures), annotations.root)


def check_names(annotations: Annotations) -> None:
    """Refuse image names that are listed twice or point outside the image folder, and texts that are no Unicode.

    Raises:
        DataError: naming the image.
    """
    seen: set[str] = set()
    for entry in annotations.entries:
        outside = next((file for file in (entry.name, *entry.files) if not _is_inside(file)), None)
        if outside is not None:
            raise DataError(
                f"data set {annotations.name!r}: image name {outside!r:.80} points outside the image folder "
                f"{annotations.root}; names must be relative, free of '..' and at most {MAX_NAME} characters"
            )
        for text in (entry.name, entry.split, *entry.captions, *entry.long_captions, *entry.labels):
            if not _is_unicode(text):
                raise DataError(
                    f"data set {annotations.name!r}, image {entry.name!r:.80}: {text!r:.80} is not valid Unicode "
                    "(half a surrogate pair); save the file as UTF-8"
                )
        if entry.name in seen:
            raise DataError(
                f"data set {annotations.name!r}: image {entry.name!r:.80} is listed twice; "
                "join its captions in one entry"
            )
        seen.add(entry.name)


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    usable = bool(name.strip()) and "\0" not in name and len(name) <= MAX_NAME
    return usable and not path.is_absolute() and ".." not in path.parts


def _pair(entry: Annotation, annotations: Annotations, sensor: str | None, failures: list[Failure]) -> Pair | None:
    """The pair of one annotation, or None where nothing usable is left; what is wrong goes to `failures`."""
    kept: dict[str, tuple[str, ...]] = {}
    for slot, texts in (("caption", entry.captions), ("long caption", entry.long_captions)):
        kept[slot] = tuple(text for text in texts if text.strip())
        failures.extend(
            Failure("empty caption", entry.name, f"{slot} {number} of {len(texts)} is blank", entry.split)
            for number, text in enumerate(texts, 1)
            if not text.strip()
        )
    if not (kept["caption"] or kept["long caption"] or entry.labels or entry.group):
        failures.append(
            Failure(
                "image without caption",
                entry.name,
                "no caption that is not blank, and no label; give it one, or leave it out",
                entry.split,
            )
        )
        return None
    root = annotations.root
    try:
        if entry.part is None:
            chip = image_chip(root / entry.name, entry.name, sensor)
        else:
            chip = part_chip(root, entry.name, entry.part)
    except FileNotFoundError as error:
        failures.append(Failure("missing image", entry.name, f"{error} does not exist", entry.split))
        return None
    except UnreadableImageError as error:
        failures.append(Failure("unreadable image", entry.name, str(error), entry.split))
        return None
    place = entry.location
    if place is None and entry.part is not None and chip.footprint is not None:
        place = chip.footprint.centre
    return Pair(
        chip,
        captions=kept["caption"],
        long_captions=kept["long caption"],
        labels=entry.labels,
        location=place,
        split=entry.split,
        provenance={"dataset": annotations.name, **entry.provenance},
        group=entry.group,
    )
