"""Folders of images, GeoTIFFs and COGs; single files too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from swath.chips import SceneRef
from swath.errors import SwathError
from swath.raster import SUFFIXES, scene_from_file
from swath.raster.hrefs import inside
from swath.sources.base import Source

EXCLUDE = ("*_label.*", "*_labels.*", "*_mask.*", "*_masks.*", "*_reference_map.*")
"""Names of annotation rasters that lie beside images in public data sets."""


class UrlSource(Source):
    """One raster behind a URL."""

    def __init__(self, url: str, *, sensor: str | None = None, bands: Sequence[str] | None = None) -> None:
        """Name the raster.

        Args:
            url: an ``http(s)``, ``s3`` or ``gs`` URL.
            sensor: its sensor or family; None to recognise it.
            bands: names of its bands in file order, where it names none or wrong ones.
        """
        super().__init__(url)
        self.sensor = sensor
        self.bands = bands

    def _scenes(self) -> Iterator[SceneRef]:
        try:
            yield scene_from_file(self.name, sensor=self.sensor, bands=self.bands)
        except SwathError as error:
            self.fail(self.name, error)


class FolderSource(Source):
    """Every raster below a folder, one scene a file.

    Properties of a scene: ``name`` (the file's stem), ``folder`` (its folder relative to the source) and ``class`` (the
    last part of that, the class in class-folder data sets).
    """

    def __init__(
        self,
        root: str | Path,
        *,
        sensor: str | None = None,
        bands: Sequence[str] | None = None,
        include: Sequence[str] = ("*",),
        exclude: Sequence[str] = EXCLUDE,
    ) -> None:
        """Open a folder or a single file.

        Args:
            root: the folder, or one raster file.
            sensor: sensor or family of all files; None to recognise each.
            bands: names of the bands in file order, where the files name none or wrong ones.
            include: patterns of file names or relative paths to take.
            exclude: patterns to leave out, counted in `skipped`.
        """
        super().__init__(str(root))
        self.root = Path(os.path.realpath(root))
        self.sensor = sensor
        self.bands = bands
        self.include = tuple(include)
        self.exclude = tuple(exclude)

    def _scenes(self) -> Iterator[SceneRef]:
        for path in self._files():
            try:
                yield self._scene(path)
            except SwathError as error:
                self.fail(str(path), error)

    def _files(self) -> Iterator[Path]:
        """Raster files in the order of their paths; hidden files are not looked at."""
        if self.root.is_file():
            yield self.root
            return
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(folder, name)
                if name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                    continue
                relative = path.relative_to(self.root).as_posix()
                if not any(fnmatch(name, p) or fnmatch(relative, p) for p in self.include):
                    self.skipped["not matched by include"] += 1
                elif pattern := next((p for p in self.exclude if fnmatch(name, p) or fnmatch(relative, p)), None):
                    self.skipped[f"excluded by {pattern}"] += 1
                elif not inside(str(path), str(self.root)):
                    self.fail(
                        str(path), f"{path}: links to a file outside {self.root}; add that folder as its own source"
                    )
                else:
                    yield path

    def _scene(self, path: Path) -> SceneRef:
        relative = path.relative_to(self.root) if path != self.root else Path(path.name)
        properties = {"name": path.stem}
        if relative.parent != Path():
            properties |= {"folder": relative.parent.as_posix(), "class": relative.parent.name}
        return scene_from_file(
            str(path),
            sensor=self.sensor,
            bands=self.bands,
            scene_id=relative.as_posix(),
            properties=properties,
        )
