"""Products that come as one file a band, in a folder and without STAC: Sentinel-2 SAFE, BigEarthNet, split exports.

Files that share a folder and a name up to its last part, which is a band's name (``..._B04.tif``, ``..._VV.tif``,
``..._B02_10m.jp2``), are the bands of one scene.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from swath.sensors import SENSORS

_BAND = re.compile(r"^(?P<stem>.*?)[_.-]?(?P<band>B\d{1,2}A?|V[VH])(?:_(?P<metres>\d\d)m)?$", re.IGNORECASE)
_SENSED = re.compile(r"(?:^|_)(\d{8}T\d{6})(?:_|$)")
_BASELINE = re.compile(r"_N(\d\d)(\d\d)_")
_SUFFIXES = (".tif", ".tiff", ".jp2")
_UNKNOWN_BASELINE = 99


@dataclass(slots=True)
class Product:
    """Files of one scene.

    Attributes:
        stem: what their names share.
        folder: the folder they lie in (SAFE's R10m, R20m and R60m count as one).
        bands: band name and file of each, finest resolution first.
    """

    stem: str
    folder: Path
    bands: list[tuple[str, Path]] = field(default_factory=list)


def group(paths: Iterable[Path]) -> Iterator[Path | Product]:
    """Join the files of band-per-file products; every other file, and a band without siblings, stays by itself.

    Args:
        paths: files in the order of their folders.
    """
    waiting: list[tuple[Path, Path]] = []
    for path in paths:
        folder = path.parent.parent if re.fullmatch(r"R\d\dm", path.parent.name) else path.parent
        if waiting and folder != waiting[0][0]:
            yield from _join(waiting)
            waiting = []
        waiting.append((folder, path))
    yield from _join(waiting)


def _join(files: Iterable[tuple[Path, Path]]) -> Iterator[Path | Product]:
    """Join the files of one folder."""
    entries: dict[str | Path, list[tuple[int, str, Path]]] = {}
    folders: dict[str | Path, Path] = {}
    for folder, path in files:
        stem, name, metres = band_of(path) or (path, "", 0)
        entries.setdefault(stem, []).append((metres, name, path))
        folders[stem] = folder
    for stem, members in entries.items():
        if len({name for _, name, _ in members}) == 1:
            yield from (path for _, _, path in members)
        else:
            yield Product(str(stem), folders[stem], [(name, path) for _, name, path in sorted(members)])


def band_of(path: Path) -> tuple[str, str, int] | None:
    """(shared stem, band name, metres) of a file named after its band; None for other files."""
    match = _BAND.match(path.stem) if path.suffix.lower() in _SUFFIXES else None
    if match is None or not match["stem"]:
        return None
    name = match["band"].upper()
    if not any(band.answers_to(name) for entry in SENSORS.values() if len(entry.bands) > 1 for band in entry.bands):
        return None
    return match["stem"], name, int(match["metres"] or 0)


def sensed(name: str) -> datetime | None:
    """The sensing time in a Sentinel product or file name (``S2A_MSIL2A_20170613T101031_...``), UTC."""
    match = _SENSED.search(name)
    try:
        return datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


def baseline(path: Path) -> str | None:
    """Sentinel-2's processing baseline (``05.10``) in the name of a product's folder or file; None where unknown."""
    for part in reversed(path.parts):
        match = _BASELINE.search(part)
        if match is not None and part.upper().startswith("S2"):
            # Own reprocessing is named N9999; it says nothing about the offset.
            return f"{match[1]}.{match[2]}" if int(match[1]) < _UNKNOWN_BASELINE else None
    return None
