"""From scenes to chips."""

from __future__ import annotations

from collections.abc import Iterator

from swath.chips import Chip, SceneRef
from swath.errors import EmptyChipError, SourceError
from swath.raster import footprints_of, read_chip, scene_grid, tile
from swath.sources.base import Source


def cut(
    source: Source, size: int = 256, stride: int | None = None, *, min_valid: float | None = None
) -> Iterator[Chip]:
    """Cut every scene of a source into chips that cover it.

    Chips are references: no pixel is read here unless `min_valid` is given. Reading them later refuses (nearly) empty
    ones with `EmptyChipError`, see `swath.raster.read_chip`. A scene that cannot be opened is added to
    ``source.failures`` and the next one follows.

    Args:
        source: where scenes come from.
        size: side of a chip in pixels of the scene's finest grid.
        stride: step between chips; default `size` (no overlap). The last chip of a row or column is shifted to the
            scene's border.
        min_valid: read every chip now and leave out those with a smaller share of valid pixels (counted in
            ``source.skipped``); None to leave that to the reader.

    Yields:
        Chips in row order, scene by scene.
    """
    for scene in source.scenes():
        try:
            chips = cut_scene(scene, size, stride)
        except SourceError as error:
            source.fail(scene.href, error)
            continue
        if min_valid is None:
            yield from chips
            continue
        for chip in chips:
            try:
                read_chip(chip, min_valid=min_valid)
            except EmptyChipError:
                source.skipped[f"chips with less than {min_valid:.0%} valid pixels"] += 1
            except SourceError as error:
                source.fail(scene.href, error)
            else:
                yield chip


def cut_scene(scene: SceneRef, size: int = 256, stride: int | None = None) -> list[Chip]:
    """Cut one scene into chips that cover it, see `cut`.

    Chips lie where the file's georeference puts them. A file without one has a place only where its source knows the
    scene's and one chip is the whole scene.

    Raises:
        RasterError: a file of the scene is missing or damaged.
        GeoreferenceError: its CRS cannot be used.
    """
    grid = scene_grid(scene)
    windows = list(tile(grid.width, grid.height, size, stride))
    if not grid.georeferenced:
        place = scene.footprint if len(windows) == 1 else None
        return [Chip(scene, window, place) for window in windows]
    return [Chip(scene, window, place) for window, place in zip(windows, footprints_of(grid, windows), strict=True)]
