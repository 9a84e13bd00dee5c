"""From image files and scenes to the items of a route."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import shapely
from shapely.geometry.base import BaseGeometry

from swath.chips import Chip
from swath.corpus.narrate.material import Item
from swath.data.images import UnreadableImageError, image_chip
from swath.errors import DataError
from swath.raster import describe
from swath.raster.hrefs import is_remote

SHARED = 0.001
"""Scenes that share more than this part of the smaller one's ground are never divided between splits."""


def file_item(root: Path, name: str, sensor: str | None, unit: str, split: str = "") -> Item:
    """A whole image file as an item.

    Args:
        root: the image folder.
        name: the file's path relative to it.
        sensor: name of its sensor; recognised by default.
        unit: what is never divided between splits.
        split: the official split.

    Raises:
        DataError: the path leads out of the folder, or the file is missing, unreadable or of another sensor.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"image {name!r:.80} points outside the image folder {root}; names must be relative")
    try:
        chip = image_chip(root / path, str(path), sensor)
    except FileNotFoundError:
        raise DataError(f"image {root / path} does not exist; name the image folder with --images") from None
    except UnreadableImageError as error:
        raise DataError(str(error)) from error
    return Item(str(path), chip, unit, split)


def chip_items(chips: Iterable[Chip]) -> tuple[Item, ...]:
    """Chips of scenes as items; the unit is the scene with all others that show some of its ground.

    Raises:
        DataError: two chips have one name, or a file is remote.
    """
    chips = list(chips)
    units = _units(chips)
    items: dict[str, Item] = {}
    for chip in chips:
        if is_remote(chip.scene.href):
            raise DataError(f"{chip.scene.href}: a corpus refers to files on disk; copy the scenes there first")
        name = f"{chip.scene.id}#{'_'.join(map(str, chip.window.to_list()))}"
        if name in items:
            raise DataError(f"two chips are called {name!r}; scenes need ids of their own")
        items[name] = Item(name, chip, units[chip.scene.id])
    return tuple(items.values())


def _units(chips: Sequence[Chip]) -> dict[str, str]:
    """Scene -> the first of the scenes that it is joined to by ground that both show (visits, overlaps)."""
    places: dict[str, list[BaseGeometry]] = {}
    for chip in chips:
        found = places.setdefault(chip.scene.id, [])
        if chip.footprint is not None:
            found.append(chip.footprint.geometry)
    areas = {name: shapely.union_all(found) for name, found in places.items() if found}
    names, shapes = list(areas), list(areas.values())
    tree, unit = shapely.STRtree(shapes), {name: name for name in places}

    def root(name: str) -> str:
        while unit[name] != name:
            name = unit[name]
        return name

    for place, shape in enumerate(shapes):
        for other in tree.query(shape, predicate="intersects").tolist():
            both = shape.intersection(shapes[other]).area
            if other < place and both > SHARED * min(shape.area, shapes[other].area):
                first, second = sorted((root(names[place]), root(names[other])))
                unit[second] = first
    return {name: root(name) for name in unit}


def image_root(items: Iterable[Item]) -> Path:
    """The folder that all files of the items lie in.

    For whole image files it is the folder that their names are relative to.
    """
    items = list(items)
    first = items[0]
    href = Path(first.chip.scene.href)
    parts = PurePosixPath(first.name).parts
    if href.parts[-len(parts) :] == parts:
        root = Path(*href.parts[: -len(parts)])
        if all(Path(os.path.realpath(root / item.name)) == Path(item.chip.scene.href) for item in items):
            return root
    folders = {os.path.dirname(layer.href) for item in items for layer in item.chip.scene.layers}
    return Path(os.path.commonpath(list(folders)))


def pixel_area(chip: Chip, gsd: float | None) -> float | None:
    """Square metres that a pixel of a chip covers on the ground, on average; None where nothing tells.

    Args:
        chip: a chip; its footprint is measured on the ellipsoid, so that map projections do not matter.
        gsd: metres a pixel, where the chip has no footprint.
    """
    if chip.footprint is None:
        return None if gsd is None else gsd * gsd
    import pyproj

    area = abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(chip.footprint.geometry)[0])
    return float(area / (chip.window.width * chip.window.height))


def metres_a_pixel(chip: Chip, gsd: float | None) -> float | None:
    """Metres a pixel of a chip, as given or from its georeference; None where neither tells, or pixels are not square.

    Args:
        chip: a chip.
        gsd: metres a pixel as annotations or the user give it; it comes first.
    """
    if gsd is not None or chip.footprint is None:
        return gsd
    area, transform = pixel_area(chip, None), describe(chip.scene.href).transform
    if area is None or transform is None:
        return None
    wide, high = math.hypot(transform.a, transform.d), math.hypot(transform.b, transform.e)
    if _in_degrees(chip.footprint.crs):
        wide *= math.cos(math.radians(chip.footprint.centre[1]))
    return math.sqrt(area) if 0.9 < wide / high < 1.1 else None


def _in_degrees(crs: str) -> bool:
    """Whether the coordinates of a CRS are degrees."""
    import pyproj

    return bool(pyproj.CRS.from_user_input(crs).is_geographic)
