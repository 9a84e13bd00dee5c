"""Images that come packed (WebDataset shards, Parquet with image bytes), unpacked into a folder once."""

from __future__ import annotations

from pathlib import Path

from swath.data.annotations import ReadOptions
from swath.errors import DataError

MAX_IMAGE_BYTES = 1 << 28
"""A packed image larger than this (256 MiB) is refused."""

# (offset, first bytes, ending): how an image without a name is recognised.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG", ".png"),
    (0, b"\xff\xd8\xff", ".jpg"),
    (8, b"WEBP", ".webp"),
    (0, b"II*\0", ".tif"),
    (0, b"MM\0*", ".tif"),
    (0, b"II+\0", ".tif"),
    (0, b"GIF8", ".gif"),
    (0, b"BM", ".bmp"),
)


def unpack_folder(path: Path, options: ReadOptions) -> Path:
    """The folder that a packed data set's images are written to: `options.unpack`, or ``<path>.images`` beside it."""
    return options.unpack if options.unpack is not None else path.with_name(path.resolve().name + ".images")


def suffix_of(data: bytes) -> str:
    """The file ending that an image's first bytes call for; empty for anything else."""
    return next((suffix for offset, magic, suffix in _SIGNATURES if data[offset:].startswith(magic)), "")


def unpack_image(folder: Path, name: str, data: bytes) -> None:
    """Write one image under `folder`, unless it is there already with the same number of bytes.

    Raises:
        DataError: `name` leads out of `folder`, the image is too large, or the folder cannot be written.
    """
    target = (folder / name).resolve()
    if not target.is_relative_to(folder.resolve()) or "\0" in name:
        raise DataError(f"packed image {name!r} leads out of {folder}; refused")
    if len(data) > MAX_IMAGE_BYTES:
        raise DataError(f"packed image {name!r} has {len(data)} bytes, more than {MAX_IMAGE_BYTES}; refused")
    if target.is_file() and target.stat().st_size == len(data):
        return
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as error:
        raise DataError(f"cannot unpack images to {folder}: {error}; give a folder to write to (unpack=...)") from error
