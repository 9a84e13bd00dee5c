"""AMFMN's text lists (RSITMD, RSICD): ``<split>_caps.txt`` and ``<split>_filename.txt``, a line a caption."""

from __future__ import annotations

from pathlib import Path

from swath.data.annotations import Annotation, Annotations, Layout, ReadOptions, image_root
from swath.errors import DataError

_CAPTIONS, _NAMES = "_caps.txt", "_filename.txt"


def find_lists(path: Path) -> Path | None:
    """`path`, if it is a ``*_caps.txt`` file or a folder that holds one."""
    if path.is_file():
        return path if path.name.endswith(_CAPTIONS) else None
    return path if any(path.glob(f"*{_CAPTIONS}")) else None


def read_lists(path: Path, options: ReadOptions) -> Annotations:
    """Read pairs of lists; a list's prefix is its split (``train_caps.txt`` -> ``train``).

    Blank captions are kept as blanks here (RSITMD's train list has 20) and recorded when the data set is built.

    Raises:
        DataError: a list has no partner, the two differ in length, a caption has no image, or an image is in two
            splits; the message names file and line.
    """
    gathered: dict[str, tuple[str, list[str], int]] = {}
    for captions in [path] if path.is_file() else sorted(path.glob(f"*{_CAPTIONS}")):
        _gather(captions, gathered)
    entries = tuple(
        Annotation(name, tuple(texts), split=split, provenance={"file": f"{split}{_CAPTIONS}", "row": row})
        for name, (split, texts, row) in gathered.items()
    )
    if not entries:
        raise DataError(f"{path}: the caption lists are empty")
    folder = path.parent if path.is_file() else path
    return Annotations(folder.resolve().name, image_root(folder, gathered, options), entries)


LISTS = Layout("lists", "<split>_caps.txt beside <split>_filename.txt (AMFMN, RSITMD)", find_lists, read_lists)


def _gather(captions: Path, gathered: dict[str, tuple[str, list[str], int]]) -> None:
    split = captions.name.removesuffix(_CAPTIONS)
    names = captions.with_name(split + _NAMES)
    if not names.is_file():
        raise DataError(f"{captions} has no partner {names.name} with the image names")
    texts, images = _lines(captions), _lines(names)
    if len(texts) != len(images):
        raise DataError(f"{captions} has {len(texts)} lines, {names.name} {len(images)}; they must match line by line")
    for row, (text, image) in enumerate(zip(texts, images, strict=True), 1):
        name = image.strip()
        if not name:
            if not text.strip():
                continue
            raise DataError(
                f"{names}, line {row}: a caption without image: {text.strip()!r:.80}; "
                "name its image there, or delete the line from both lists"
            )
        known = gathered.setdefault(name, (split, [], row))
        if known[0] != split:
            raise DataError(
                f"{names}, line {row}: image {name!r} is in two splits, {known[0]!r} and {split!r}; "
                "name one caption list to read it alone"
            )
        known[1].append(text.strip())


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}; save it as UTF-8") from error
    lines = text.split("\n")
    return lines[:-1] if not lines[-1] else lines
