"""Class folders: one folder a class, its name the label (EuroSAT, RESISC45, AID); split folders may lie above."""

from __future__ import annotations

from pathlib import Path

from swath.data.annotations import Annotation, Annotations, Layout, ReadOptions
from swath.data.images import IMAGE_SUFFIXES
from swath.errors import DataError

SPLIT_FOLDERS = frozenset({"train", "val", "valid", "validation", "test"})
"""Folder names that are splits, not classes, when every top folder has one of them."""


def find_folders(path: Path) -> Path | None:
    """`path`, if it is a folder of class folders (or of split folders of class folders) with images in them."""
    if not path.is_dir() or not _folders(path):
        return None
    folders = _folders(path)
    if _are_splits(folders):
        folders = [entry for folder in folders for entry in _folders(folder)]
    return path if any(_images(folder) for folder in folders) else None


def read_folders(path: Path, options: ReadOptions) -> Annotations:
    """List the images of a folder of class folders; every image's label is its folder's name.

    Raises:
        DataError: no images, or `options.images` is given, which has no meaning here.
    """
    if options.images is not None:
        raise DataError(f"class folders at {path} are the images themselves; leave out images=...")
    folders = _folders(path)
    splits = _are_splits(folders)
    classes = [entry for folder in folders for entry in _folders(folder)] if splits else folders
    entries = tuple(
        Annotation(
            image.relative_to(path).as_posix(),
            labels=(folder.name,),
            split=folder.parent.name if splits else "",
            provenance={"folder": folder.name},
        )
        for folder in classes
        for image in _images(folder)
    )
    if not entries:
        raise DataError(f"{path} holds no image in a class folder ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return Annotations(path.resolve().name, path, entries)


FOLDERS = Layout("folders", "a folder of class folders with images (EuroSAT)", find_folders, read_folders)


def _are_splits(folders: list[Path]) -> bool:
    return all(folder.name.lower() in SPLIT_FOLDERS for folder in folders)


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _images(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.suffix.lower() in IMAGE_SUFFIXES and entry.is_file())
