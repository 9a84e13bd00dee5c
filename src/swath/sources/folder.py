"""Folders of images, GeoTIFFs and COGs; single files too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from swath.chips import SceneRef
from swath.errors import SensorError, SwathError
from swath.raster import SUFFIXES, describe, footprint, scene_from_file
from swath.raster.hrefs import inside
from swath.recognition import mission_of
from swath.sensors import SENSORS
from swath.sources.assets import AssetBand, layers_of
from swath.sources.base import Source
from swath.sources.fitting import fit
from swath.sources.products import Product, band_of, baseline, group, sensed

EXCLUDE = (
    *("*_label.*", "*_labels.*", "*_mask.*", "*_masks.*", "*_reference_map.*"),
    *("MSK_*.jp2", "*_SCL_[26]0m.jp2", "*_AOT_[126]0m.jp2", "*_WVP_[126]0m.jp2", "*_PVI.jp2"),
    *("L[COTE]0?_L2*_QA_*", "L[COTE]0?_L2*_SR_ATMOS_OPACITY.*", "L[COTE]0?_L2*_SR_CLOUD_QA.*", "L[COTE]0?_L2*_ST_*"),
    *("*_udm.*", "*_udm_clip.*", "*_udm2.*", "*_udm2_clip.*", "HLS.*.Fmask.*", "HLS.*.[SV][ZA]A.*"),
)
"""Names of rasters that lie beside images and are none: annotations of public data sets, and the masks, classes and
atmospheric by-products of Sentinel-2, Landsat (surface temperature too), PlanetScope and HLS."""


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
    """Every raster below a folder: one scene a file, or one scene a product that comes as one file a band.

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
        none = True
        single = self.sensor in SENSORS and len(SENSORS[str(self.sensor)].bands) == 1
        for entry in self._files() if single or self.bands is not None else group(self._files()):
            none = False
            try:
                yield self._product(entry) if isinstance(entry, Product) else self._scene(entry)
            except SwathError as error:
                self.fail(str(entry.folder / entry.stem) if isinstance(entry, Product) else str(entry), error)
        if none and not self.skipped and not self.failures:
            self.fail(
                self.name,
                f"{self.name}: holds no image ({', '.join(SUFFIXES)}); give a folder that does, or name a table or "
                "container in it",
            )

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
        band = band_of(path)
        hint = self.bands
        if hint is None and band is not None:
            info = describe(str(path))
            hint = (band[1],) if info.band_count == 1 and not info.band_names else None
        scene = scene_from_file(
            str(path),
            sensor=self.sensor,
            bands=hint,
            scene_id=relative.as_posix(),
            constellation=mission_of(path.name),
            properties=_properties(path.stem, relative.parent),
        )
        return scene if scene.datetime is not None else replace(scene, datetime=sensed(path.stem))

    def _product(self, product: Product) -> SceneRef:
        """The scene of a product that comes as one file a band."""
        relative = product.folder.relative_to(self.root)
        offered = [AssetBand(name, str(path), 1, (name,)) for name, path in product.bands]
        found = fit(offered, self.sensor, mission_of(product.stem) or mission_of(product.folder.name))
        if found is None:
            names = ", ".join(name for name, _ in product.bands)
            raise SensorError(
                f"{product.folder / product.stem}: no {self.sensor or 'sensor'} fits the bands {names}; complete the "
                f"product's files or name the --sensor (one of {', '.join(sorted(SENSORS))})"
            )
        target, chosen = found
        properties = _properties(product.stem, relative)
        version = baseline(product.bands[0][1])
        if version is not None:
            properties["s2:processing_baseline"] = version
        layers = layers_of(chosen, target, properties)
        info = describe(layers[0].href)
        return SceneRef(
            id=(relative / product.stem).as_posix(),
            href=layers[0].href,
            sensor=target.name,
            layers=layers,
            footprint=footprint(info),
            datetime=sensed(product.stem) or sensed(product.folder.name) or info.datetime,
            properties=properties,
        )


def _properties(name: str, folder: Path) -> dict[str, str]:
    if folder == Path():
        return {"name": name}
    return {"name": name, "folder": folder.as_posix(), "class": folder.name}
